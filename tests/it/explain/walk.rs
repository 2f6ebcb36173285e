//! The structure of a plan in JSON, walked without the reader.

use database_optimizer::explain::ParsedPlan;
use serde_json::Value;

/// What is compared of a node.
#[derive(Debug, PartialEq)]
pub struct Walked {
    node_type: String,
    parent: Option<usize>,
    relation: Option<String>,
    subplan: Option<String>,
    total_cost: Option<f64>,
    plan_rows: Option<f64>,
    actual_rows: Option<f64>,
    filter: Option<String>,
}

/// The nodes of each plan of a document, in the order of printing.
pub fn plans(document: &Value) -> Vec<Vec<Walked>> {
    let statements = document.as_array().unwrap();
    let mut plans = Vec::new();
    for plan in statements.iter().filter_map(|statement| statement.get("Plan")) {
        let mut nodes = Vec::new();
        walk(plan, None, &mut nodes);
        plans.push(nodes);
    }
    plans
}

fn walk(node: &Value, parent: Option<usize>, nodes: &mut Vec<Walked>) {
    let text = |key: &str| node[key].as_str().map(str::to_owned);
    let executed = node["Actual Loops"].as_u64() != Some(0);
    nodes.push(Walked {
        node_type: text("Node Type").unwrap(),
        parent,
        relation: text("Relation Name"),
        subplan: text("Subplan Name"),
        total_cost: node["Total Cost"].as_f64(),
        plan_rows: node["Plan Rows"].as_f64(),
        actual_rows: node["Actual Rows"].as_f64().filter(|_| executed),
        filter: text("Filter"),
    });
    let id = nodes.len() - 1;
    for child in node["Plans"].as_array().into_iter().flatten() {
        walk(child, Some(id), nodes);
    }
}

/// The same of a plan that was read.
pub fn of_plan(plan: &ParsedPlan) -> Vec<Walked> {
    let walked = plan.nodes.iter().map(|node| Walked {
        node_type: node.node_type.to_string(),
        parent: node.parent,
        relation: node.relation.as_ref().map(ToString::to_string),
        subplan: node.subplan_name.as_ref().map(ToString::to_string),
        total_cost: node.total_cost,
        plan_rows: node.plan_rows,
        actual_rows: node.actual_rows,
        filter: node.condition("filter").map(str::to_owned),
    });
    walked.collect()
}
