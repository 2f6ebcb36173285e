//! What aggregates keep of each group in memory, as far as the names in `Output` show it: EXPLAIN prints them with VERBOSE.
//!
//! Measured on 15.18 and 18.6 with 200,000 groups: a sum of bigint, an avg of int 84 bytes a group, corr 168, a sum of
//! numeric 335; `string_agg` 960, `json_object_agg` 1,050, and more with each value.

use super::condition;
use crate::explain::Node;

/// Aggregates that keep a value of a fixed size, and its bytes with what the allocator adds.
const FIXED: [(&[&str], f64); 3] = [
    (&["count", "bool_and", "bool_or", "every", "bit_and", "bit_or", "bit_xor"], 0.0),
    // Of numeric, which the others need less than.
    (
        &["sum", "avg", "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp"],
        336.0,
    ),
    (&["corr", "covar_pop", "covar_samp", "regr_slope", "regr_intercept", "regr_r2"], 168.0),
];

/// What all aggregates of a node keep of one group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::checks::plan) struct GroupValues {
    /// Bytes, as far as known.
    pub(in crate::checks::plan) bytes: f64,
    /// Whether that is all: no value grows with the rows, and no width is a guess.
    pub(in crate::checks::plan) known: bool,
}

/// What the aggregates of a node keep.
pub(in crate::checks::plan) fn values(node: &Node) -> GroupValues {
    let each = node.output.iter().map(|output| of_output(output));
    let nothing = GroupValues { bytes: 0.0, known: !node.output.is_empty() };
    each.fold(nothing, |all, one| GroupValues {
        bytes: all.bytes + one.bytes,
        known: all.known && one.known,
    })
}

/// What one column of the output keeps: nothing where it is a column of the input.
fn of_output(output: &str) -> GroupValues {
    let text = output.strip_prefix("PARTIAL ").unwrap_or(output);
    if condition::column(text).is_some() {
        return GroupValues { bytes: 0.0, known: true };
    }
    let fixed = text.split_once('(').and_then(|(name, _)| {
        // One call, and nothing behind it.
        let call = &text[name.len()..];
        let bytes = FIXED.iter().find(|(names, _)| names.contains(&name))?.1;
        (condition::unwrapped(call) != call).then_some(bytes)
    });
    GroupValues { bytes: fixed.unwrap_or_default(), known: fixed.is_some() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(outputs: &[&str]) -> GroupValues {
        let output = outputs.iter().map(|output| (*output).into()).collect();
        values(&Node { output, ..Node::default() })
    }

    #[test]
    fn columns_and_aggregates_of_a_fixed_size_are_known() {
        assert_eq!(of(&["t.car_id", "count(*)"]), GroupValues { bytes: 0.0, known: true });
        assert_eq!(of(&["km", "PARTIAL sum(t.km)"]), GroupValues { bytes: 336.0, known: true });
        assert_eq!(of(&["k", "avg((t.km)::numeric)"]), GroupValues { bytes: 336.0, known: true });
    }

    #[test]
    fn what_grows_or_is_not_printed_is_not_known() {
        for outputs in [
            &[][..],
            &["k", "array_agg(t.km)"],
            &["k", "string_agg(t.state, ','::text)"],
            &["md5(t.note)"],
            &["(sum(t.km) / count(*))"],
            &["k", "count(*) || max(v)"],
            &["k", "max(t.state)"],
        ] {
            assert!(!of(outputs).known, "{outputs:?}");
        }
    }
}
