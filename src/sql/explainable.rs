//! Whether a text is one statement that EXPLAIN takes, and by which names it may call code.
//!
//! The names are read off PostgreSQL's own tokens and are more than the statement calls: what a catalog says of all of them
//! holds for those that it does call.

use std::collections::BTreeSet;

use pg_query::protobuf::{KeywordKind, ScanToken, Token};

use super::error::NotUnderstood;
use super::parse;
use super::tree;
use pg_query::NodeEnum;

/// A statement that EXPLAIN takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explainable {
    /// The statement, without what stood around it; placeholders of drivers are parameters.
    pub text: String,
    /// Whether it reads and does nothing else, as far as its words show: no change, no lock, no new table.
    pub reads_only: bool,
    /// The highest number of a parameter.
    pub parameters: u32,
    /// Every name in it.
    pub names: BTreeSet<String>,
    /// Names and keywords that may call a function of any argument: those that are followed by a parenthesis, and those behind
    /// an expression and a dot.
    pub called: BTreeSet<String>,
    /// Operators, those of keywords such as LIKE among them.
    pub operators: BTreeSet<String>,
}

/// Why a text is not explained. Holds no piece of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotExplainable {
    /// The parser refuses it.
    #[error("the statement cannot be read: {0}")]
    Unreadable(NotUnderstood),
    /// There is not exactly one.
    #[error("exactly one statement can be explained; there are {0}")]
    Not1(usize),
    /// EXPLAIN takes no such statement.
    #[error("only SELECT, VALUES, INSERT, UPDATE, DELETE and MERGE can be explained")]
    Utility,
    /// Its names cannot be compared with those of the catalog.
    #[error("names with Unicode escapes (U&\"…\") cannot be explained")]
    EscapedName,
    /// Where the server cuts such a name off depends on its encoding.
    #[error("names of more than {} bytes cannot be explained", crate::model::NAME_BYTES_MAX)]
    LongName,
    /// More parameters than the protocol takes.
    #[error("a statement has at most 65535 parameters")]
    Parameters,
}

/// Operators that keywords stand for, and that comparisons without an operator use.
const IMPLIED: [&str; 12] =
    ["=", "<>", "<", "<=", ">", ">=", "~~", "!~~", "~~*", "!~~*", "~", "!~"];

/// Keywords of statements that do more than read. As names of columns they say the same, which is safe.
const EFFECTS: [&str; 8] =
    ["insert", "update", "delete", "merge", "into", "share", "nowait", "skip"];

/// The one statement of a text.
///
/// # Errors
/// Why it cannot be explained.
pub fn explainable(text: &str) -> Result<Explainable, NotExplainable> {
    let mut statements = parse::parse(text).map_err(NotExplainable::Unreadable)?;
    let (Some(statement), 0) = (statements.pop(), statements.len()) else {
        return Err(NotExplainable::Not1(if statements.is_empty() {
            0
        } else {
            statements.len() + 1
        }));
    };
    let reads = match tree::inner(&statement.tree) {
        Some(NodeEnum::SelectStmt(_)) => true,
        Some(
            NodeEnum::InsertStmt(_)
            | NodeEnum::UpdateStmt(_)
            | NodeEnum::DeleteStmt(_)
            | NodeEnum::MergeStmt(_),
        ) => false,
        _ => return Err(NotExplainable::Utility),
    };
    let tokens = pg_query::scan_tokens(&statement.text)
        .map_err(|_| NotExplainable::Unreadable(NotUnderstood::TooDeep))?;
    let mut found = Explainable {
        text: String::new(),
        reads_only: reads,
        parameters: 0,
        names: BTreeSet::new(),
        called: BTreeSet::new(),
        operators: IMPLIED.into_iter().map(str::to_owned).collect(),
    };
    let is_comment =
        |token: &ScanToken| matches!(token.token(), Token::SqlComment | Token::CComment);
    let tokens: Vec<ScanToken> = tokens.into_iter().filter(|token| !is_comment(token)).collect();
    for (position, token) in tokens.iter().enumerate() {
        found.add(&statement.text, token, calls(&tokens, position))?;
    }
    found.text = with_casts(&statement.text, &tokens);
    Ok(found)
}

/// The text with a cast for each typed literal that `pg_stat_statements` put a parameter into: it makes `interval $1` of
/// `interval '1 day'`, which no server reads.
fn with_casts(text: &str, tokens: &[ScanToken]) -> String {
    let (mut cast, mut written) = (String::with_capacity(text.len()), 0);
    for (position, parameter) in tokens.iter().enumerate() {
        let words = type_words(text, tokens, position);
        let Some(of_type) =
            position.checked_sub(words).and_then(|first| tokens.get(first..position))
        else {
            continue;
        };
        if let (Some(first), Some(last)) = (of_type.first(), of_type.last()) {
            cast.push_str(piece(text, written, first.start));
            cast.push_str(piece(text, parameter.start, parameter.end));
            cast.push_str("::");
            cast.push_str(piece(text, first.start, last.end));
            written = parameter.end;
        }
    }
    cast.push_str(text.get(usize::try_from(written).unwrap_or_default()..).unwrap_or_default());
    cast
}

/// What stands between two offsets of the scanner.
fn piece(text: &str, from: i32, to: i32) -> &str {
    let at = |offset: i32| usize::try_from(offset).unwrap_or_default();
    text.get(at(from)..at(to)).unwrap_or_default()
}

/// How many words before a parameter name its type. A name stands there in no other case.
fn type_words(text: &str, tokens: &[ScanToken], position: usize) -> usize {
    if tokens.get(position).is_none_or(|one| one.token() != Token::Param) {
        return 0;
    }
    let before = |count: usize| position.checked_sub(count).and_then(|at| tokens.get(at));
    let is = |count: usize, names: &[&str]| {
        let word = before(count).map(|token| piece(text, token.start, token.end));
        word.is_some_and(|word| names.iter().any(|name| word.eq_ignore_ascii_case(name)))
    };
    let is_name = before(1).is_some_and(|one| one.token() == Token::Ident)
        && before(2).is_none_or(|one| one.token() != Token::Ascii46);
    if is_name || is(1, &["interval", "timestamp", "time"]) {
        1
    } else if is(1, &["zone"]) && is(3, &["with", "without"]) && is(4, &["timestamp", "time"]) {
        4
    } else {
        0
    }
}

impl Explainable {
    fn add(&mut self, text: &str, token: &ScanToken, called: bool) -> Result<(), NotExplainable> {
        let piece = piece(text, token.start, token.end);
        let keyword = token.keyword_kind() != KeywordKind::NoKeyword;
        match token.token() {
            Token::Uident => return Err(NotExplainable::EscapedName),
            Token::Param => {
                let number = piece.trim_start_matches('$').parse::<u16>();
                let number = number.map_err(|_| NotExplainable::Parameters)?;
                self.parameters = self.parameters.max(number.into());
            }
            Token::Ident => {
                for name in spellings(piece)? {
                    self.add_name(name, called);
                }
            }
            _ if keyword => {
                let word = piece.to_ascii_lowercase();
                self.reads_only &= !EFFECTS.contains(&word.as_str());
                self.add_name(word, called);
            }
            _ if is_operator(piece) => {
                self.operators.insert(piece.to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    fn add_name(&mut self, name: String, called: bool) {
        if called {
            self.called.insert(name.clone());
        }
        self.names.insert(name);
    }
}

/// Whether the name at that position may call a function: `f(…)`, `(…).f`, `a[1].f` and `$1.f`, and `(…).a.f`, where `a` is a
/// column of any type. Of `a.f`, where `a` is a row, only functions of rows are called.
fn calls(tokens: &[ScanToken], position: usize) -> bool {
    let token =
        |position: Option<usize>| position.and_then(|at| tokens.get(at)).map(ScanToken::token);
    let mut at = position;
    while token(at.checked_sub(1)) == Some(Token::Ascii46) {
        at = at.saturating_sub(2);
        if matches!(token(Some(at)), Some(Token::Ascii41 | Token::Ascii93 | Token::Param)) {
            return true;
        }
    }
    token(Some(position + 1)) == Some(Token::Ascii40)
}

/// A name as the catalog may have it: as it is in quotes, in lower case without. Whether the server takes letters beyond ASCII
/// for upper case depends on its encoding.
fn spellings(piece: &str) -> Result<Vec<String>, NotExplainable> {
    let names = match piece.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => vec![quoted.replace("\"\"", "\"")],
        None if piece.is_ascii() => vec![piece.to_ascii_lowercase()],
        None => vec![piece.to_ascii_lowercase(), piece.to_lowercase()],
    };
    if names.iter().any(|name| name.len() > crate::model::NAME_BYTES_MAX) {
        return Err(NotExplainable::LongName);
    }
    Ok(names)
}

fn is_operator(piece: &str) -> bool {
    !piece.is_empty() && piece.chars().all(|c| "+-*/<>=~!@#%^&|`?".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_is_explained_with_its_parameters_and_the_names_it_may_call() {
        let read = explainable(
            "select \"F\"(a), lower(b) from t where c ->> 'x; y' like $2 /* z(1) */ and d ~* 'e';",
        );
        let read = read.unwrap();
        assert!(read.reads_only);
        assert_eq!(read.parameters, 2);
        assert!(read.called.contains("F") && read.called.contains("lower"), "{read:?}");
        assert!(!read.names.contains("z"), "a comment calls nothing");
        assert!(read.operators.contains("->>") && read.operators.contains("~*"), "{read:?}");
        assert!(!read.text.ends_with(';'));
    }

    #[test]
    fn a_typed_literal_without_its_value_becomes_a_cast() {
        for (sql, expected) in [
            (
                "select interval $1, DATE $2, now() - interval $3 day",
                "select $1::interval, $2::DATE, now() - $3::interval day",
            ),
            (
                "select timestamp with time zone $1 at time zone $2",
                "select $1::timestamp with time zone at time zone $2",
            ),
            (
                "select 1 where a like $1 and b between $2 and $3 limit $4",
                "select 1 where a like $1 and b between $2 and $3 limit $4",
            ),
        ] {
            assert_eq!(explainable(sql).unwrap().text, expected);
        }
    }

    #[test]
    fn what_is_not_one_statement_of_data_is_refused() {
        assert_eq!(explainable("select 1; select 2"), Err(NotExplainable::Not1(2)));
        assert_eq!(explainable(" -- nothing"), Err(NotExplainable::Not1(0)));
        for utility in
            ["vacuum", "create table t as select 1", "explain select 1", "execute s", "call p()"]
        {
            assert_eq!(explainable(utility), Err(NotExplainable::Utility), "{utility}");
        }
        assert!(matches!(explainable("select from from"), Err(NotExplainable::Unreadable(_))));
        assert_eq!(explainable("select U&\"\\0066\"(1)"), Err(NotExplainable::EscapedName));
        let long = format!("select {}(1)", "é".repeat(32));
        assert_eq!(explainable(&long), Err(NotExplainable::LongName));
    }

    #[test]
    fn every_way_to_call_a_function_is_seen() {
        for sql in [
            "select f(1)",
            "select f /* c */ -- d\n (1)",
            "select (1).f",
            "select ('{1}'::int[])[1] . f",
            "select $1.f",
            "select (t).a.f from t",
            "select (t) . \"A\" . /* c */ b.f.c from t",
            "select $1.a.f",
            "select \"f\"(1)",
            "select x.F(1)",
        ] {
            assert!(explainable(sql).unwrap().called.contains("f"), "{sql}");
        }
        let read = explainable("select s.a.f, É(1), 1 where b not similar to 'c'").unwrap();
        assert!(!read.called.contains("f") && read.names.contains("f"), "{read:?}");
        assert!(read.called.contains("É") && read.called.contains("é"), "{read:?}");
        assert!(read.operators.contains("!~"), "{read:?}");
    }

    #[test]
    fn statements_that_change_or_lock_something_do_not_only_read() {
        for sql in [
            "delete from t",
            "with d as (delete from t returning *) select * from d",
            "select * from t for update",
            "select * from t for share",
            "select * into u from t",
        ] {
            assert!(!explainable(sql).unwrap().reads_only, "{sql}");
        }
        assert!(explainable("values (1), (2)").unwrap().reads_only);
    }
}
