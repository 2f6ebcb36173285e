//! A statement without what it says: no literal, no comment.

use std::fmt::Write as _;

use pg_query::protobuf::{ScanToken, Token};

/// The statement with a parameter for each literal, keys included, and without comments.
///
/// The parser's own normalization leaves literals in utility statements, and comments everywhere; what it leaves is
/// taken out by token. In a `SELECT` it leaves numbers that are no values: positions, lengths of types.
pub fn redacted(statement: &str, utility: bool) -> String {
    let normal = pg_query::normalize(statement).unwrap_or_else(|_| statement.to_owned());
    let tokens = pg_query::scan_tokens(&normal).unwrap_or_default();
    let text = |token: &ScanToken| {
        let (start, end) = (usize::try_from(token.start).ok()?, usize::try_from(token.end).ok()?);
        normal.get(start..end)
    };
    let parameter = |token| text(token)?.strip_prefix('$')?.parse::<u32>().ok();
    let mut number = tokens.iter().filter_map(parameter).max().map_or(0, u64::from);
    let (mut safe, mut end) = (String::with_capacity(normal.len()), 0);
    for token in &tokens {
        // Between tokens there is only space.
        if token.start > end && !safe.is_empty() && !safe.ends_with(' ') {
            safe.push(' ');
        }
        end = token.end;
        match token.token() {
            Token::SqlComment | Token::CComment => {}
            Token::Sconst | Token::Usconst | Token::Bconst | Token::Xconst => {
                number += 1;
                // Writing to a string cannot fail.
                let _ = write!(safe, "${number}");
            }
            Token::Iconst | Token::Fconst if utility => {
                number += 1;
                let _ = write!(safe, "${number}");
            }
            _ => safe.push_str(text(token).unwrap_or_default()),
        }
    }
    safe.trim_end().to_owned()
}
