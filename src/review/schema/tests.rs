//! What statements can make the schema keep.

use super::{COPIED_MAX, MigratedSchema};
use crate::sql::definitions;

/// The schema that statements make.
fn made(statements: &[String]) -> MigratedSchema {
    let mut schema = MigratedSchema::default();
    for text in statements {
        for definition in definitions(text).unwrap() {
            schema.apply(definition, text.len());
        }
    }
    schema
}

#[test]
fn copies_of_copies_do_not_grow_without_bound() {
    let checked =
        |name: &str| format!("create table {name} (a int check (a in ({}0)))", "0, ".repeat(1000));
    let mut statements = vec![checked("t0")];
    statements.extend((1..200).map(|nth| {
        let of = format!("like t{} including all, ", nth - 1).repeat(8);
        format!("create table t{nth} ({of}b{nth} int)")
    }));
    statements.push("create table p partition of t0 for values in (1)".to_owned());
    let detached = "alter table t0 detach partition p".to_owned();
    statements.extend(std::iter::repeat_n(detached, 50_000));

    let schema = made(&statements);

    let written: usize = statements.iter().map(String::len).sum();
    let kept: usize = schema.tables.iter().map(|table| table.weight).sum();
    assert!(schema.copied > COPIED_MAX / 2, "{} is no case", schema.copied);
    assert!(kept <= written + COPIED_MAX, "{kept} of {written}");
    let last = schema.find("t199").unwrap();
    assert!(!schema.tables[last].is_known, "what was not copied is not known");
}

#[test]
fn a_table_with_more_checks_than_are_kept_is_not_known_whole() {
    let table = |checks: usize| {
        let checks = ", check (a > 0)".repeat(checks);
        let schema = made(&[format!("create table t (a int{checks})")]);
        schema.tables[schema.find("t").unwrap()].is_known
    };
    assert!(table(64));
    assert!(!table(65));
}
