//! Conditions as EXPLAIN prints them: clauses, operators of JSON, columns inside casts and functions.

/// Operators that read JSON and nothing else, as EXPLAIN prints them between spaces.
const JSON_OPERATORS: [&str; 4] = [" ->> ", " #>> ", " #> ", " @? "];

/// Operators that also read hstore, arrays, ranges or trees of labels: of JSON only where a type says so.
const SHARED_OPERATORS: [&str; 6] = [" -> ", " @> ", " <@ ", " ? ", " ?| ", " ?& "];

/// Operators of comparison that a B-tree serves.
const COMPARISONS: [&str; 5] = [" = ", " < ", " <= ", " > ", " >= "];

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
    let (wrapped, other) = match (of_cast(left).or_else(|| of_function(left)), is_constant(right)) {
        (Some(wrapped), true) => (wrapped, right),
        _ => (of_cast(right).or_else(|| of_function(right))?, left),
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

/// Whether the condition names this column, as far as its words tell.
pub(in crate::checks::plan) fn names(condition: &str, column: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let bounded = |at: usize| {
        let (before, after) = (&condition[..at], &condition[at + column.len()..]);
        !before.ends_with(is_word) && !after.starts_with(is_word)
    };
    !column.is_empty() && condition.match_indices(column).any(|(at, _)| bounded(at))
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
    let kind = kind.split('(').next().unwrap_or(kind).trim();
    let column = column(inner)?;
    (!RELABELLED.contains(&kind))
        .then(|| Wrapped { column, wrapper: Wrapper::Cast(kind.to_owned()) })
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

/// The name of a column, where the text is one.
fn column(text: &str) -> Option<String> {
    let name = text.rsplit('.').next().unwrap_or(text);
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let quoted = name.len() > 2 && name.starts_with('"') && name.ends_with('"');
    let named =
        name.chars().all(plain) && name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let keyword = ["true", "false", "null"].contains(&name.to_lowercase().as_str());
    ((named || quoted) && !keyword).then(|| name.trim_matches('"').to_owned())
}

/// Without the parentheses around all of it.
fn unwrapped(text: &str) -> &str {
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
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_split_where_all_its_clauses_have_to_hold() {
        let text =
            "(((data ->> 'a AND b'::text) = 'x'::text) AND (n > 5) AND ((k = 1) OR (k = 2)))";
        assert_eq!(
            clauses(text),
            ["(data ->> 'a AND b'::text) = 'x'::text", "n > 5", "(k = 1) OR (k = 2)"]
        );
        assert_eq!(clauses("(a = 'it''s'::text)"), ["a = 'it''s'::text"]);
        assert_eq!(clauses("((a = 1) OR (b = 2))"), ["(a = 1) OR (b = 2)"]);
        assert_eq!(clauses("(("), ["(("]);
        assert_eq!(clauses(""), [""]);
    }

    #[test]
    fn clauses_that_read_json_are_told_from_arrays_text_search_and_literals() {
        for clause in [
            "(data ->> 'kind'::text) = 'a'::text",
            "data @> '{\"a\": 1}'::jsonb",
            "(data -> 'a'::text) = '1'::jsonb",
            "jsonb_path_exists(data, '$.a'::jsonpath, '{}'::jsonb, false)",
        ] {
            assert!(is_json(clause), "{clause}");
        }
        for clause in [
            "tags @> '{a}'::text[]",
            "name = ' ->> '::text",
            "words @@ '''a'''::tsquery",
            "n > 5",
            "(attrs -> 'color'::text) = 'red'::text",
            "during @> '2026-01-01'::date",
            "path <@ 'top.a'::ltree",
        ] {
            assert!(!is_json(clause), "{clause}");
        }
    }

    #[test]
    fn a_column_inside_a_cast_or_a_function_is_found() {
        let cast = |column: &str, kind: &str| {
            Some(Wrapped { column: column.to_owned(), wrapper: Wrapper::Cast(kind.to_owned()) })
        };
        let function = |column: &str, name: &str| {
            Some(Wrapped { column: column.to_owned(), wrapper: Wrapper::Function(name.to_owned()) })
        };
        for (clause, expected) in [
            ("(id)::numeric = 5.0", cast("id", "numeric")),
            ("(o.created_at)::date = '2026-01-03'::date", cast("created_at", "date")),
            ("lower(name) = 'x'::text", function("name", "lower")),
            ("lower((name)::text) = 'x'::text", function("name", "lower")),
            (
                "date_trunc('day'::text, ts) = '2026-01-03 00:00:00'::timestamp",
                function("ts", "date_trunc"),
            ),
            ("EXTRACT(year FROM ts) = '2026'::numeric", function("ts", "extract")),
            ("'5'::numeric = (id)::numeric", cast("id", "numeric")),
            (
                "(created_at)::date >= (CURRENT_DATE - '7 days'::interval)",
                cast("created_at", "date"),
            ),
            ("lower(email) = ANY ('{a,b}'::text[])", function("email", "lower")),
            ("lower(name) ~~ 'u1234%'::text", function("name", "lower")),
            ("(id)::numeric ~~ '12%'::text", cast("id", "numeric")),
            ("(id)::text ~~ '12%'::text", None),
            ("upper(name) ~~ '%234%'::text", None),
            ("upper(name) ~~ '_234'::text", None),
            ("lower(name) ~~ $1", None),
            ("lower(name) !~~ 'u1234%'::text", None),
            ("lower(name) ~~* 'u1234%'::text", None),
            ("(name)::text = 'x'::text", None),
            ("(net)::inet = '10.0.0.1'::inet", None),
            ("(relid)::oid = '16384'::oid", None),
            ("lower(name) = other", None),
            ("id = 5", None),
            ("(a.id)::numeric = b.amount", None),
            ("(data ->> 'kind'::text) = 'a'::text", None),
            ("((data ->> 'n'::text))::integer = 5", None),
            ("jsonb_extract_path_text(data, 'a') = 'x'::text", None),
            ("id = lower('X'::text)", None),
        ] {
            assert_eq!(wrapped(clause), expected, "{clause}");
        }
    }

    #[test]
    fn parameters_are_found_outside_of_literals() {
        assert_eq!(numbers("(id = $1) AND (n > $12)"), [1, 12]);
        assert_eq!(numbers("InitPlan 1 (returns $0,$3)"), [0, 3]);
        assert_eq!(numbers("price = '$1'::text"), [0_u32; 0]);
    }
}
