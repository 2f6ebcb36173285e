//! Conditions as EXPLAIN prints them: clauses, operators of JSON, columns inside casts and functions.

use std::borrow::Cow;

/// Operators that read JSON and nothing else, as EXPLAIN prints them between spaces.
const JSON_OPERATORS: [&str; 4] = [" ->> ", " #>> ", " #> ", " @? "];

/// Operators that also read hstore, arrays, ranges or trees of labels: of JSON only where a type says so.
const SHARED_OPERATORS: [&str; 6] = [" -> ", " @> ", " <@ ", " ? ", " ?| ", " ?& "];

/// Operators of comparison that a B-tree serves.
const COMPARISONS: [&str; 5] = [" = ", " < ", " <= ", " > ", " >= "];

/// Operators that compute another value of a column.
const COMPUTING: [&str; 7] = [" + ", " - ", " * ", " / ", " % ", " || ", " AT TIME ZONE "];

/// `LIKE`: an index finds rows by the beginning of a pattern.
const LIKE: &str = " ~~ ";

/// Types that others are cast to without a change of their bytes (`pg_cast.castmethod` is `b`): an index on the column serves
/// such a cast.
const RELABELLED: [&str; 8] =
    ["text", "character varying", "bpchar", "name", "inet", "oid", "bit varying", "bit"];

/// Words of an expression that is the same for every row: the clock, arithmetic with it, arrays, and the types of literals.
const WORDS_OF_CONSTANTS: [&str; 26] = [
    "now",
    "current_date",
    "current_timestamp",
    "localtimestamp",
    "any",
    "array",
    "interval",
    "timestamp",
    "with",
    "without",
    "time",
    "zone",
    "date",
    "text",
    "integer",
    "bigint",
    "smallint",
    "numeric",
    "character",
    "varying",
    "double",
    "precision",
    "real",
    "boolean",
    "uuid",
    "e",
];

/// What stands around a column and keeps an index on it from being used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::checks::plan) enum Wrapper {
    /// A cast to this type.
    Cast(String),
    /// A call of this function.
    Function(String),
    /// Arithmetic, or whatever else this operator computes.
    Operator(String),
}

/// A column inside a cast or a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::checks::plan) struct Wrapped {
    /// The column, without its table.
    pub(in crate::checks::plan) column: String,
    /// What stands around it.
    pub(in crate::checks::plan) wrapper: Wrapper,
}

/// The clauses of a condition that all have to hold, each without the parentheses around it.
pub(in crate::checks::plan) fn clauses(condition: &str) -> Vec<&str> {
    let inner = unwrapped(condition);
    split(inner, " AND ").into_iter().map(unwrapped).collect()
}

/// Whether a clause reads JSON.
pub(in crate::checks::plan) fn is_json(clause: &str) -> bool {
    let code = code(clause);
    let has = |operators: &[&str]| operators.iter().any(|operator| code.contains(operator));
    has(&JSON_OPERATORS)
        || has(&SHARED_OPERATORS) && code.contains("::json")
        || code.contains("jsonb_") && code.contains('(')
        || code.contains(" @@ ") && code.contains("jsonpath")
}

/// The numbers of `$1` and its like in a text, outside of literals.
pub(in crate::checks::plan) fn numbers(text: &str) -> Vec<u32> {
    let code = code(text);
    let number = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().ok()
    };
    code.split('$').skip(1).filter_map(number).collect()
}

/// The column of a clause that compares it inside a cast or a function with something else.
pub(in crate::checks::plan) fn wrapped(clause: &str) -> Option<Wrapped> {
    let compared = COMPARISONS.iter().find_map(|operator| split_once(clause, operator));
    let at = compared.or_else(|| split_once(clause, LIKE).filter(|(_, like)| begins(like)))?;
    let (left, right) = (at.0.trim(), at.1.trim());
    // Two columns are compared by joins, which has other reasons.
    let hidden =
        |side: &str| of_cast(side).or_else(|| of_function(side)).or_else(|| of_operator(side));
    let (wrapped, other) = match (hidden(left), is_constant(right)) {
        (Some(wrapped), true) => (wrapped, right),
        _ => (hidden(right)?, left),
    };
    is_constant(other).then_some(wrapped)
}

/// The operator of a clause that compares a bare column with something that is the same for every row.
pub(in crate::checks::plan) fn comparison(clause: &str) -> Option<&'static str> {
    COMPARISONS.into_iter().find(|operator| {
        let Some((left, right)) = split_once(clause, operator) else { return false };
        let (left, right) = (bare(left.trim()), bare(right.trim()));
        let compares = |one: &str, other: &str| column(one).is_some() && is_constant(other);
        compares(left, right) || compares(right, left)
    })
}

/// Without a cast that changes no bytes.
fn bare(text: &str) -> &str {
    let cast = text.strip_prefix('(').and_then(|rest| rest.rsplit_once(")::"));
    match cast {
        Some((inner, kind)) if RELABELLED.contains(&kind) && column(inner).is_some() => inner,
        _ => text,
    }
}

/// Whether a clause holds two expressions equal neither of which is a constant, as hashing and merging need it.
pub(in crate::checks::plan) fn compares_two(clause: &str) -> bool {
    split_once(clause, " = ").is_some_and(|(left, right)| !is_constant(left) && !is_constant(right))
}

/// What stands before the points of a text: among it, the aliases whose columns it names.
pub(in crate::checks::plan) fn qualifiers(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    memchr::memchr_iter(b'.', text.as_bytes()).filter_map(|point| qualifier(&text[..point]))
}

/// The name that a text ends with.
fn qualifier(text: &str) -> Option<Cow<'_, str>> {
    let Some(quoted) = text.strip_suffix('"') else {
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let name = &text[text.trim_end_matches(is_word).len()..];
        return (!name.is_empty()).then_some(Cow::Borrowed(name));
    };
    // A quote within the name is doubled.
    let bytes = quoted.as_bytes();
    let mut end = bytes.len();
    let start = loop {
        let quote = memchr::memrchr(b'"', &bytes[..end])?;
        let doubled = quote.checked_sub(1).filter(|before| bytes[*before] == b'"');
        match doubled {
            Some(before) => end = before,
            None => break quote + 1,
        }
    };
    let name = &quoted[start..];
    Some(if name.contains('"') { name.replace("\"\"", "\"").into() } else { name.into() })
}

/// Whether the condition names this column, as far as its words show.
pub(in crate::checks::plan) fn names(condition: &str, column: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let bounded = |at: usize| {
        let (before, after) = (&condition[..at], &condition[at + column.len()..]);
        !before.ends_with(is_word) && !after.starts_with(is_word)
    };
    !column.is_empty() && condition.match_indices(column).any(|(at, _)| bounded(at))
}

/// Whether the condition names a column of the expression, as far as their words show: one in quotes it may. What the server
/// prints in upper case without quotes is a keyword.
pub(in crate::checks::plan) fn may_name(condition: &str, expression: &str) -> bool {
    let text = code(expression);
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let is_name =
        |word: &str| word.starts_with(|c: char| c.is_lowercase() || c == '_' || !c.is_ascii());
    // The word behind two colons is a type.
    let parts = text
        .split("::")
        .enumerate()
        .map(|(number, part)| if number == 0 { part } else { part.trim_start_matches(is_word) });
    let mut words = parts.flat_map(|part| part.split(|c: char| !is_word(c)));
    expression.contains('"')
        || !expression.is_ascii()
        || words.any(|word| is_name(word) && names(condition, word))
}

/// Whether a pattern of LIKE is known and has a beginning.
fn begins(pattern: &str) -> bool {
    let first = pattern.trim_start().strip_prefix('\'').and_then(|text| text.chars().next());
    first.is_some_and(|first| !matches!(first, '%' | '_' | '\''))
}

/// Whether the clause holds one of these words outside of literals and quoted names.
pub(in crate::checks::plan) fn says(clause: &str, words: &[&str]) -> bool {
    let code = code(clause);
    words.iter().any(|word| code.contains(word))
}

/// Whether it is a literal with its cast, a parameter, or made of these and the clock alone: it names no column.
fn is_constant(text: &str) -> bool {
    // A quoted name is none of a literal.
    let code = code(text).to_lowercase();
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let mut words = code.split(|c| !is_word(c)).filter(|word| !word.is_empty());
    !text.contains('"')
        && words.all(|word| {
            word.starts_with(|c: char| c.is_ascii_digit() || c == '$')
                || WORDS_OF_CONSTANTS.contains(&word)
        })
}

/// `(column)::type`.
fn of_cast(text: &str) -> Option<Wrapped> {
    let (inner, kind) = text.strip_prefix('(')?.rsplit_once(")::")?;
    let column = column(inner)?;
    let kind = type_name(kind)?;
    (!RELABELLED.contains(&kind))
        .then(|| Wrapped { column, wrapper: Wrapper::Cast(kind.to_owned()) })
}

/// The name of a type without its modifiers, where the text is one and no longer expression that begins with it.
fn type_name(text: &str) -> Option<&str> {
    let (name, after) = text.split_once('(').unwrap_or((text, ""));
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ' ' | '"' | '[' | ']');
    let is_modifier = |c: char| is_name(c) || matches!(c, ',' | ')');
    (name.chars().all(is_name) && after.chars().all(is_modifier)).then_some(name.trim())
}

/// `function(…column…)`, with one column among its arguments.
fn of_function(text: &str) -> Option<Wrapped> {
    // The result may be cast.
    let text = match text.strip_prefix('(').and_then(|rest| rest.rsplit_once(")::")) {
        Some((inner, _)) => inner,
        None => text,
    };
    let (name, rest) = text.split_once('(')?;
    let arguments = rest.strip_suffix(')')?;
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    // Keys of JSON are no columns: an expression index is the usual way to them.
    if name.is_empty() || !name.chars().all(is_name) || name.contains("json") {
        return None;
    }
    let arguments = match split_once(arguments, " FROM ") {
        Some((_, of)) => of,
        None => arguments,
    };
    let mut columns = split(arguments, ", ").into_iter().filter_map(|argument| {
        let inner = argument.strip_prefix('(').and_then(|rest| rest.rsplit_once(")::"));
        column(inner.map_or(argument, |(inner, _)| inner))
    });
    let found = columns.next().filter(|_| columns.next().is_none())?;
    Some(Wrapped { column: found, wrapper: Wrapper::Function(name.to_lowercase()) })
}

/// `(column + constant)`, and the like.
fn of_operator(text: &str) -> Option<Wrapped> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let operator = COMPUTING.iter().find(|operator| split(inner, operator).len() == 2)?;
    let (left, right) = split_once(inner, operator)?;
    let column = match (column(left), column(right)) {
        (Some(column), _) if is_constant(right) => column,
        (_, Some(column)) if is_constant(left) => column,
        _ => return None,
    };
    Some(Wrapped { column, wrapper: Wrapper::Operator(operator.trim().to_owned()) })
}

/// The name of a column, where the text is one.
pub(in crate::checks::plan) fn column(text: &str) -> Option<String> {
    let (qualifier, name) = text.rsplit_once('.').unwrap_or(("", text));
    // `(a.b` is the beginning of an expression.
    if qualifier.contains(['(', ' ']) && !qualifier.contains('"') {
        return None;
    }
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let quoted = name.len() > 2 && name.starts_with('"') && name.ends_with('"');
    let named =
        name.chars().all(plain) && name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let keyword = ["true", "false", "null"].contains(&name.to_lowercase().as_str());
    ((named || quoted) && !keyword).then(|| name.trim_matches('"').to_owned())
}

/// Without the parentheses around all of it.
pub(in crate::checks::plan) fn unwrapped(text: &str) -> &str {
    let text = text.trim();
    let Some(inner) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) else {
        return text;
    };
    let mut depth = 0_i32;
    for (_, byte) in unquoted(inner) {
        depth += i32::from(byte == b'(') - i32::from(byte == b')');
        if depth < 0 {
            return text;
        }
    }
    if depth == 0 { unwrapped_once(inner) } else { text }
}

/// Input may nest parentheses without end: a few are enough.
fn unwrapped_once(inner: &str) -> &str {
    inner.trim()
}

/// The parts between separators that stand outside of quotes and parentheses.
fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_i32);
    for (at, byte) in unquoted(text) {
        depth += i32::from(byte == b'(') - i32::from(byte == b')');
        if depth == 0 && at >= start && text.as_bytes()[at..].starts_with(separator.as_bytes()) {
            parts.push(&text[start..at]);
            start = at + separator.len();
        }
    }
    parts.push(&text[start..]);
    parts
}

fn split_once<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    let first = *split(text, separator).first()?;
    Some((first, text.get(first.len() + separator.len()..)?))
}

/// The text with spaces in the place of literals and quoted names.
fn code(text: &str) -> String {
    let mut code = vec![b' '; text.len()];
    for (at, byte) in unquoted(text) {
        code[at] = if byte.is_ascii() { byte } else { b'?' - 1 };
    }
    String::from_utf8(code).unwrap_or_default()
}

/// Bytes outside of quotes, with their places.
fn unquoted(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let mut quote: Option<u8> = None;
    text.bytes().enumerate().filter(move |(_, byte)| match quote {
        Some(open) => {
            if *byte == open {
                quote = None;
            }
            false
        }
        None if *byte == b'\'' || *byte == b'"' => {
            quote = Some(*byte);
            false
        }
        None => true,
    })
}

#[cfg(test)]
mod tests;
