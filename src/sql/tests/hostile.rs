//! Texts that no one means well with: none of them makes the reader panic, overflow its stack or work for long.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn refused(text: &str) -> NotUnderstood {
    statement(text, &catalog()).unwrap_err()
}

#[test]
fn a_text_of_a_megabyte_is_not_read() {
    let text = format!("select '{}'", "x".repeat(1 << 20));
    assert_eq!(refused(&text), NotUnderstood::TooLong);
}

#[test]
fn what_is_nested_too_deep_is_refused() {
    let nested = |open: &str, close: &str| {
        format!("select {}data{} from features", open.repeat(5_000), close.repeat(5_000))
    };
    let deep = [
        nested("lower(", ")"),
        nested("(select ", ")"),
        nested("not ", ""),
        nested("", " || 'x'"),
        nested("", " -> 'x'"),
        nested("", "::text"),
        nested("array[", "]"),
        nested("case when true then 1 else ", " end"),
        nested("", " is null"),
        format!("select 1{}", " union select 1".repeat(5_000)),
        format!("select 1 from features{}", " cross join features".repeat(5_000)),
    ];
    for text in deep {
        assert_eq!(refused(&text), NotUnderstood::TooDeep, "{}", &text[..60]);
    }
}

#[test]
fn parentheses_alone_are_read_or_refused_but_never_overflow_the_stack() {
    for depth in [1_000, 10_000, 100_000] {
        let text = format!("select {}data{} from features", "(".repeat(depth), ")".repeat(depth));
        match statement(&text, &catalog()) {
            Ok(understood) => assert_eq!(understood[0].uses.len(), 1),
            Err(error) => assert_eq!(error, NotUnderstood::TooDeep),
        }
    }
}

/// PostgreSQL's lexer takes minutes for these.
#[test]
fn runs_of_signs_and_nested_comments_are_refused_before_they_are_read() {
    for hostile in [
        format!("select {}1", "+".repeat(250_000)),
        format!("select 1 {} 2", "-+".repeat(100_000)),
        format!("{}{} select 1", "/*".repeat(60_000), "*/".repeat(60_000)),
        format!("select 1 {}", "*/".repeat(100_000)),
    ] {
        assert_eq!(refused(&hostile), NotUnderstood::TooDeep, "{}", &hostile[..20]);
    }
    let ruled = format!("/*{0}*/\n-- {0}\nselect data ? 'a' from features\n", "*".repeat(200));
    assert_eq!(statement(&ruled, &catalog()).map(|all| all.len()), Ok(1));
    let ruled = format!("{};", ruled.trim_end()).repeat(200);
    assert_eq!(statement(&ruled, &catalog()).map(|all| all.len()), Ok(200));
}

#[test]
fn what_is_wide_is_read() {
    let text = format!("select id from features where {}", vec!["data ? 'a'"; 5_000].join(" or "));
    assert_eq!(uses(&text), "public.features.data: a exists where ? const");
    let values = vec!["(1, '{}')"; 5_000].join(", ");
    assert_eq!(uses(&format!("insert into features (id, data) values {values}")), "");
}

#[test]
fn columns_that_double_with_each_step_are_not_all_listed() {
    let mut text = String::from("with c0 as (select * from features)");
    for step in 1..40 {
        write!(text, ", c{step} as (select a.*, b.* from c{0} a, c{0} b)", step - 1).unwrap();
    }
    assert!(statement(&format!("{text} select * from c39"), &catalog()).is_ok());
}

#[test]
fn wide_tables_named_very_often_cost_little() {
    let mut catalog = catalog();
    let columns: Vec<_> = (0..1_600).map(|number| format!("c{number}*")).collect();
    catalog.insert(name("public", "wide"), table(&columns.join(" ")));
    let sources = vec!["wide"; 3_000].join(", ");
    for targets in ["x", "wide", "*", "wide.*", "wide.c1599", "c1599 -> 'a'"] {
        let text = format!("select {} from {sources}", vec![targets; 3_000].join(", "));
        assert!(statement(&text, &catalog).is_ok());
        let text = format!("select 1 from {sources} group by {}", vec![targets; 3_000].join(", "));
        let _ = statement(&text, &catalog);
    }
    let unions = vec!["(table wide union table wide)"; 1_000].join(", ");
    let _ = statement(&format!("select 1 where 1 in ({unions})"), &catalog);
}

#[test]
fn many_statements_are_all_read() {
    let text = "select data -> 'a' from features;".repeat(5_000);
    assert_eq!(statement(&text, &catalog()).map(|all| all.len()), Ok(5_000));
}

#[test]
fn views_that_double_with_each_step_are_read_once_each() {
    let mut catalog = catalog();
    let view = |text: String| CatalogRelation::View(text);
    catalog.insert(name("public", "v0"), view("select data from features".to_owned()));
    for step in 1..30 {
        let text = format!("select a.data from v{0} a, v{0} b", step - 1);
        catalog.insert(name("public", &format!("v{step}")), view(text));
    }
    let near = statement("select data ->> 'a' from v5", &catalog).unwrap();
    assert_eq!(near[0].uses[0].to_string(), "public.features.data: a ->> select");
    let far = statement("select data ->> 'a' from v29", &catalog).unwrap();
    assert_eq!((far[0].uses.len(), far[0].unresolved), (0, 1));
}

#[test]
fn views_as_deep_as_they_may_be_never_overflow_the_stack() {
    let mut catalog = catalog();
    catalog.insert(name("public", "v0"), table("data*"));
    for step in 1..20 {
        let deepest = (1..45).rev().find_map(|depth| {
            let (open, close) = ("lower((select ".repeat(depth), "))".repeat(depth));
            let text = format!("select {open}data ->> 'a' from v{}{close} as data", step - 1);
            statement(&text, &catalog).is_ok().then_some(text)
        });
        catalog
            .insert(name("public", &format!("v{step}")), CatalogRelation::View(deepest.unwrap()));
    }
}

#[test]
fn more_uses_than_are_kept_are_counted() {
    let keys: Vec<_> = (0..6_000).map(|number| format!("data -> 'k{number}'")).collect();
    let text = format!("select array[{}] from features", keys.join(", "));
    let understood = statement(&text, &catalog()).unwrap();
    assert_eq!(understood[0].uses.len() + understood[0].unresolved as usize, 6_000);
}

/// Statements that mean something, to be spoiled.
fn valid() -> Vec<String> {
    let tables = [
        include_str!("operators.sql"),
        include_str!("functions.sql"),
        include_str!("resolution.sql"),
        include_str!("writes.sql"),
        include_str!("drivers.sql"),
    ];
    tables.iter().flat_map(|table| cases(table).map(|(sql, _)| sql)).collect()
}

/// One change of a text: a piece left out, doubled, moved, or replaced.
fn spoiled(text: &str, (kind, from, length): (u8, usize, usize), piece: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let from = from % (chars.len() + 1);
    let to = (from + length).min(chars.len());
    let (before, within, after) = (&chars[..from], &chars[from..to], &chars[to..]);
    let piece: Vec<char> = piece.chars().collect();
    let parts: [&[char]; 3] = match kind % 5 {
        0 => [before, &[], after],
        1 => [within, within, after],
        2 => [after, before, within],
        3 => [before, &piece, after],
        _ => [before, within, &piece],
    };
    parts.concat().iter().collect()
}

const PIECES: &[&str] = &[
    "(",
    ")",
    "'",
    "\"",
    ",",
    ";",
    "[",
    "]",
    "*",
    "data",
    "->",
    "->>",
    "?",
    "%s",
    ":x",
    "$1",
    "--",
    "/*",
    "$$",
    "{",
    "}",
    "features",
    " as x ",
    " union ",
    "select ",
    "with recursive t as (",
    "\u{0}",
    "é",
    "::",
    "jsonb_each(",
];

proptest! {
    #[test]
    fn arbitrary_text_never_makes_it_panic(text in ".{0,200}") {
        let _ = statement(&text, &catalog());
    }

    #[test]
    fn words_of_sql_in_any_order_never_make_it_panic(
        words in proptest::collection::vec(proptest::sample::select(PIECES), 0..40)
    ) {
        let _ = statement(&words.join(" "), &catalog());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn spoiled_statements_never_make_it_panic(
        text in proptest::sample::select(valid()),
        changes in proptest::collection::vec(
            ((any::<u8>(), any::<usize>(), 0..30_usize), proptest::sample::select(PIECES)),
            1..4,
        ),
    ) {
        let spoiled = changes.into_iter().fold(text, |text, (change, piece)| spoiled(&text, change, piece));
        if let Err(NotUnderstood::Syntax { at }) = statement(&spoiled, &catalog()) {
            prop_assert!(at <= spoiled.len());
        }
    }
}
