use std::cmp::Ordering;

use super::*;

fn one(sql: &str) -> DdlStatement {
    let [one] = definitions(sql).unwrap().try_into().unwrap();
    one
}

fn check(expression: &str) -> CheckCondition {
    let DdlStatement::Altered { actions, .. } =
        one(&format!("alter table t add constraint c check ({expression})"))
    else {
        panic!("{expression}")
    };
    let [TableAction::Check { condition, .. }] = &actions.concat()[..] else { panic!() };
    condition.clone()
}

#[test]
fn a_negation_is_read_to_its_ends() {
    let not_null = || CheckCondition::NotNull("a".to_owned());
    assert_eq!(check("a is not null"), not_null());
    assert_eq!(check("not (t.a is null)"), not_null());
    assert_eq!(check("not (a is null or b is null)"), check("a is not null and b is not null"));
    assert_eq!(check("not (a < 1)"), check("1 <= a"));
    assert_eq!(check("a between 1 and 9"), check("a >= 1 and a <= 9"));
    assert_eq!(check("a in (1, 2)"), check("a = any (array[1, 2])"));
    for other in
        ["a not in (1, 2)", "a <> 1", "lower(a) = 'x'", "a is null", "a < b", "not (a = 1)"]
    {
        assert_eq!(check(other), CheckCondition::Other, "{other}");
    }
}

#[test]
fn constants_are_compared_where_their_order_does_not_hang_on_what_is_not_known() {
    let compared = |one: &str, other: &str, column_type: Option<&str>| {
        let value = |text: &str| match check(&format!("a = {text}")) {
            CheckCondition::Compares(_, _, value) => value,
            other => panic!("{other:?}"),
        };
        value(one).compared(&value(other), column_type)
    };
    assert_eq!(compared("-1", "10", None), Some(Ordering::Less));
    assert_eq!(compared("'9'", "10", None), Some(Ordering::Less));
    assert_eq!(compared("'2026-01-31'", "'2026-02-01'", None), Some(Ordering::Less));
    assert_eq!(
        compared("'2026-01-01 00:00+00'", "'2026-02-01 00:00+00'", None),
        Some(Ordering::Less)
    );
    assert_eq!(compared("'2026-01-01 00:00+00'", "'2026-01-01 00:00+02'", None), None);
    assert_eq!(compared("'b'", "'a'", None), None);
    assert_eq!(compared("'b'", "'b'", None), Some(Ordering::Equal));
    assert_eq!(compared("date '2026-01-01'", "'2026-01-01'", Some("date")), Some(Ordering::Equal));
    assert_eq!(compared("date '2026-01-01'", "'2026-01-01'", Some("timestamptz")), None);
    assert_eq!(compared("make_date(2026, 1, 1)", "'2026-01-01'", Some("date")), None);
}

#[test]
fn indexes_are_alike_by_what_they_hold() {
    let index = |sql: &str| match one(sql) {
        DdlStatement::Index { index, .. } => index,
        other => panic!("{other:?}"),
    };
    let own = index("create index i on t (a, lower(b)) where c > 0");
    assert!(own.serves(&index("create index on u using btree (a desc, lower(b)) where (c > 0)")));
    for other in [
        "create index on t (a, lower(b)) where c > 1",
        "create index on t (a, lower(b))",
        "create index on t (a, upper(b)) where c > 0",
        "create index on t (lower(b), a) where c > 0",
        "create unique index on t (a, lower(b)) where c > 0",
        "create index on t using gist (a, lower(b)) where c > 0",
        "create index on t (a text_pattern_ops, lower(b)) where c > 0",
        "create index on t (a, lower(b)) include (d) where c > 0",
    ] {
        assert!(!own.serves(&index(other)), "{other}");
    }
}

#[test]
fn a_table_is_read_with_what_it_copies_and_where_it_belongs() {
    let DdlStatement::Table(table) = one(
        "create table app.p partition of app.m (primary key (id)) for values from (1, minvalue) to (10, maxvalue)
         partition by list (lower(a), b)",
    ) else {
        panic!()
    };
    let value = |number| RangeDatum::Value(ConstantValue::Integer(number));
    let bound = BoundClause::Range {
        from: vec![value(1), RangeDatum::Least],
        to: vec![value(10), RangeDatum::Greatest],
    };
    assert_eq!(table.part_of, Some(("app.m".to_owned(), bound)));
    assert_eq!(table.partitioned_by, Some(vec![None, Some("b".to_owned())]));
    assert!(matches!(&table.elements[..], [TableAction::Index(index)] if index.is_primary));
    let DdlStatement::Table(table) = one("create table c (like t including indexes, x serial)")
    else {
        panic!()
    };
    assert_eq!(table.copied, [LikeClause { table: "t".to_owned(), checks: false, indexes: true }]);
    assert!(matches!(
        &table.elements[..],
        [TableAction::Column { .. }, TableAction::NotNull { .. }]
    ));
}
