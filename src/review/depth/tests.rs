//! Nestings and chains of every kind, at every length: none overflows a stack.

use proptest::prelude::*;
use squawk_syntax::SourceFile;

use super::*;
use crate::review::{SqlFile, TargetTables, review};

/// What can stand in or behind itself without end: before, again and again, in the middle, again and again, after.
const CONSTRUCTS: &[[&str; 5]] = &[
    ["select ", "(", "1", ")", ""],
    ["select ", "- (", "1", "), 2", ""],
    ["select array", "[", "1", "]", ""],
    ["select a", "[1]", "", "", ""],
    ["select a", "[1:2]", "", "", ""],
    ["select a", ".a", "", "", ""],
    ["select ", "(select ", "1", ")", ""],
    ["select ", "(select 1, ", "1", ")", ""],
    ["select * from ", "(select * from ", "a", ") a", ""],
    ["select ", "- ", "1", "", ""],
    ["select ", "not ", "true", "", ""],
    ["select ", "case when ", "true", "", ""],
    ["select ", "case when true then 1 else ", "1", " end", ""],
    ["select 1", " + 1", "", "", ""],
    ["select 1", " operator(pg_catalog.+) 1", "", "", ""],
    ["select a", " and b or c", "", "", ""],
    ["select a", "::int", "", "", ""],
    ["select ", "cast(", "1", " as int)", ""],
    ["select a", " is null", "", "", ""],
    ["select a", " collate \"C\"", "", "", ""],
    ["select a", " between 1 and 2", "", "", ""],
    ["select a", " at time zone 'utc'", "", "", ""],
    ["select 1, 2", " union select 1, 2", "", "", ""],
    ["table a", " except table b", "", "", ""],
    ["select from a", " join b on true", "", "", ""],
    ["select from a, b", " join b on true, c", "", "", ""],
    ["", "explain ", "select 1", "", ""],
    ["", "prepare a as ", "select 1", "", ""],
    ["", "declare c cursor for ", "select 1", "", ""],
    ["", "with a as (", "select 1", ") select 1", ""],
    ["", "create schema a create table b () ", "", "", ""],
    ["", "create function f() begin atomic ", "select 1;", " end;", ""],
    ["", "create function f() begin select 1 as end; ", "select 1;", " end;", ""],
    ["create rule r as on insert to t do also ", "(select 1; ", "select 1", ")", ""],
    ["create table t (a int check ", "(", "a > 0", ")", ")"],
    ["create table t (", "check (a and (b)) ", "", "", ")"],
    ["create index on t (", "lower(", "a", ")", ")"],
    ["create function f() returns int language sql as '", "(", "1", ")", "'"],
    ["create function f() returns int language sql as E'", "\\x2d ", "1", "", "'"],
    ["create function f() returns int language sql as $a$ select ", "- ", "1", "", "$a$"],
    ["alter table t add check ", "(", "a", ")", ""],
    ["insert into t select ", "jsonb_build_object('a', ", "1", ")", ""],
    ["select a -> ", "'a' -> ", "'b'", "", ""],
    ["select ", "f(a => ", "1", ")", ""],
    ["select f(", "variadic ", "a", "", ")"],
    ["select a::int", "[]", "", "", ""],
    ["grant a to b", ", b", "", "", ""],
    ["select ", "/* ", "1", " */", ""],
    ["", "{", "", "}", ""],
    ["", "atomic with ; join with ", "", "", ""],
    ["with a ", "with b ; join with c ", "", "", ""],
    ["select ", "row(", "1", ")", ""],
    ["select 1 where a in ", "(select 1 where a in ", "(1)", ")", ""],
    ["select from ", "lateral (values (1), (2)) a join ", "b", " on true", ""],
];

fn text([before, open, middle, close, after]: [&str; 5], times: usize) -> String {
    format!("{before}{}{middle}{}{after};", open.repeat(times), close.repeat(times))
}

fn reviewed(sql: String) -> crate::model::Review {
    let file = SqlFile { path: "m.sql".to_owned(), sql };
    review(&[file], &TargetTables::default(), &|| true)
}

/// The most times that is parsed.
fn most(construct: [&str; 5]) -> usize {
    let (mut fits, mut too_much) = (1, 4096);
    while too_much - fits > 1 {
        let between = usize::midpoint(fits, too_much);
        let is_read = excess(&text(construct, between)).is_none();
        *(if is_read { &mut fits } else { &mut too_much }) = between;
    }
    fits
}

#[test]
fn whatever_is_let_through_is_survived_up_to_the_limit() {
    for construct in CONSTRUCTS {
        reviewed(text(*construct, most(*construct)));
    }
}

#[test]
fn whatever_is_long_is_survived() {
    for construct in CONSTRUCTS {
        for times in [5000, 30_000] {
            let review = reviewed(text(*construct, times));
            let is_flat = excess(&text(*construct, times)).is_none();
            assert!(is_flat || review.gaps.len() == 1, "{construct:?}: {review:?}");
        }
    }
}

#[test]
fn ordinary_statements_are_let_through() {
    let rows = vec!["(1, -2.5, 'it''s ((', '{\"a\": [1]}'::jsonb)"; 20_000].join(",\n");
    let columns = vec!["c int not null default (1 + 2) check (c > 0)"; 1000].join(", ");
    let whens = " when a = 1 then 'b'".repeat(150);
    let joins = " left join b on b.a = a.b and b.c is null".repeat(60);
    for sql in [
        format!("insert into t values {rows};"),
        format!("create table t ({columns});"),
        format!("select case{whens} end from a{joins};"),
        "begin; select 1; commit; create table t (a int primary key);".repeat(3000),
        "create function f() returns int language sql as $$ select 1 $$;".repeat(3000),
        "with a as (select 1), b as (select 2) insert into t select * from a;".repeat(3000),
        "create index on t (a) with (fillfactor = 70); create view v as (with a as (select 1) select 1);"
            .repeat(2000),
    ] {
        assert_eq!(excess(&sql), None, "{}", &sql[..60]);
    }
}

fn depth_of_tree(text: &str) -> usize {
    let root = SourceFile::parse(text).syntax_node();
    let (mut depth, mut deepest) = (0_usize, 0);
    for event in root.preorder() {
        match event {
            rowan::WalkEvent::Enter(_) => depth += 1,
            rowan::WalkEvent::Leave(_) => depth -= 1,
        }
        deepest = deepest.max(depth);
    }
    deepest
}

const TOKENS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    ".",
    "::",
    ":",
    "=>",
    "-",
    "+",
    "||",
    "->",
    "*",
    "=",
    "1",
    "'a'",
    "$$a$$",
    "$1",
    "a",
    "\"a\"",
    "select",
    "from",
    "where",
    "case",
    "when",
    "then",
    "else",
    "end",
    "begin",
    "atomic",
    "create",
    "function",
    "schema",
    "table",
    "rule",
    "do",
    "also",
    "as",
    "on",
    "insert",
    "into",
    "values",
    "union",
    "all",
    "join",
    "lateral",
    "not",
    "and",
    "is",
    "null",
    "between",
    "in",
    "exists",
    "array",
    "row",
    "cast",
    "with",
    "explain",
    "prepare",
    "declare",
    "cursor",
    "for",
    "language",
    "sql",
    "return",
    "returns",
    "int",
    "default",
    "check",
    "alter",
    "add",
    "collate",
    "over",
    "partition",
    "by",
    "order",
    "interval",
    "operator",
    "any",
    "variadic",
    "json_table",
    "columns",
    "nested",
    "path",
    "group",
    "having",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    #[test]
    fn no_tree_is_deeper_than_its_estimate_allows(
        piece in proptest::collection::vec(proptest::sample::select(TOKENS), 1..12),
        times in 1..40_usize,
        rest in proptest::collection::vec(proptest::sample::select(TOKENS), 0..20),
    ) {
        let text = format!("{} {}", format!("{} ", piece.join(" ")).repeat(times), rest.join(" "));
        let (estimate, depth) = (Depth::of(&text, true).deepest, depth_of_tree(&text));
        prop_assert!(depth <= 5 * estimate + 12, "{depth} of {estimate}: {text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn constructs_in_one_another_are_survived(
        chosen in proptest::collection::vec((proptest::sample::select(CONSTRUCTS), 1..120_usize), 1..12),
    ) {
        let sql = chosen.iter().fold("1".to_owned(), |inner, ([before, open, middle, close, after], times)| {
            format!("{before}{}{middle}({inner}){}{after}", open.repeat(*times), close.repeat(*times))
        });
        reviewed(sql);
    }
}
