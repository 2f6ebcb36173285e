//! Sections of a migration that undo it: other scripts, which run when something else has gone wrong.

use squawk_lexer::{TokenKind, tokenize};

/// Comments that begin a section that undoes, in lower case and without blanks: of dbmate, goose, sql-migrate, micrate,
/// node-pg-migrate, `MyBatis` and Play.
const DOWN: [&str; 7] = [
    "--migrate:down",
    "--+goosedown",
    "--+migratedown",
    "--+micratedown",
    "--downmigration",
    "--//@undo",
    "--!downs",
];
/// Comments that begin a section that is run.
const UP: [&str; 6] =
    ["--migrate:up", "--+gooseup", "--+migrateup", "--+micrateup", "--upmigration", "--!ups"];

/// The text with these sections replaced by blanks: every place stays where it is.
pub(super) fn without_down(text: &str) -> String {
    let mut left = String::with_capacity(text.len());
    let (mut at, mut is_down) = (0, false);
    for token in tokenize(text) {
        let end = at + token.len as usize;
        let own = text.get(at..end).unwrap_or_default();
        at = end;
        if token.kind == TokenKind::LineComment {
            let comment: String =
                own.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
            let begins = |list: &[&str]| list.iter().any(|marker| comment.starts_with(marker));
            is_down = begins(&DOWN) || is_down && !begins(&UP);
        }
        if is_down {
            left.extend(own.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        } else {
            left.push_str(own);
        }
    }
    left
}
