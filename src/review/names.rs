//! The names in files that may be those of tables.

use std::collections::BTreeSet;

use squawk_lexer::{TokenKind, tokenize};

use super::tables::name;
use super::{FILE_BYTES_MAX, SqlFile};

/// Names that a target is asked about at most.
const NAMES_MAX: usize = 20_000;
/// Bytes of a name at most; the server cuts longer ones.
const NAME_BYTES_MAX: usize = 63;

/// Every word of the files that may name a table, without its schema.
pub fn relation_names(files: &[SqlFile]) -> Vec<String> {
    let mut names = BTreeSet::new();
    for file in files.iter().filter(|file| file.sql.len() <= FILE_BYTES_MAX) {
        let mut at = 0;
        for token in tokenize(&file.sql) {
            let own = file.sql.get(at..at + token.len as usize).unwrap_or_default();
            at += token.len as usize;
            if matches!(token.kind, TokenKind::Ident | TokenKind::QuotedIdent { .. })
                && own.len() <= NAME_BYTES_MAX
            {
                names.insert(name(own));
            }
            if names.len() >= NAMES_MAX {
                return names.into_iter().collect();
            }
        }
    }
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_as_the_server_folds_them_and_strings_and_comments_are_none() {
        let sql = "ALTER TABLE App.\"Odd \"\"One\" ADD b text DEFAULT 'no''thing'; -- nor this";
        let file = SqlFile { path: "m.sql".to_owned(), sql: sql.to_owned() };
        let names = relation_names(&[file]);
        assert!(names.contains(&"Odd \"One".to_owned()) && names.contains(&"app".to_owned()));
        assert!(!names.iter().any(|name| name.contains("thing") || name == "nor"), "{names:?}");
    }
}
