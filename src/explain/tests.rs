mod framed;
mod notes;
mod pages;
mod pasted;
mod records;

use super::*;

#[test]
fn a_json_plan_becomes_nodes_in_the_order_of_printing() {
    let plans = read(
        r#"[{"Plan": {"Node Type": "Hash Join", "Join Type": "Inner", "Hash Cond": "(a.id = b.a_id)", "Fresh": {"x": [1]},
            "Plans": [{"Node Type": "Seq Scan", "Parent Relationship": "Outer", "Relation Name": "a", "Plan Rows": 3},
                      {"Node Type": "Hash", "Plans": [{"Node Type": "Seq Scan", "Relation Name": "b"}]}]},
            "Planning Time": 0.5}]"#,
    )
    .unwrap();
    let [plan] = plans.as_slice() else { panic!("{plans:?}") };
    let relations: Vec<_> = plan.nodes.iter().map(|node| node.relation.as_deref()).collect();
    assert_eq!(relations, [None, Some("a"), None, Some("b")]);
    assert_eq!(plan.nodes[0].children, [1, 2]);
    assert_eq!(plan.nodes[3].parent, Some(2));
    assert_eq!(plan.nodes[0].condition("hash_cond"), Some("(a.id = b.a_id)"));
    assert_eq!(plan.nodes[0].extra["Fresh"], serde_json::json!({"x": [1]}));
    assert_eq!(plan.planning_ms, Some(0.5));
}

#[test]
fn json_that_is_cut_says_where_and_keeps_what_was_read() {
    let error =
        read("[{\"Plan\": {\"Node Type\": \"Limit\",\n \"Plans\": [{\"Node Type\": \"Sort\",")
            .unwrap_err();
    assert_eq!((error.line, error.reason), (2, StopReason::CutOff));
    assert_eq!(error.partial[0].nodes.len(), 2);
}
