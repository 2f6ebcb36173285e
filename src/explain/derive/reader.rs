//! Which nodes read the result of an `InitPlan` or of a common table expression.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::super::{Node, ParsedPlan};

/// Readers of one result that are looked at. Their number is not to multiply with that of the results.
const READERS_MAX: usize = 64;

/// Readers by what they name: `$0` and `InitPlan 1` in expressions, the name of a common table expression.
pub(super) struct Readers {
    expressions: BTreeMap<String, Vec<usize>>,
    tables: BTreeMap<String, Vec<usize>>,
    /// For each node the id behind those below it.
    ends: Vec<usize>,
}

impl Readers {
    pub(super) fn new(plan: &ParsedPlan) -> Readers {
        let mut readers =
            Readers { expressions: BTreeMap::new(), tables: BTreeMap::new(), ends: ends(plan) };
        if !plan.nodes.iter().any(|node| node.subplan_name.is_some()) {
            return readers;
        }
        for node in &plan.nodes {
            if let (Some(cte), "CTE Scan") = (&node.cte, node.node_type.as_str()) {
                readers.tables.entry(cte.to_string()).or_default().push(node.id);
            }
            let conditions = node.conditions.iter().map(|condition| condition.text.as_str());
            for text in conditions.chain(node.output.iter().map(SmolStr::as_str)) {
                readers.expression(text, node.id);
            }
        }
        readers
    }

    /// Notes the results that an expression reads.
    fn expression(&mut self, text: &str, node: usize) {
        let parameters = text.split('$').skip(1).map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            format!("${}", &rest[..end])
        });
        let named = text
            .split("(InitPlan ")
            .skip(1)
            .filter_map(|rest| Some(format!("InitPlan {}", rest.split_once(')')?.0)));
        for name in parameters.chain(named) {
            let nodes = self.expressions.entry(name).or_default();
            if nodes.last() != Some(&node) {
                nodes.push(node);
            }
        }
    }

    /// The nodes that read the result of a subplan: those that name it, and its owner for an `InitPlan`, whose use may be
    /// in an expression that is not printed.
    pub(super) fn of(&self, plan: &ParsedPlan, subplan: &Node) -> impl Iterator<Item = usize> {
        let owner = subplan.parent.unwrap_or_default();
        let name = subplan.subplan_name.as_deref().unwrap_or_default();
        let found = if let Some(cte) = name.strip_prefix("CTE ") {
            self.within(self.tables.get(cte), owner, subplan)
        } else {
            let results = results(name);
            let nodes = results.iter().map(|result| self.expressions.get(result));
            let mut found: Vec<usize> =
                nodes.flat_map(|nodes| self.within(nodes, owner, subplan)).collect();
            if found.is_empty() && plan.nodes.get(owner).is_some() {
                found.push(owner);
            }
            found
        };
        found.into_iter()
    }

    /// Those of `nodes` below `owner`, that itself included, which are not in the subplan.
    fn within(&self, nodes: Option<&Vec<usize>>, owner: usize, subplan: &Node) -> Vec<usize> {
        let Some(nodes) = nodes else { return Vec::new() };
        let from = nodes.partition_point(|node| *node < owner);
        let inside = nodes[from..].iter().copied().take_while(|node| *node < self.ends[owner]);
        let own = subplan.id..self.ends[subplan.id];
        inside.take(READERS_MAX).filter(|node| !own.contains(node)).collect()
    }
}

/// `InitPlan 1 (returns $0,$1)` names parameters before 17; from then on the subplan is named itself.
fn results(name: &str) -> Vec<String> {
    match name.split_once(" (returns ") {
        Some((_, parameters)) => {
            parameters.trim_end_matches(')').split(',').map(|name| name.trim().to_owned()).collect()
        }
        None => vec![name.to_owned()],
    }
}

/// For each node the id behind those below it: ids count in the order of printing.
fn ends(plan: &ParsedPlan) -> Vec<usize> {
    let mut ends: Vec<usize> = (1..=plan.nodes.len()).collect();
    for node in plan.nodes.iter().rev() {
        if let Some(parent) = node.parent {
            ends[parent] = ends[parent].max(ends[node.id]);
        }
    }
    ends
}
