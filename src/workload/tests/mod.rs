//! What is read of sources, and what the ledger makes of it.

mod attribution;
mod carriers;
mod hostile;
mod ledger;
mod logs;
mod plans;
mod shapes;

use super::*;
use crate::model::QualifiedName;
use crate::sql::{Catalog, CatalogRelation, Column};

fn name(name: &str) -> QualifiedName {
    QualifiedName { schema: "public".to_owned(), name: name.to_owned() }
}

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    for (table, columns) in [
        ("features", "id user_id event_time data* name tags payload* tsv note"),
        ("users", "id email profile*"),
        ("orders", "id user_id data* total"),
        ("logs", "id message doc*"),
    ] {
        let column = |name: &str| Column {
            name: name.trim_end_matches('*').to_owned(),
            json: name.ends_with('*'),
        };
        catalog
            .insert(name(table), CatalogRelation::Table(columns.split(' ').map(column).collect()));
    }
    catalog
}

/// What is read of a source in chunks of this length.
fn read_in_chunks(source: &[u8], format: Option<SourceFormat>, chunk: usize) -> (Vec<Entry>, Read) {
    let (mut reader, mut entries) = (SourceReader::new(format), Vec::new());
    for chunk in source.chunks(chunk.max(1)) {
        reader.push(chunk, |entry| entries.push(entry));
    }
    let read = reader.finish(|entry| entries.push(entry));
    // A plan that comes behind its statement shows nothing else.
    entries.retain(|entry| !entry.is_plan_alone());
    (entries, read)
}

fn read(source: impl AsRef<[u8]>) -> (Vec<Entry>, Read) {
    read_in_chunks(source.as_ref(), None, usize::MAX)
}

/// Texts with their calls and time, one a line.
fn told(entries: &[Entry]) -> Vec<String> {
    let time = |entry: &Entry| entry.total_ms.map_or("?".to_owned(), |ms| format!("{ms}"));
    entries.iter().map(|one| format!("{} x {} ms: {}", one.calls, time(one), one.sql)).collect()
}
