//! Statements that differ in values only are parsed once, and mean what each of them means.

use super::super::parsed::ParsedStatement;
use super::super::shape::shape;
use super::*;

#[test]
fn values_that_are_no_keys_are_left_out_and_keys_stay() {
    for (sql, shaped) in [
        (
            "select data->>'a' from features where id = 42 and name='x''y'",
            "select data->>'a' from features where id = 0 and name=''",
        ),
        (
            "select 1 where data ->> 'k' in ('a', 'b', -1) limit 10",
            "select 1 where data ->> 'k' in ('', '', -1) limit 10",
        ),
        (
            "select 1 where data @> '{\"a\": [1, 2, {\"b\": \"x\"}]}'::jsonb",
            "select 1 where data @> '{\"a\":[null,{\"b\":null}]}'::jsonb",
        ),
        (
            "insert into users values (1, 'a', '{}'), (2, f('k'), '{}')",
            "insert into users values (0, '', ''), (0, f('k'), '')",
        ),
        ("select 1 where a = 'k' || data and b = -5", "select 1 where a = 'k' || data and b = -0"),
        (
            "select 1 where x = E'\\'' and y = $$a$$ -- = 5",
            "select 1 where x = E'\\'' and y = $$a$$ -- = 5",
        ),
        ("select 1 where x = 'open", "select 1 where x = 'open"),
        (
            "select data -> 0, jsonb_extract_path(data, 'a', 'b') order by 1",
            "select data -> 0, jsonb_extract_path(data, 'a', 'b') order by 1",
        ),
    ] {
        assert_eq!(shape(sql), shaped);
    }
}

/// Statements of the tables of [`crate::sql`].
fn statements() -> impl Iterator<Item = String> {
    [
        include_str!("../../sql/tests/operators.sql"),
        include_str!("../../sql/tests/functions.sql"),
        include_str!("../../sql/tests/resolution.sql"),
        include_str!("../../sql/tests/writes.sql"),
        include_str!("../../sql/tests/drivers.sql"),
    ]
    .into_iter()
    .flat_map(|table| table.split("\n\n"))
    .map(|case| case.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join("\n"))
    .filter(|sql| !sql.trim().is_empty())
}

#[test]
fn a_shape_means_what_the_statement_means() {
    let (mut compared, mut changed) = (0, 0);
    for sql in statements() {
        let shaped = shape(&sql);
        changed += u32::from(shaped != sql);
        let parsed = |sql| ParsedStatement::of(sql, &catalog());
        assert_eq!(parsed(&shaped), parsed(&sql), "{sql}\n{shaped}");
        compared += 1;
    }
    assert!(compared > 200 && changed > 30, "{compared} statements, {changed} of which change");
}

#[test]
fn a_shape_is_parsed_once() {
    let catalog = catalog();
    let mut book = Bookkeeper::new(&catalog);
    for id in 0..100 {
        let sql = format!("select data ->> 'a' from features where id = {id} and name = 'n{id}'");
        book.add(StatementSource::Log, &Entry::once(sql));
    }
    assert_eq!(book.parsed(), 1);
}

#[test]
fn values_that_look_like_keys_are_found_out_once_they_come_again_and_again() {
    let catalog = catalog();
    let mut book = Bookkeeper::new(&catalog);
    let key = |number: usize| format!("k{}", number % 3);
    for number in 0..1000 {
        let key = key(number);
        let sql = format!(
            "update features set data = jsonb_set(data, '{{{key}}}', '{number}'), note = left('n{number}', 5) \
             where data ? '{key}' and event_time < '2026-11-25 0:0:{number}'::timestamptz"
        );
        book.add(StatementSource::Log, &Entry::once(sql));
    }
    assert!(book.parsed() < 100, "{}", book.parsed());
    let (_, _, column) = book.ledger().columns().next().unwrap();
    let told: Vec<_> = column
        .paths
        .iter()
        .map(|(path, used)| (crate::sql::path_to_string(path), used.touched.calls))
        .collect();
    assert_eq!(told, [("k0".to_owned(), 334), ("k1".to_owned(), 333), ("k2".to_owned(), 333)]);
}

#[test]
fn comments_and_the_length_of_a_list_make_no_other_shape() {
    let in_list = |length: usize| {
        let values: Vec<String> = (0..length).map(|value| value.to_string()).collect();
        shape(&format!(
            "select data ->> 'k' from features where id in ({}) limit 3",
            values.join(", ")
        ))
    };
    assert_eq!(in_list(9), in_list(1000));
    assert_ne!(in_list(2), in_list(3));
    let traced = |id: usize| {
        shape(&format!(
            "/* {id} */ select /*a='{id}'*/ id -- {id}\nfrom features where id = {id} /*traceparent='00-{id}'*/ and name = 'x'"
        ))
    };
    assert_eq!(traced(7), traced(8));
    assert_eq!(shape("insert into t values (1,2,3,4,5,6,7,8,9,10)").matches('0').count(), 10);
}

#[test]
fn values_that_are_cast_are_values_and_documents_that_are_read_on_are_not() {
    for (one, other) in [
        (
            "insert into t values ('2026-11-25'::timestamptz, '{\"a\": 1}'::jsonb, 'x'::varchar(10), '{a}'::text[])",
            "insert into t values ('2027-11-25'::timestamptz, '{\"b\": 2}'::jsonb, 'y'::varchar(10), '{b}'::text[])",
        ),
        (
            "select id from t where at > '2026-11-25'::date and id = 3",
            "select id from t where at > '2027-11-25'::date and id = 4",
        ),
        (
            "select id from t where id in ('a'::uuid, 'b'::uuid)",
            "select id from t where id in ('c'::uuid, 'd'::uuid)",
        ),
    ] {
        assert_eq!(shape(one), shape(other));
    }
    let read_on = "insert into t values ('{\"a\": 1}'::jsonb -> 'a')";
    assert_eq!(shape(read_on), read_on);
}
