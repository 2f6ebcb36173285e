//! An index on a key of documents, where it is.

use crate::ddl::Ddl;
use crate::ddl::new_index::BuiltIndex;
use crate::ddl::statement::validation;
use crate::model::IndexedKey;

/// What a B-tree refuses.
pub(super) const LONG_VALUES: &str = "a value that takes over 2,704 bytes as the index stores it makes the index \
     fail, and leaves an invalid one to be dropped; afterwards its INSERT is refused";

/// The index, and statistics of what it holds.
pub(in crate::ddl) fn index(indexed: &IndexedKey) -> Ddl {
    let IndexedKey { table, partitions, suffix, expression, .. } = indexed;
    let index = BuiltIndex {
        table,
        partitions,
        suffix,
        ..BuiltIndex::of(format!("({})", expression.to_catalog_sql()))
    };
    let mut statements = index.create();
    statements.push(validation(format!("ANALYZE {};", table.to_sql())));
    let caveats = caveats(indexed, &expression.to_sql(""));
    let title = format!("Index `{}` where it is: {}", indexed.object, expression.to_sql(""));
    Ddl { title, statements, undo: vec![index.drop()], caveats, ..Ddl::default() }
}

fn caveats(indexed: &IndexedKey, expression: &str) -> Vec<String> {
    let mut caveats = vec![
        format!("used only by queries that contain exactly {expression}"),
        "allows no index-only scan"
            .to_owned(),
        "an UPDATE that changes the document writes to every index of the table from then on, where no other index is on the \
         document so far (no HOT update)"
            .to_owned(),
    ];
    if let Some(cast) = &indexed.expression.cast {
        caveats.push(format!(
            "a document whose value is no {cast} makes the first statement fail, and leaves an invalid index to be dropped; \
             afterwards its INSERT is refused, as the queries that cast it are today"
        ));
    }
    caveats.extend((indexed.type_sql == "text").then(|| LONG_VALUES.to_owned()));
    caveats
}
