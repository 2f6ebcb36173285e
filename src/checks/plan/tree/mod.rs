//! A plan as the checks of plans see it: who reads whom, and what share of the time each node takes.

pub(super) mod aggregated;
pub(super) mod condition;
mod judged;
pub(super) mod memory;
pub(super) mod misestimate;
pub(super) mod nested_loop;
pub(super) mod scanned;
mod stake;

pub(super) use judged::{
    EvidenceSource, TEXT_CHARS_MAX, for_each_executed, for_each_executed_or_counted, or_counted,
    with_statement, workload,
};
use stake::NodeStake;
pub(super) use stake::{Stake, TIME_MS_MIN, TIME_SHARE_MIN};

use std::cell::RefCell;
use std::collections::HashMap;

use crate::checks::number::float;
use crate::explain::derive::{Derived, Direction, derive};
use crate::explain::{Buffers, Node, ParsedPlan};
use crate::model::observation::{StatementPlan, WorkloadStatement};
use crate::model::{
    Confidence, Evidence, Finding, Gap, GapReason, Grade, Number, Object, PlanSource, Topic, Unit,
};

/// A plan with what follows from its figures.
pub(super) struct Tree<'a> {
    /// The plan.
    pub(super) plan: &'a ParsedPlan,
    /// Where it came from.
    pub(super) source: PlanSource,
    /// The statement, where it is one of the workload's.
    pub(super) statement: Option<&'a WorkloadStatement>,
    derived: Derived,
    /// One past the last node below each node.
    ends: Vec<usize>,
    /// What each node alone weighs: milliseconds, or units of cost where no time is known.
    weights: Vec<f64>,
    /// What all nodes before each weigh, and all of them at the end.
    sums: Vec<f64>,
    has_times: bool,
    /// Answers about single nodes that take all below them to find, and are asked for by each wrong estimate.
    answers: RefCell<HashMap<(&'static str, usize), bool>>,
}

/// How far an estimate is from the rows that came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RowEstimate {
    /// The larger over the smaller.
    pub(super) factor: f64,
    /// Whether too few rows were expected.
    pub(super) under: bool,
}

impl<'a> Tree<'a> {
    pub(super) fn of(statement: &'a StatementPlan) -> Self {
        let plan = &*statement.plan;
        let derived = derive(plan);
        let times: Option<Vec<f64>> = derived.nodes.iter().map(|node| node.exclusive_ms).collect();
        let known =
            times.filter(|_| plan.root().is_some_and(|root| root.actual_total_ms.is_some()));
        let has_times = known.is_some();
        let weights = known.unwrap_or_else(|| costs(plan));
        let mut sums = vec![0.0];
        for weight in &weights {
            sums.push(sums.last().copied().unwrap_or_default() + weight);
        }
        // Each node comes before those below it.
        let mut ends: Vec<usize> = (1..=plan.nodes.len()).collect();
        for node in plan.nodes.iter().rev() {
            if let Some(parent) = node.parent {
                ends[parent] = ends[parent].max(ends[node.id]);
            }
        }
        let source = statement.source;
        let statement = statement.statement.as_deref();
        let answers = RefCell::default();
        Self { plan, source, statement, derived, ends, weights, sums, has_times, answers }
    }

    /// Whether the statement was executed, so that its rows are known.
    pub(super) fn is_executed(&self) -> bool {
        self.plan.analyzed()
    }

    /// What is not judged of a plan that was not executed.
    pub(super) fn not_executed(&self) -> Gap {
        let gap =
            |detail: &str| Gap::new(Topic::PLANS.as_str(), GapReason::NotEnoughEvidence, detail);
        if self.statement.is_some() {
            let detail = "Statements of the workload were explained, not executed: rows of each node, times and spills were \
                          not judged";
            gap(detail).lifted_by(
                "dbopt plan --query-file FILE --analyze, or auto_explain with log_analyze",
            )
        } else {
            gap("The plan holds estimates alone: rows, times and spills were not judged")
                .lifted_by("EXPLAIN (ANALYZE, BUFFERS, SETTINGS), which executes the statement")
        }
    }

    /// The answer to a question about a node, found once.
    fn once(&self, question: &'static str, id: usize, find: impl FnOnce() -> bool) -> bool {
        let known = self.answers.borrow().get(&(question, id)).copied();
        known.unwrap_or_else(|| {
            let found = find();
            self.answers.borrow_mut().insert((question, id), found);
            found
        })
    }

    pub(super) fn nodes(&self) -> &'a [Node] {
        &self.plan.nodes
    }

    pub(super) fn node(&self, id: usize) -> &'a Node {
        &self.plan.nodes[id]
    }

    /// The nodes below a node.
    pub(super) fn below(&self, id: usize) -> &'a [Node] {
        &self.plan.nodes[id + 1..self.ends[id]]
    }

    /// The nodes above a node, the next one first.
    pub(super) fn above(&self, id: usize) -> impl Iterator<Item = &'a Node> {
        let plan = self.plan;
        let next = move |node: &&'a Node| node.parent.map(|parent| &plan.nodes[parent]);
        std::iter::successors(next(&self.node(id)), next)
    }

    /// The node that reads its rows through this relationship, `Outer` or `Inner`.
    pub(super) fn child(&self, id: usize, relationship: &str) -> Option<&'a Node> {
        let of = |child: &&usize| {
            self.node(**child).parent_relationship.as_deref() == Some(relationship)
        };
        self.node(id).children.iter().find(of).map(|child| self.node(*child))
    }

    /// How far the estimate is from the rows; absent where it is right, and where the rows say nothing of it.
    pub(super) fn estimate(&self, id: usize) -> Option<RowEstimate> {
        let derived = &self.derived.nodes[id];
        let under = derived.estimate_direction? == Direction::Under;
        Some(RowEstimate { factor: derived.estimate_factor?, under })
    }

    /// Blocks that a node alone used.
    pub(super) fn own_buffers(&self, id: usize) -> Option<&Buffers> {
        self.derived.nodes[id].exclusive_buffers.as_ref()
    }

    /// Time that a node alone spent reading blocks.
    pub(super) fn own_read_ms(&self, id: usize) -> Option<f64> {
        self.derived.nodes[id].exclusive_read_ms
    }

    /// What some nodes take, each alone.
    pub(super) fn stake(&self, ids: impl IntoIterator<Item = usize>) -> Stake {
        self.stake_of(ids.into_iter().map(|id| self.weights[id]).sum())
    }

    /// What a node takes beside reading blocks, as far as the times of reads are known.
    pub(super) fn stake_beside_reads(&self, id: usize) -> Stake {
        let read_ms = self.own_read_ms(id).filter(|_| self.has_times).unwrap_or_default();
        self.stake_of(self.weights[id] - read_ms)
    }

    /// What a node takes with all below it.
    pub(super) fn stake_with_inputs(&self, id: usize) -> Stake {
        self.stake_of(self.sums[self.ends[id]] - self.sums[id])
    }

    /// What a node takes alone, and another with all below it.
    pub(super) fn stake_beside(&self, id: usize, other: usize) -> Stake {
        self.stake_of(self.weights[id] + self.sums[self.ends[other]] - self.sums[other])
    }

    fn stake_of(&self, weight: f64) -> Stake {
        let total = self.sums.last().copied().unwrap_or_default();
        let share = if total > 0.0 { (weight / total).clamp(0.0, 1.0) } else { 0.0 };
        // What a call takes on average is spread over the nodes by their costs.
        let spread = || Some(self.statement?.mean_ms()? * share);
        Stake { ms: self.has_times.then_some(weight).or_else(spread), share }
    }

    /// What takes so many milliseconds of the execution beside the nodes: triggers, compilation, reads.
    pub(super) fn stake_of_ms(&self, ms: f64) -> Stake {
        Stake::of_part(ms, self.execution_ms().unwrap_or_default())
    }

    /// Among how many processes the planner divided the rows of a parallel scan. The leader has other work, the more the
    /// more workers there are.
    pub(super) fn parallel_divisor(&self, id: usize) -> f64 {
        let gather =
            self.above(id).find_map(|node| node.gather).filter(|_| self.node(id).parallel_aware);
        match gather {
            Some(workers) => {
                let planned = count(workers.planned);
                planned + (1.0 - 0.3 * planned).max(0.0)
            }
            None => 1.0,
        }
    }

    /// Execution time of the statement.
    pub(super) fn execution_ms(&self) -> Option<f64> {
        self.plan.execution_ms.or_else(|| {
            let root = self.plan.root()?;
            Some(root.actual_total_ms? * count(root.actual_loops))
        })
    }

    /// The value of a setting, where EXPLAIN printed it.
    pub(super) fn setting(&self, name: &str) -> Option<&'a str> {
        self.plan.settings.get(name).map(String::as_str)
    }

    /// The node as findings name it.
    pub(super) fn object(&self, id: usize) -> Object {
        let node = self.node(id);
        Object::PlanNode {
            node: u32::try_from(id).unwrap_or(u32::MAX),
            schema: node.schema.as_ref().map(ToString::to_string),
            table: node.relation.as_ref().map(ToString::to_string),
            statement: self.statement.map(|statement| statement.fingerprint.clone()),
        }
    }

    /// `Seq Scan on orders` as messages name it.
    pub(super) fn title(&self, id: usize) -> String {
        let node = self.node(id);
        let parallel = if node.parallel_aware { "Parallel " } else { "" };
        match &node.relation {
            Some(relation) => format!("{parallel}{} on `{}`", node.node_type, clipped(relation)),
            None => format!("{parallel}{}", node.node_type),
        }
    }

    /// A finding about a node, with what is at stake.
    pub(super) fn finding(&self, check: &'static str, at: NodeStake, message: String) -> Finding {
        let NodeStake { node: id, stake } = at;
        let confidence = if self.has_times { Confidence::High } else { Confidence::Medium };
        let finding =
            Finding::new(check, self.object(id), stake.severity(), message).confidence(confidence);
        let finding = match stake.ms {
            Some(ms) => finding.evidence(self.figure("time_ms", ms, Unit::Ms)),
            None => finding,
        };
        finding.evidence(self.figure("time_share", stake.share, Unit::Ratio))
    }

    /// A figure of the plan: measured where it was executed, else the planner's.
    pub(super) fn figure(&self, name: &str, value: impl Into<Number>, unit: Unit) -> Evidence {
        let grade = if self.is_executed() { Grade::Measured } else { Grade::WhatIf };
        Evidence { grade, ..figure(name, value, unit) }
    }
}

/// A figure of a plan.
pub(super) fn figure(name: &str, value: impl Into<Number>, unit: Unit) -> Evidence {
    Evidence {
        name: name.to_owned(),
        value: value.into(),
        unit,
        source: "plan".to_owned(),
        grade: Grade::Measured,
    }
}

/// Rows of all loops together.
pub(super) fn rows(node: &Node) -> f64 {
    node.actual_rows.unwrap_or_default() * count(node.actual_loops)
}

/// Rows that a scan read in all loops together, for its filter or its parent.
pub(super) fn rows_read(node: &Node) -> f64 {
    rows(node) + removed(node, "filter")
}

/// Rows of all loops together that conditions of this kind removed.
pub(super) fn removed(node: &Node, kind: &str) -> f64 {
    node.rows_removed_by(kind).unwrap_or_default() * count(node.actual_loops)
}

/// A count as a float.
pub(super) fn count(count: Option<u64>) -> f64 {
    float(count.and_then(|count| i64::try_from(count).ok()).unwrap_or_default())
}

/// A name that fits into a message.
pub(super) fn clipped(name: &str) -> String {
    if name.chars().count() <= 63 {
        name.to_owned()
    } else {
        name.chars().take(62).chain(['…']).collect()
    }
}

/// Costs of each node alone, for plans without times.
fn costs(plan: &ParsedPlan) -> Vec<f64> {
    let total =
        |node: &Node| node.total_cost.unwrap_or_default() * count(node.actual_loops).max(1.0);
    let own = |node: &Node| {
        let below: f64 = node.children.iter().map(|child| total(&plan.nodes[*child])).sum();
        (total(node) - below).max(0.0)
    };
    plan.nodes.iter().map(own).collect()
}
