//! The text of a key of documents, as a column that follows the key takes it.

use super::key_expression::{KeyOperators, catalog_text_of, text_of};

/// The key's value as text, by the operators that are the shortest for its path, with what names the row before the
/// column: `t.`, `NEW.` or nothing.
pub fn key_text(row: &str, document: &str, path: &[String]) -> String {
    text_of(row, document, path, &shortest(path))
}

/// The same with PostgreSQL's own operators, whatever the search path.
pub fn catalog_key_text(document: &str, path: &[String]) -> String {
    catalog_text_of(document, path, &shortest(path))
}

fn shortest(path: &[String]) -> KeyOperators {
    if path.len() == 1 { KeyOperators::arrows(1) } else { KeyOperators::path(path.len()) }
}
