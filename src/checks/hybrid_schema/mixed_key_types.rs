//! `hybrid-schema/mixed-key-types`, explained in the page beside this file.

use super::table::{DocumentColumn, columns, tables};
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Case, DocumentKey, Finding, Gap, Judgement, KeyOperators, Policy, Severity, Superpower,
    Threshold, Topic, Unit, path_keys, percent, text_of,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::HybridSchema,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::LAYOUTS, Topic::DOCUMENTS],
    uses: &[],
    requires: &[],
    thresholds: &[&MIXED_SHARE_MIN, &TABLE_BYTES_MIN],
    page: include_str!("mixed_key_types.md"),
    judge,
};

const ID: &str = "hybrid-schema/mixed-key-types";

static MIXED_SHARE_MIN: Threshold = Threshold {
    name: "mixed_share_min",
    default: 0.001,
    unit: Unit::Ratio,
    reason: "one value in a thousand makes a cast of the whole column fail, and is no accident of one document",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let tables = tables(case)?;
    let (columns, gaps) = columns(seen, &tables)?;
    let mut judgement = Judgement { gaps, ..Judgement::default() };
    // Where a contract says what the types are, it is what documents are held to.
    for column in columns.iter().filter(|column| column.drift.is_none()) {
        let keys = column.documents.keys.iter().filter(|key| key.name.is_some() && !key.is_data);
        judgement.findings.extend(keys.filter_map(|key| find(column, key, policy)));
    }
    Ok(judgement)
}

/// The types of a key's values, the most frequent first. `null` is no type, and JSON has one of numbers.
fn types(key: &DocumentKey) -> Vec<(&str, u64)> {
    let all = key.types.iter().filter(|(of_type, count)| of_type.as_str() != "null" && **count > 0);
    let mut all: Vec<(&str, u64)> =
        all.map(|(of_type, count)| (of_type.as_str(), *count)).collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    all
}

fn find(column: &DocumentColumn<'_>, key: &DocumentKey, policy: &Policy) -> Option<Finding> {
    let types = types(key);
    let [(first, most), (second, _), ..] = *types.as_slice() else { return None };
    let values: u64 = types.iter().map(|(_, count)| count).sum();
    let others = values - most;
    let share = float(others) / float(values);
    if share < policy.get(&MIXED_SHARE_MIN) {
        return None;
    }
    let object = column.key_object(key);
    let listed: Vec<String> = types
        .iter()
        .map(|(of_type, count)| format!("{of_type} {}", percent(float(*count) / float(values))))
        .collect();
    let message = match failing(column, key, first, second) {
        Some(fails) => {
            format!(
                "`{object}` has values of several types ({}): `{fails}` fails",
                listed.join(", ")
            )
        }
        None => format!("`{object}` has values of several types ({})", listed.join(", ")),
    };
    let severity = if column.table.is_large(policy) { Severity::Medium } else { Severity::Low };
    let finding = Finding::new(ID, object, severity, message)
        .measured("mixed_share", share, Unit::Ratio)
        .measured("values", whole(float(values)), Unit::Count)
        .measured("fits", key.fits.as_deref().unwrap_or("jsonb"), Unit::Name);
    Some(types.iter().fold(finding, |finding, (of_type, count)| {
        finding.measured(&format!("{of_type}_values"), whole(float(*count)), Unit::Count)
    }))
}

/// The expression that reads one of the types and fails on another; none where each of them can be read as the same type, or
/// the path is one of elements.
fn failing(
    column: &DocumentColumn<'_>,
    key: &DocumentKey,
    first: &str,
    second: &str,
) -> Option<String> {
    let path = path_keys(&key.path)?;
    let document = &column.layout.name;
    let reached =
        if path.len() == 1 { KeyOperators::arrows(1) } else { KeyOperators::path(path.len()) };
    let text = text_of("", document, &path, &reached);
    if first == "array" || second == "array" && first != "string" {
        return Some(format!("jsonb_array_elements({})", text.replacen(">>", ">", 1)));
    }
    let count = |of_type: &str| key.types.get(of_type).copied().unwrap_or_default();
    // The text of a string may be a number as well, and is cast like one.
    let no_numbers = count("string") - key.numeric_strings.min(count("string"))
        + count("boolean")
        + count("object")
        + count("array");
    (count("number") > 0 && no_numbers > 0).then(|| format!("({text})::numeric"))
}
