//! The report on a column's documents.

use crate::model::{Cost, DocumentReport, Object, Server};
use crate::observe::DocumentsSeen;

/// The report of what was seen.
pub(super) fn report(
    target: &str,
    server: Server,
    cost: Cost,
    seen: DocumentsSeen,
) -> DocumentReport {
    let (schema, table) = (seen.table.schema, seen.table.name);
    DocumentReport {
        target: target.to_owned(),
        object: Object::Column { schema, table, column: seen.column, partition: None },
        observed_at: seen.observed_at,
        server,
        cost,
        sample: seen.documents.sample,
        documents: seen.documents.totals,
        keys: seen.documents.keys,
        codes: seen.codes,
        keys_left_out: seen.documents.keys_left_out,
        gaps: seen.gaps,
    }
}
