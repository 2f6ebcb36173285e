//! The dictionary of a column whose documents have codes for keys.

use std::collections::BTreeMap;

use crate::model::QualifiedName;
use crate::observe::batch::{Batch, Receipt};
use crate::pg::Question;

/// Codes read at most, far above the number of keys that documents have.
const CODES_MAX: u32 = 10_000;

/// What it is called.
pub(super) fn dictionary(table: &QualifiedName, column: &str) -> QualifiedName {
    let QualifiedName { schema, name } = table;
    QualifiedName { schema: schema.clone(), name: format!("{name}_{column}_keys") }
}

/// The query for it; its rows go into `codes`.
pub(super) fn query<'a>(
    dictionary: &QualifiedName,
    codes: &'a mut BTreeMap<String, String>,
    batch: &mut Batch<'a>,
) -> Receipt {
    let sql = format!(
        "select /* dbopt */ pg_catalog.json_build_array(code, key)::pg_catalog.text from only {} limit {CODES_MAX}",
        dictionary.to_sql()
    );
    let on_row = |row: &str| {
        if let Ok((code, key)) = serde_json::from_str(row) {
            codes.insert(code, key);
        }
    };
    batch.stream(Question::new("documents", sql), on_row)
}
