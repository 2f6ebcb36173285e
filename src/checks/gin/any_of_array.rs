//! Searches by `$1 = ANY (tags)`: no index serves them, and `tags @> ARRAY[$1]` finds the same rows by a GIN index.
//!
//! Both are true where an element equals the value, and neither where the value or the array is NULL. Under NOT they differ
//! for arrays with a NULL in them, and such conditions are not counted.

use super::ledger::{finds_rows, searches};
use crate::model::observation::{ColumnUsage, LayoutColumn};
use crate::model::quote_identifier;

/// How the operator is named in uses of a column.
const ANY: &str = "any =";

/// Calls that find rows so.
pub(super) fn calls(usage: &ColumnUsage) -> u64 {
    usage.calls_where(|one| searches(one, &[ANY]) && !one.under_or && finds_rows(one))
}

/// Whether a condition is such a search.
pub(super) fn is_any(operator: &str) -> bool {
    operator == ANY
}

/// What to write instead. A cast to a length would cut the value.
pub(super) fn rewrite(column: &LayoutColumn) -> Option<String> {
    let element = column.type_sql.strip_suffix("[]").filter(|_| column.built_in)?;
    let name = quote_identifier(&column.name);
    let element = match (element.split_once('('), element) {
        (Some(("character", _)), _) | (None, "character") => "bpchar".to_owned(),
        (Some((before, rest)), _) => {
            format!("{before}{}", rest.split_once(')').map_or("", |(_, behind)| behind))
        }
        (None, whole) => whole.to_owned(),
    };
    Some(format!("{name} @> ARRAY[$1]::{element}[]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_cast_to_the_type_of_an_element_and_to_no_length() {
        let column = |type_sql: &str| LayoutColumn {
            name: "Tags".to_owned(),
            type_name: "_text".to_owned(),
            type_sql: type_sql.to_owned(),
            built_in: true,
            length: -1,
            alignment: 'i',
            storage: 'x',
            compression: None,
            not_null: false,
            default: None,
            generated: None,
            identity: false,
            inherited: false,
            readable: true,
            null_share: None,
            width: None,
            distinct: None,
            looks_json: false,
            holds: None,
            pins: Vec::new(),
            uneven: false,
        };
        for (type_sql, expected) in [
            ("text[]", Some("\"Tags\" @> ARRAY[$1]::text[]")),
            ("character varying(20)[]", Some("\"Tags\" @> ARRAY[$1]::character varying[]")),
            ("character(5)[]", Some("\"Tags\" @> ARRAY[$1]::bpchar[]")),
            (
                "timestamp(3) without time zone[]",
                Some("\"Tags\" @> ARRAY[$1]::timestamp without time zone[]"),
            ),
            ("text", None),
        ] {
            assert_eq!(rewrite(&column(type_sql)).as_deref(), expected, "{type_sql}");
        }
    }
}
