//! A plan as the checks of plans see it: who reads whom, and what share of the time each node takes.

pub(super) mod condition;
pub(super) mod memory;
pub(super) mod misestimate;
pub(super) mod scanned;

use crate::checks::number::float;
use crate::explain::derive::{Derived, Direction, derive};
use crate::explain::{Buffers, Node, ParsedPlan};
use crate::model::observation::{StatementPlan, Workload, WorkloadStatement};
use crate::model::{
    Case, Confidence, Evidence, Finding, Gap, GapReason, Grade, Judgement, Number, Object,
    PlanSource, Severity, Threshold, Topic, Unit, beginning,
};

pub(super) static TIME_SHARE_MIN: Threshold = Threshold {
    name: "time_share_min",
    default: 0.1,
    unit: Unit::Ratio,
    reason: "what takes less than a tenth of a statement's time is not worth changing before the rest",
};

pub(super) static TIME_MS_MIN: Threshold = Threshold {
    name: "time_ms_min",
    default: 1.0,
    unit: Unit::Ms,
    reason: "a node that takes less than a millisecond is not worth changing",
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
}

/// How far an estimate is from the rows that came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RowEstimate {
    /// The larger over the smaller.
    pub(super) factor: f64,
    /// Whether too few rows were expected.
    pub(super) under: bool,
}

/// What some nodes take of a statement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stake {
    /// Time; absent where the plan has no times.
    pub(super) ms: Option<f64>,
    /// Share of the whole.
    pub(super) share: f64,
}

/// Judges each plan that was executed.
pub(super) fn for_each_executed(
    case: &Case<'_>,
    judge: impl FnMut(&Tree<'_>, &mut Judgement),
) -> Result<Judgement, Gap> {
    for_each_of(case, |_| false, judge)
}

/// Judges each plan that was executed, and each of a statement of the workload: the server counts its rows.
pub(super) fn for_each_executed_or_counted(
    case: &Case<'_>,
    judge: impl FnMut(&Tree<'_>, &mut Judgement),
) -> Result<Judgement, Gap> {
    for_each_of(case, |tree| tree.statement.is_some(), judge)
}

/// Judges each plan that was executed or that is judged without; the others are gaps.
fn for_each_of(
    case: &Case<'_>,
    is_judged_unexecuted: impl Fn(&Tree<'_>) -> bool,
    mut judge: impl FnMut(&Tree<'_>, &mut Judgement),
) -> Result<Judgement, Gap> {
    for_each_plan(case, |tree, judgement| {
        if tree.is_executed() || is_judged_unexecuted(tree) {
            judge(tree, judgement);
        } else {
            judgement.gaps.push(tree.not_executed());
        }
    })
}

/// Judges each plan, executed or not.
pub(super) fn for_each_plan(
    case: &Case<'_>,
    mut judge: impl FnMut(&Tree<'_>, &mut Judgement),
) -> Result<Judgement, Gap> {
    let plans = case.snapshot.plan.statements.get().map_err(Clone::clone)?;
    let mut judgement = Judgement::default();
    for plan in plans {
        if plan.plan.nodes.len() > NODES_MAX {
            judgement.gaps.push(too_large(plan.plan.nodes.len()));
            continue;
        }
        let tree = Tree::of(plan);
        let before = judgement.findings.len();
        judge(&tree, &mut judgement);
        if let Some(statement) = tree.statement {
            let found = judgement.findings.drain(before..).collect::<Vec<_>>();
            let of_statement = found.into_iter().map(|found| of_statement(found, statement));
            judgement.findings.extend(of_statement);
        }
    }
    Ok(judgement)
}

/// What the plan of a given statement shows. Where none was given, what the server counted of all statements, beside what the
/// plans of the workload's show.
pub(super) fn or_counted(
    case: &Case<'_>,
    plans: Result<Judgement, Gap>,
    counted: impl FnOnce(&Case<'_>) -> Result<Judgement, Gap>,
) -> Result<Judgement, Gap> {
    let statements = case.snapshot.plan.statements.get();
    if statements.is_ok_and(|all| all.iter().any(|plan| plan.statement.is_none())) {
        return plans;
    }
    let or_gap = |judged: Result<Judgement, Gap>| {
        judged.unwrap_or_else(|gap| Judgement { gaps: vec![gap], ..Judgement::default() })
    };
    let (mut judgement, plans) = (or_gap(counted(case)), or_gap(plans));
    judgement.findings.extend(plans.findings);
    judgement.declined.extend(plans.declined);
    judgement.gaps.extend(plans.gaps);
    Ok(judgement)
}

/// The statements of the workload, or what makes them visible.
pub(super) fn workload<'a>(case: &Case<'a>) -> Result<&'a Workload, Gap> {
    let workload = case.snapshot.workload.get().map_err(Clone::clone)?;
    if !workload.statements.is_empty() {
        return Ok(workload);
    }
    let detail = "no statement is known that names a column of this database";
    let gap = Gap::new("workload.statements", GapReason::NotEnoughEvidence, detail);
    Err(gap.lifted_by("CREATE EXTENSION pg_stat_statements; or send statements: POST /v1/targets/{target}/workload, or --workload FILE"))
}

/// The finding with the statement that it is about.
fn of_statement(finding: Finding, statement: &WorkloadStatement) -> Finding {
    let of = |name: &str, value: Number, unit: Unit| of_source(WORKLOAD, name, value, unit);
    let calls = i64::try_from(statement.calls).unwrap_or(i64::MAX);
    let finding = with_statement(finding, &statement.text)
        .evidence(of("calls", calls.into(), Unit::Count))
        .evidence(of("total_ms", statement.total_ms.into(), Unit::Ms));
    match statement.query_id {
        Some(id) => finding.evidence(of("query_id", Number::Name(id.to_string()), Unit::Name)),
        None => finding,
    }
}

/// The finding with the text of the statement.
pub(super) fn with_statement(finding: Finding, statement: &str) -> Finding {
    let text = beginning(statement, TEXT_CHARS_MAX);
    let message = format!("{}; statement {text}", finding.message);
    let statement = Number::Name(statement.to_owned());
    Finding { message, ..finding }.evidence(of_source(WORKLOAD, "statement", statement, Unit::Name))
}

/// A figure of this source, as the grade says.
pub(super) fn of_source(
    (source, grade): (&str, Grade),
    name: &str,
    value: Number,
    unit: Unit,
) -> Evidence {
    Evidence { name: name.to_owned(), value, unit, source: source.to_owned(), grade }
}

/// What the server or the application counted of its statements.
const WORKLOAD: (&str, Grade) = ("workload", Grade::Statistics);

/// Characters of a statement in a message.
pub(super) const TEXT_CHARS_MAX: usize = 80;

/// Nodes of a plan that is judged. The largest plan known has 9,001.
const NODES_MAX: usize = 20_000;

fn too_large(nodes: usize) -> Gap {
    let detail = format!("The plan has {nodes} nodes; plans are judged up to {NODES_MAX}");
    Gap::new(Topic::PLANS.as_str(), GapReason::BudgetSpent, detail)
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
        Self { plan, source, statement, derived, ends, weights, sums, has_times }
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
        let read = |id: usize| self.node(id).io.map_or(0.0, |io| io.shared_read_ms);
        let below: f64 = self.node(id).children.iter().map(|child| read(*child)).sum();
        (read(0) > 0.0).then(|| (read(id) - below).max(0.0))
    }

    /// What some nodes take, each alone.
    pub(super) fn stake(&self, ids: impl IntoIterator<Item = usize>) -> Stake {
        self.stake_of(ids.into_iter().map(|id| self.weights[id]).sum())
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
            schema: node.schema.clone(),
            table: node.relation.clone(),
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
    pub(super) fn finding(
        &self,
        check: &'static str,
        (id, stake): (usize, Stake),
        message: String,
    ) -> Finding {
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

impl Stake {
    /// What takes so many milliseconds of these.
    pub(super) fn of_part(ms: f64, of_ms: f64) -> Self {
        Self { ms: Some(ms), share: if of_ms > 0.0 { (ms / of_ms).clamp(0.0, 1.0) } else { 0.0 } }
    }

    /// Whether it is enough to be worth a finding.
    pub(super) fn matters(self, case: &Case<'_>) -> bool {
        self.share >= case.policy.get(&TIME_SHARE_MIN)
            && self.ms.is_none_or(|ms| ms >= case.policy.get(&TIME_MS_MIN))
    }

    fn severity(self) -> Severity {
        match self.ms {
            Some(ms) if ms >= 1000.0 && self.share >= 0.5 => Severity::High,
            Some(ms) if ms >= 100.0 && self.share >= 0.25 => Severity::Medium,
            None if self.share >= 0.5 => Severity::Medium,
            _ => Severity::Low,
        }
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
