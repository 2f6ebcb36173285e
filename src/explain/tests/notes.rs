//! Lines that are no part of a node, and those that stand elsewhere than the server prints them.

use super::super::{ParsedPlan, StopReason, read};

fn plans(text: &str) -> Vec<ParsedPlan> {
    read(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn plan(text: &str) -> ParsedPlan {
    let mut plans = plans(text);
    assert_eq!(plans.len(), 1, "{text}");
    plans.remove(0)
}

fn tree(plan: &ParsedPlan) -> Vec<(&str, Option<usize>)> {
    plan.nodes.iter().map(|node| (node.node_type.as_str(), node.parent)).collect()
}

const SCAN: &str = "Limit  (cost=0.1..8.3 rows=1 width=8)\n  ->  Seq Scan on t  (cost=0.0..8.1 rows=1 width=8)\n        Filter: (a > 3)\n";

#[test]
fn plans_that_rules_made_of_one_statement_are_several() {
    let found = plans(
        "           QUERY PLAN\n-------------------------\n Delete on t2\n   ->  Seq Scan on t2\n         Filter: (b = 1)\n \n\
         \x20Delete on t1\n   ->  Index Scan using t1_pkey on t1\n         Index Cond: (a = 1)\n \n Aggregate\n   ->  Seq Scan on t3\n(10 rows)\n",
    );
    let relations: Vec<_> =
        found.iter().map(|plan| plan.nodes[1].relation.as_deref().unwrap()).collect();
    assert_eq!(relations, ["t2", "t1", "t3"]);
    assert!(found.iter().all(|plan| plan.nodes.len() == 2 && plan.nodes[1].parent == Some(0)));
}

#[test]
fn what_modules_print_behind_a_plan_is_kept_by_its_group() {
    let plan = plan(
        "Seq Scan on part t  (cost=0.0..8.1 rows=1 width=8)\n  Filter: (a = 1)\n  Scan RTI: 2\nPlanning Time: 0.1 ms\n\
         PlannedStmt:\n  Command Type: select\n  Flags: canSetTag\n\
         RTI 1 (relation, inherited, in-from-clause):\n  Relation: t\n  Relation Kind: partitioned_table\n\
         RTI 2 (relation, in-from-clause):\n  Relation: part\n  Relation Kind: relation\n\
         Unprunable RTIs: 1 2\nExecution Time: 0.3 ms\n",
    );
    assert_eq!(tree(&plan), [("Seq Scan", None)]);
    assert_eq!(plan.nodes[0].extra.len(), 1, "{:?}", plan.nodes[0].extra);
    assert_eq!(plan.extra["PlannedStmt"]["Flags"], "canSetTag");
    assert_eq!(
        plan.extra["RTI 1 (relation, inherited, in-from-clause)"]["Relation Kind"],
        "partitioned_table"
    );
    assert_eq!(plan.extra["RTI 2 (relation, in-from-clause)"]["Relation"], "part");
    assert_eq!(plan.extra["Unprunable RTIs"], "1 2");
    assert_eq!((plan.planning_ms, plan.execution_ms), (Some(0.1), Some(0.3)));
}

#[test]
fn a_note_of_another_server_is_no_part_of_the_condition_before_it() {
    let noted = format!(
        "{SCAN}Optimizer: Another planner (X) version 3.2\nNote: an approved plan was used\nSQL Hash: -18, Plan Hash: -5\n"
    );
    let found = plan(&noted);
    assert_eq!(found.nodes, plan(SCAN).nodes);
    assert_eq!(found.extra["Optimizer"], "Another planner (X) version 3.2");
    assert_eq!(found.extra["SQL Hash"], "-18, Plan Hash: -5");
    // Behind the times only figures are of the plan.
    let timed = format!(
        "{SCAN}Execution Time: 1.4 ms\nStorage Read Requests: 1\nPeak Memory Usage: 24 kB\n"
    );
    let found = plan(&timed);
    assert_eq!(found.nodes, plan(SCAN).nodes);
    assert_eq!(found.extra["Storage Read Requests"], 1);
    assert_eq!(found.extra["Peak Memory Usage"], "24 kB");
    assert_eq!((found.extra.len(), found.execution_ms), (2, Some(1.4)));
    let asked = plan(&format!("{SCAN}Execution Time: 1.4 ms\nQuestion: why is it slow?\n"));
    assert!(asked.extra.is_empty(), "{:?}", asked.extra);
}

#[test]
fn a_name_that_a_mail_broke_is_no_note() {
    let found = plan(
        "Hash  (cost=0.1..8.3 rows=1 width=8)\n  Buckets: 1024  Batches: 1  Memory\nUsage: 9kB\n  ->  Seq Scan on t  (cost=0.0..8.1 rows=1 width=8)\n        Filter: (a = 'it is\nSo: why'::text)\n",
    );
    assert_eq!(found.nodes[0].hash.as_ref().unwrap().peak_memory_kb, Some(9));
    assert!(found.nodes[1].condition("filter").unwrap().ends_with("why'::text)"));
    assert!(found.extra.is_empty(), "{:?}", found.extra);
}

#[test]
fn a_property_in_the_column_of_the_only_node_is_its_own() {
    let plan = plan("Seq Scan on sales  (cost=0.0..60.9 rows=8 width=53)\nFilter: (id = 1)\n");
    assert_eq!(plan.nodes[0].condition("filter"), Some("(id = 1)"));
    assert!(plan.extra.is_empty());
}

#[test]
fn a_property_is_that_of_the_node_whose_arrow_it_stands_behind_where_steps_are_others() {
    let plan = plan(
        "GroupAggregate (cost=0.0..0.0 rows=0 width=0)\n  Group Key: r.id\n  -> Sort (cost=0.0..0.0 rows=0 width=0)\n    Sort Key: r.id\n\
         \x20   -> Custom Scan (Shards) (cost=0.0..0.0 rows=0 width=0)\n      -> Subplan 6_1\n        -> Limit (cost=0.0..0.0 rows=0 width=0)\n\
         \x20         -> Seq Scan on t (cost=0.0..0.0 rows=0 width=0)\n            Filter: (a = 1)\n      Task Count: 3\n",
    );
    assert_eq!(plan.nodes[2].extra["Task Count"], 3);
    assert_eq!(plan.nodes[5].condition("filter"), Some("(a = 1)"));
}

#[test]
fn a_node_above_the_first_that_can_be_read_is_not_left_out() {
    let text = "> Custom Scan (Shards)\n  Task Count: 32\n  -> Task\n       Host: localhost\n       -> Hash Join\n            -> Seq Scan on a\n            -> Hash\n                 -> Seq Scan on b\n";
    let error = read(text).unwrap_err();
    assert_eq!((error.line, error.reason), (5, StopReason::Expected("the line of the node above")));
}

#[test]
fn figures_of_another_form_are_refused_rather_than_left_out() {
    for line in [
        "Seq Scan on orders ... (estimated rows=1666, actual rows=2500)",
        "Seq Scan on orders (rows=2500)",
        "Seq Scan on orders (loops=100)",
    ] {
        let text = format!("Limit\n  ->  {line}\n");
        let error = read(&text).unwrap_err();
        assert!(matches!(error.reason, StopReason::Expected(_)), "{line}: {error}");
    }
}

#[test]
fn nodes_of_a_divided_server_are_read_without_costs() {
    let plan = plan(
        " Gather Motion 3:1  (slice1; segments: 3)\n   ->  Hash Join\n         Hash Cond: (a.b = c.d)\n         ->  Seq Scan on a\n\
         \x20        ->  Hash\n               ->  Broadcast Motion 3:3  (slice2; segments: 3)\n                     ->  Seq Scan on c\n Optimizer: Postgres query optimizer\n",
    );
    let parents: Vec<_> = plan.nodes.iter().map(|node| node.parent).collect();
    assert_eq!(parents, [None, Some(0), Some(1), Some(1), Some(3), Some(4)]);
    assert!(plan.nodes[0].node_type.starts_with("Gather Motion"), "{:?}", plan.nodes[0]);
}

#[test]
fn a_line_that_a_terminal_broke_is_put_together_within_an_indented_block() {
    let found = plan(
        "     Limit  (cost=0.1..8.3 rows=1 width=8) (actual time=0.1..160903.776 rows=5 loops=1)\n\
         \x20      ->  Seq Scan on t  (cost=0.0..8.1 rows=1 width=8) (actual time=160903.347..160903.77\n\
         \x20   6 rows=660 loops=3)\n\
         \x20            Filter: (a = 1)\n",
    );
    assert_eq!(found.nodes[1].actual_total_ms, Some(160_903.776));
}

#[test]
fn a_footer_may_stand_a_blank_behind_a_plan_without_margin() {
    let indented = SCAN.trim_end().replace('\n', "\n   ");
    let found = plan(&format!("   {indented}\n    (3 rows)\n"));
    assert_eq!(found.nodes[1].condition("filter"), Some("(a > 3)"));
}

#[test]
fn what_a_person_put_behind_the_name_of_a_section_is_in_it() {
    let plan = plan(&format!("{SCAN}Planning: Buffers: shared hit=1235\nPlanning Time: 1.0 ms\n"));
    assert_eq!(plan.planning_buffers.unwrap().shared_hit, 1235);
}
