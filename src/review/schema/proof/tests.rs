use std::collections::HashMap;

use super::*;
use crate::sql::{DdlStatement, TableAction, definitions};

/// A table with these constraints.
struct Checked {
    conditions: Vec<CheckCondition>,
    filled: Vec<&'static str>,
    types: HashMap<&'static str, &'static str>,
}

impl RowConstraints for Checked {
    fn is_filled(&self, column: &str) -> bool {
        self.filled.contains(&column)
    }

    fn type_of(&self, column: &str) -> Option<&str> {
        self.types.get(column).copied()
    }

    fn conditions(&self) -> Vec<&CheckCondition> {
        self.conditions.iter().collect()
    }
}

fn checked(check: &str) -> Checked {
    let text = format!("alter table t add check ({check})");
    let [DdlStatement::Altered { actions, .. }] = &definitions(&text).unwrap()[..] else {
        panic!()
    };
    let [TableAction::Check { condition, .. }] = &actions[0][..] else { panic!() };
    Checked {
        conditions: vec![condition.clone()],
        filled: vec!["k"],
        types: HashMap::from([("k", "date")]),
    }
}

fn bound(sql: &str) -> BoundClause {
    let text = format!("alter table m attach partition p {sql}");
    let [DdlStatement::Altered { actions, .. }] = &definitions(&text).unwrap()[..] else {
        panic!()
    };
    let [TableAction::Attach { bound, .. }] = &actions[0][..] else { panic!() };
    bound.clone()
}

fn keys(names: &[&str]) -> Vec<Option<String>> {
    names.iter().map(|name| Some((*name).to_owned())).collect()
}

#[test]
fn bounds_follow_from_what_is_at_least_as_narrow() {
    let range = within(&bound("for values from (1) to (10)"), &keys(&["k"]));
    let proof = |check: &str| all(range.iter().map(|goal| proves(&checked(check), goal)));
    for proved in [
        "k >= 1 and k < 10",
        "k between 1 and 9",
        "k = 5",
        "k in (1, 9)",
        "k > 1 and 10 > k",
        "(k = 1 and x) or (k >= 2 and k < 4)",
        "k >= '1' and k < '10'",
    ] {
        assert_eq!(proof(proved), Implication::Proved, "{proved}");
    }
    for unproved in
        ["k > 0 and k < 10", "k >= 1 or k < 10", "k >= 1", "k in (1, 10)", "x >= 1 and x < 10", "x"]
    {
        assert_eq!(proof(unproved), Implication::Unproved, "{unproved}");
    }
    assert_eq!(proof("k >= floor(1) and k < 10"), Implication::Unknown);
    let nullable = within(&bound("for values from (1) to (10)"), &keys(&["n"]));
    let proof = |check: &str| all(nullable.iter().map(|goal| proves(&checked(check), goal)));
    assert_eq!(proof("n >= 1 and n < 10"), Implication::Unproved);
    assert_eq!(proof("n >= 1 and n < 10 and n is not null"), Implication::Proved);
}

#[test]
fn the_ends_of_a_range_over_several_columns_are_those_of_the_first_that_differs() {
    let of = |bounds: &str, check: &str| {
        let goals = within(&bound(bounds), &keys(&["k", "k"]));
        all(goals.iter().map(|goal| proves(&checked(check), goal)))
    };
    let by_day = "for values from ('2026-01-01', minvalue) to ('2026-02-01', minvalue)";
    assert_eq!(of(by_day, "k >= '2026-01-01' and k < '2026-02-01'"), Implication::Proved);
    assert_eq!(of(by_day, "k >= date '2026-01-01' and k < date '2026-02-01'"), Implication::Proved);
    assert_eq!(of(by_day, "k >= '2026-01-01' and k <= '2026-02-01'"), Implication::Unproved);
    let behind = "for values from (1, maxvalue) to (10, maxvalue)";
    assert_eq!(of(behind, "k > 1 and k <= 10"), Implication::Proved);
    assert_eq!(of(behind, "k >= 1 and k <= 10"), Implication::Unproved);
    assert_eq!(of("for values from (1, 2) to (10, 3)", "k >= 1 and k < 10"), Implication::Unknown);
}

#[test]
fn a_default_partition_holds_none_of_the_rows_where_its_constraints_leave_them_out() {
    let proof = |bounds: &str, check: &str| {
        proves(&checked(check), &outside(&bound(bounds), &keys(&["k"])))
    };
    let range = "for values from (1) to (10)";
    for check in ["k >= 10", "k < 1", "k in (0, 10)", "k = 12"] {
        assert_eq!(proof(range, check), Implication::Proved, "{check}");
    }
    for check in ["k >= 9", "k <= 1", "k = 5", "x >= 10"] {
        assert_eq!(proof(range, check), Implication::Unproved, "{check}");
    }
    let list = "for values in (1, 2)";
    for check in ["k >= 10", "k in (3, 4)", "k = 3"] {
        assert_eq!(proof(list, check), Implication::Proved, "{check}");
    }
    assert_eq!(proof(list, "k >= 2"), Implication::Unproved);
    assert_eq!(proof("for values from (minvalue) to (maxvalue)", "k >= 2"), Implication::Unproved);
}
