//! Columns of documents.

use crate::ddl::Ddl;
use crate::ddl::resolved::under_empty_search_path;
use crate::ddl::statement::rewriting;
use crate::model::{JsonbConversion, Statement, catalog_type, quote_identifier};

/// A column of `json`, or of text, becomes one of `jsonb`.
pub(in crate::ddl) fn convert(conversion: &JsonbConversion) -> Ddl {
    let JsonbConversion { from, default, reversible, bytes, .. } = conversion;
    let megabytes = (bytes / 1_000_000).max(1);
    let in_jsonb = default.as_ref().map(|default| format!("({default})::pg_catalog.jsonb"));
    let there = retype(conversion, "jsonb", in_jsonb);
    let back = retype(conversion, from, default.clone());
    let mut caveats = vec![format!(
        "rewrites the table: {megabytes} MB of WAL, and {megabytes} MB of disk space until it ends"
    )];
    caveats.push(if *reversible {
        "jsonb prints every document of the sample as it was written; one that was written otherwise comes back \
         with other spaces or another order of keys"
            .to_owned()
    } else {
        format!(
            "the spaces, the order of keys and the notation of numbers are not kept, so there is no exact undo; the \
             type alone is restored by: {}",
            back.sql
        )
    });
    Ddl {
        title: format!("Store `{}` as jsonb", conversion.object),
        statements: vec![there],
        undo: if *reversible { vec![back] } else { Vec::new() },
        preconditions: vec![
            if from == "json" {
                "nothing calls functions on the column that exist for json alone (json_each, json_array_elements): their \
                 names for jsonb begin with jsonb_"
            } else {
                "nothing writes text that is no JSON, compares the column with text, or calls functions of text on it"
            }
            .to_owned(),
            "no reader needs the text byte for byte as it was sent, for a signature for instance".to_owned(),
        ],
        caveats,
    }
}

/// The default goes first and comes back last: the server would not know how to convert it. Settings go with
/// the old type, and are made again.
fn retype(conversion: &JsonbConversion, to: &str, default: Option<String>) -> Statement {
    let (table, column) = (conversion.table.to_sql(), quote_identifier(&conversion.column));
    let (storage, compression) = (conversion.storage, conversion.compression);
    let to = catalog_type(to);
    let has_default = default.is_some();
    let mut changes = Vec::new();
    if has_default {
        changes.push("DROP DEFAULT".to_owned());
    }
    changes.push(format!("TYPE {to} USING {column}::{to}"));
    changes.extend(default.map(|default| format!("SET DEFAULT {default}")));
    changes.extend(storage.map(|storage| format!("SET STORAGE {}", storage.as_str())));
    changes.extend(compression.map(|method| format!("SET COMPRESSION {}", method.as_str())));
    let changes: Vec<String> =
        changes.into_iter().map(|change| format!("ALTER COLUMN {column} {change}")).collect();
    let alter = format!("ALTER TABLE {table} {};", changes.join(", "));
    // The default is an expression of the user's, as the server printed it.
    rewriting(if has_default { under_empty_search_path(&alter) } else { alter })
}
