//! `hybrid-schema/text-json`, explained in the page beside this file.

use super::table::{DocumentColumn, all_columns, tables};
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Compression, Confidence, Declined, Finding, Gap, JsonbConversion, Judgement,
    Policy, Severity, Storage, Superpower, Topic, Unit, grouped,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::HybridSchema,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::LAYOUTS, Topic::DOCUMENTS],
    uses: &[],
    requires: &[],
    thresholds: &[&TABLE_BYTES_MIN],
    page: include_str!("text_json.md"),
    judge,
};

pub(in crate::checks) const ID: &str = "hybrid-schema/text-json";

/// Fewer values of a column of text may be documents by chance.
const DOCUMENTS_MIN: u64 = 20;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let tables = tables(case)?;
    let (columns, gaps) = all_columns(seen, &tables)?;
    let mut judgement = Judgement { gaps, ..Judgement::default() };
    for column in columns.iter().filter(|column| holds_text(column)) {
        if let Some(declined) = exemption(column) {
            judgement.declined.push(declined);
            continue;
        }
        judgement.findings.push(find(column, policy));
        judgement.declined.extend(unconvertible(column));
    }
    Ok(judgement)
}

/// Whether it holds documents as text. Values of a column of text are documents where each that was read is one: names, URLs
/// and numbers are none.
fn holds_text(column: &DocumentColumn<'_>) -> bool {
    if column.layout.is_text() {
        column.count() >= DOCUMENTS_MIN && column.documents.no_documents == 0
    } else {
        column.layout.type_name == "json" && column.count() > 0
    }
}

/// Documents that are what they are only as text.
fn exemption(column: &DocumentColumn<'_>) -> Option<Declined> {
    let lost = column.documents.lost;
    (lost > 0).then(|| declined(
        column,
        "jsonb would not keep every document",
        format!(
            "{} of {} documents in the sample give a key twice or hold \\u0000 or numbers that jsonb refuses",
            grouped(float(lost)),
            grouped(float(column.count()))
        ),
    ))
}

fn declined(column: &DocumentColumn<'_>, reason: &str, detail: String) -> Declined {
    Declined::new(ID, column.object(), reason, detail)
}

fn find(column: &DocumentColumn<'_>, policy: &Policy) -> Finding {
    let object = column.object();
    let severity = if column.table.is_large(policy) { Severity::Medium } else { Severity::Low };
    let message = if column.layout.is_text() {
        format!(
            "`{object}` holds JSON as `{}`: nothing checks it, and each reader parses it",
            column.layout.type_name
        )
    } else {
        format!("`{object}` holds its documents as text, parsed again by each reader")
    };
    let finding = Finding::new(ID, object, severity, message)
        .confidence(Confidence::Medium)
        .statistic("relations.table_rows", whole(column.table.rows), Unit::Rows)
        .measured("documents", whole(float(column.count())), Unit::Count)
        .measured("stored_bytes_mean", column.documents.totals.stored_bytes_mean, Unit::Bytes)
        .measured("jsonb_bytes_mean", column.documents.totals.uncompressed_bytes_mean, Unit::Bytes);
    if blocker(column).is_some() { finding } else { finding.action(convert(column)) }
}

/// Why the server, or an object that depends on the column, would not let its type be changed.
fn blocker(column: &DocumentColumn<'_>) -> Option<String> {
    let (table, layout) = (column.table, column.layout);
    if !layout.pins.is_empty() {
        return Some(format!("{} depends on it", layout.pins.join(" and ")));
    }
    if table.is_materialized_view() {
        return Some("it is a materialized view's: change its query".to_owned());
    }
    if table.layout.inheritance || layout.inherited {
        return Some("tables that inherit share it".to_owned());
    }
    if table.layout.row_type_used {
        return Some("the table's row type is used elsewhere".to_owned());
    }
    let plain = match layout.type_name.as_str() {
        "varchar" => layout.type_sql.starts_with("character varying"),
        name => layout.type_sql == name,
    };
    if !plain {
        return Some(format!("its type is the domain {}", layout.type_sql));
    }
    if layout.uneven {
        // One statement changes all, and would leave them all alike.
        return Some("partitions have defaults or settings of their own for it".to_owned());
    }
    layout.generated.map(|_| "it is generated: change its expression".to_owned())
}

fn unconvertible(column: &DocumentColumn<'_>) -> Option<Declined> {
    let why = blocker(column)?;
    let detail = format!("no ALTER COLUMN TYPE is recommended for it: {why}");
    Some(declined(column, "its type cannot be changed alone", detail))
}

fn convert(column: &DocumentColumn<'_>) -> Action {
    let (table, layout) = (column.table, column.layout);
    let storage = Storage::of_letter(layout.storage).filter(|s| *s != Storage::Extended);
    let compression = layout.compression.and_then(Compression::of_letter);
    Action::ConvertToJsonb(JsonbConversion {
        object: column.object(),
        table: table.name(),
        column: layout.name.clone(),
        from: layout.type_sql.clone(),
        default: layout.default.clone(),
        storage,
        compression,
        reversible: column.documents.reprinted == 0,
        bytes: table.bytes,
    })
}
