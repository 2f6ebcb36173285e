//! From a text to the parser's trees.
//!
//! The parser guards its own stack, and its trees are decoded to a depth of 100 messages at most, about 45 expressions in
//! one another: code that walks them needs no guard of its own.

use pg_query::Error;
use pg_query::protobuf::{Node, RawStmt};

use super::error::NotUnderstood;
use super::placeholder;

/// The longest text that is read.
pub const TEXT_BYTES_MAX: usize = 256 * 1024;

/// What PostgreSQL's lexer may do for runs of signs, in looks at a byte: 0.1 s. At each sign and comment that begins in a run, it
/// looks at all that is left of the run.
const RUNS_WORK_MAX: u64 = 100_000_000;

/// Of what its lexer may make an operator.
const SIGNS: &[u8] = b"~!@#^&|`?+-*/%<>=";

/// A statement and its tree.
pub(super) struct Parsed {
    pub(super) text: String,
    pub(super) tree: Node,
}

/// The statements of a text: as it is, or with placeholders of drivers made parameters.
pub(super) fn parse(text: &str) -> Result<Vec<Parsed>, NotUnderstood> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(NotUnderstood::TooLong);
    }
    if runs_work(text) > RUNS_WORK_MAX {
        return Err(NotUnderstood::TooDeep);
    }
    match statements(text) {
        Err(NotUnderstood::Syntax { .. }) => {}
        read => return read,
    }
    let Some(rewritten) = placeholder::rewrite(text) else {
        return Err(NotUnderstood::Syntax { at: first_error(text) });
    };
    statements(&rewritten.text).map_err(|error| match error {
        NotUnderstood::Syntax { .. } => {
            NotUnderstood::Syntax { at: rewritten.original(first_error(&rewritten.text)) }
        }
        error => error,
    })
}

/// What the runs of signs in a text cost at most: the square of their lengths.
fn runs_work(text: &str) -> u64 {
    let runs = text.as_bytes().split(|byte| !SIGNS.contains(byte));
    runs.map(|run| (run.len() as u64).pow(2)).sum()
}

/// The statements of a text that needs no rewriting. Where it is refused is not said: it takes a search.
fn statements(text: &str) -> Result<Vec<Parsed>, NotUnderstood> {
    let parsed = pg_query::parse(text, 0).map_err(|error| cause(&error))?;
    let statements = parsed.protobuf.stmts.into_iter();
    Ok(statements.filter_map(|statement| piece(text, statement)).collect())
}

/// A statement with its own part of the text.
fn piece(text: &str, statement: RawStmt) -> Option<Parsed> {
    let start = usize::try_from(statement.stmt_location).unwrap_or(0);
    let rest = text.get(start..)?;
    let length = usize::try_from(statement.stmt_len).ok().filter(|length| *length > 0);
    let text = rest.get(..length.unwrap_or(rest.len()))?.trim().to_owned();
    Some(Parsed { text, tree: *statement.stmt? })
}

fn cause(error: &Error) -> NotUnderstood {
    match error {
        Error::Decode(_) => NotUnderstood::TooDeep,
        Error::Parse(message)
            if message.starts_with("memory exhausted") || message.contains("stack depth limit") =>
        {
            NotUnderstood::TooDeep
        }
        _ => NotUnderstood::Syntax { at: 0 },
    }
}

/// Where the first token stands that the grammar refuses.
///
/// The parser's binding does not say. But a beginning of the text that holds no such token fails, if it does, at its end
/// only: the shortest that fails elsewhere is found by halving.
fn first_error(text: &str) -> usize {
    if let Some(at) = text.find('\0') {
        return at;
    }
    let Ok(tokens) = pg_query::scan_tokens(text) else { return text.len() };
    let offset = |offset: i32| usize::try_from(offset).unwrap_or(0);
    let good = tokens.partition_point(|token| {
        let beginning = text.get(..offset(token.end)).unwrap_or(text);
        match pg_query::is_utility_stmt(beginning) {
            Err(Error::IsUtility(message)) => message.ends_with("at end of input"),
            _ => true,
        }
    });
    tokens.get(good).map_or(text.len(), |token| offset(token.start))
}
