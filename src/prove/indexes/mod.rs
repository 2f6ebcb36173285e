//! An index in the place of another: both are built on the same rows, and searched with the workload's own statements. Pure.
//!
//! No literal of the workload is kept. Its statements name the keys that they search for; the values of these keys are those
//! of rows of the copy, and query vectors are vectors of its rows.

mod containment;
mod half_vector;

use super::trial::{
    Arm, ArmMetric, Bound, Call, INDEXED_ROWS_MAX, IndexUseShare, Metric, Name, Promise, SetupStep,
    Stage, TrialPlan, TrialRows, arm_table, holder, index_bytes,
};
use crate::ddl::{index_on, same_index_on};
use crate::model::observation::{ColumnName, Limit, QueryBlock, StatementKind, StatementProfile};
use crate::model::{ExistingIndex, KeyPart, NewIndex, ProofKey, Snapshot, Unit, quote_identifier};
use containment::containments;
use half_vector::{HalfVector, SearchedArm};

/// Statements that are timed, those with most calls.
const STATEMENTS_MAX: usize = 8;
/// The share of its time that a search must lose, where it is what the index is replaced for.
const SEARCH_GAIN_MIN: f64 = 0.20;
/// How much larger the index may get for that.
const GROWTH_MAX: f64 = 0.25;
/// The share of its time that a search must lose where the index gets larger than that.
const LARGER_GAIN_MIN: f64 = 0.50;
/// The share of its bytes that an index must lose, where nothing else is gained.
const BYTES_GAIN_MIN: f64 = 0.05;
/// The same where statements have to be changed for it.
const REWRITE_GAIN_MIN: f64 = 0.25;

/// Why there is no experiment.
const TOO_FEW: &str = "fewer than half of the searches can be run on a copy: of the others the keys are parameters, or they \
     have further conditions. Statements with their values are needed, from the log or a list";

/// The same where the old index cannot be built on a copy.
const UNREAD: &str = "the definition of the index is not printed as expected";

const REPORTED: &[(Name, Unit)] = &[("call_ms", Unit::Ms), ("index_bytes", Unit::Bytes)];

/// An index in the place of another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IndexChange<'a> {
    new: &'a NewIndex,
    old: &'a ExistingIndex,
    kind: Kind,
}

/// What the new index has that the old one has not.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    /// `jsonb_path_ops` on this column, for `@>`.
    PathOps { column: String },
    /// Half precision.
    HalfVector(HalfVector),
}

impl<'a> IndexChange<'a> {
    /// None where there is no experiment for it.
    pub(super) fn of(new: &'a NewIndex, old: &'a ExistingIndex) -> Option<Self> {
        let [key] = new.keys.as_slice() else { return None };
        let class = key.class.as_ref()?;
        let kind = match &key.on {
            KeyPart::Column(column)
                if (&*class.schema, &*class.name) == ("pg_catalog", "jsonb_path_ops") =>
            {
                Kind::PathOps { column: column.clone() }
            }
            KeyPart::Expression(expression) => {
                let metric = class.name.strip_prefix("halfvec_")?.strip_suffix("_ops")?;
                let (_, operator) = METRICS.iter().find(|(known, _)| *known == metric)?;
                let (column, half) = expression.split_once("::")?;
                // What is replaced is on the column itself.
                let keys = format!(" USING {} ({column} ", new.method);
                old.definition.contains(&keys).then_some(())?;
                Kind::HalfVector(HalfVector {
                    column: unquoted(column),
                    expression: expression.clone(),
                    half: half.to_owned(),
                    schema: quote_identifier(&class.schema).into_owned(),
                    operator,
                })
            }
            KeyPart::Column(_) => return None,
        };
        Some(Self { new, old, kind })
    }

    fn column(&self) -> &str {
        match &self.kind {
            Kind::PathOps { column } | Kind::HalfVector(HalfVector { column, .. }) => column,
        }
    }
}

/// The operators of pgvector, by the word in the names of its classes.
const METRICS: &[(&str, &str)] = &[("l2", "<->"), ("ip", "<#>"), ("cosine", "<=>"), ("l1", "<+>")];

fn unquoted(identifier: &str) -> String {
    let quoted = identifier.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    quoted.map_or_else(|| identifier.to_owned(), |name| name.replace("\"\"", "\""))
}

/// The experiments on these changes.
pub(super) fn trials(
    changes: &[(&ProofKey, IndexChange<'_>)],
    snapshot: &Snapshot,
) -> Vec<TrialPlan> {
    changes.iter().filter_map(|(key, change)| trial(key, change, snapshot)).collect()
}

fn trial(key: &ProofKey, change: &IndexChange<'_>, snapshot: &Snapshot) -> Option<TrialPlan> {
    let IndexChange { new, old, kind } = change;
    let relation = holder(&new.table, snapshot)?;
    let subject = TrialRows {
        relation: relation.qualified_name(),
        oid: relation.oid,
        column: change.column().to_owned(),
        rows_max: INDEXED_ROWS_MAX,
    };
    let workload = snapshot.workload.get().ok();
    let mut trial = TrialPlan::new(subject, REPORTED);
    let (today, then) = (arm_table(0), arm_table(1));
    let (searches, promise) = match kind {
        Kind::PathOps { column } => {
            let searches = workload.map(|workload| containments(new, column, workload));
            let searches = searches.unwrap_or_default();
            trial.refused = searches.is_empty().then_some(TOO_FEW);
            let on = |table: &str| searches.iter().map(|one| one.on(table, column)).collect();
            ([on(&today), on(&then)], smaller_or_faster())
        }
        Kind::HalfVector(half) => {
            let searches =
                workload.map(|workload| half.searches(new, workload)).unwrap_or_default();
            let column = format!("t.{}", quote_identifier(&half.column));
            let whole = format!("{}.vector", half.schema);
            let today = SearchedArm { table: &today, expression: &column, data_type: &whole };
            let expression = format!("(t.{})", half.expression);
            let then = SearchedArm { table: &then, expression: &expression, data_type: &half.half };
            let on =
                |arm: &SearchedArm<'_>| searches.iter().map(|one| half.call(one, arm)).collect();
            ([on(&today), on(&then)], much_smaller())
        }
    };
    let [of_today, of_then] = searches;
    let index = same_index_on(&today, old).unwrap_or_else(|| {
        trial.refused = Some(UNREAD);
        String::new()
    });
    let arm = |name: &str, index: String, table: &str, calls: Vec<Call>| Arm {
        name: name.to_owned(),
        proves: Vec::new(),
        stored: None,
        converted: None,
        setup: Vec::new(),
        stages: stages(index, table, calls),
        promise: Promise::All(Vec::new()),
        remarks: Vec::new(),
    };
    trial.arms = vec![
        arm("the index as it is", index, &today, of_today),
        Arm {
            proves: vec![key.clone()],
            promise,
            ..arm(&new.purpose, index_on(&then, new), &then, of_then)
        },
    ];
    Some(trial)
}

/// The index is built on rows that are there, as the recommendation builds it, and then searched. Reading all rows is the
/// last resort: on a copy it may be quicker than any index, and on the relation it is not.
fn stages(index: String, table: &str, calls: Vec<Call>) -> Vec<Stage> {
    let run = |statement: &str| SetupStep::Run(statement.to_owned());
    let mut built = Stage {
        before: vec![
            SetupStep::Fill,
            SetupStep::Run(index),
            SetupStep::Run(format!("analyze {table}")),
        ],
        ..Stage::default()
    };
    let mut metrics = vec![index_bytes(table)];
    if !calls.is_empty() {
        built.facts.push(IndexUseShare {
            name: "indexed_share",
            calls: calls.clone(),
            on_target: false,
        });
        metrics.push(Metric { name: "call_ms", take: ArmMetric::Calls(calls) });
    }
    let searched =
        Stage { before: vec![run("set local enable_seqscan = off")], facts: Vec::new(), metrics };
    vec![built, searched]
}

fn reads_it() -> Promise {
    Promise::IndexUseShare {
        name: "indexed_share",
        of_today: false,
        share: Bound::Above(0.0),
        otherwise: "the server reads no such index for these statements as they are spelled",
    }
}

/// Searches are faster, clearly so where the index gets much larger; or it gets smaller, and searches not slower.
fn smaller_or_faster() -> Promise {
    let faster = |gain_min| Promise::Faster {
        metric: "call_ms",
        what: "a search of the workload",
        gain_min,
        says_minimum: true,
    };
    let room = Promise::Room { metrics: &["index_bytes"], growth_max: GROWTH_MAX };
    let any = vec![
        Promise::All(vec![room, faster(SEARCH_GAIN_MIN)]),
        faster(LARGER_GAIN_MIN),
        Promise::All(vec![not_slower(), saves(BYTES_GAIN_MIN)]),
    ];
    Promise::All(vec![reads_it(), Promise::Any(any)])
}

fn much_smaller() -> Promise {
    Promise::All(vec![reads_it(), not_slower(), saves(REWRITE_GAIN_MIN)])
}

fn not_slower() -> Promise {
    let otherwise = "a search of the workload takes clearly longer";
    Promise::NotSlower { metrics: &["call_ms"], otherwise }
}

fn saves(gain_min: f64) -> Promise {
    Promise::Saves { metrics: &["index_bytes"], what: "the index", gain_min }
}

/// The one query of a statement that reads this table alone, and does nothing but find rows.
fn only_block<'s>(statement: &'s StatementProfile, column: &ColumnName) -> Option<&'s QueryBlock> {
    let shape = &statement.shape;
    let ([block], StatementKind::Select, true) =
        (shape.blocks.as_slice(), shape.kind, shape.is_complete())
    else {
        return None;
    };
    let [relation] = block.relations.as_slice() else { return None };
    let of_table = relation.schema == column.schema && relation.name == column.table;
    let finds = block.joins.is_empty()
        && block.group_by.is_empty()
        && block.distinct.is_empty()
        && block.extremes.is_empty()
        && block.offset.is_none();
    (of_table && !relation.ambiguous && finds).then_some(block)
}

/// How many rows a statement wants.
#[derive(Debug, Clone, Copy, PartialEq)]
enum RowsWanted {
    All,
    First(u32),
}

impl RowsWanted {
    /// None where that is not known.
    fn of(statement: &StatementProfile, block: &QueryBlock) -> Option<Self> {
        match block.limit {
            None => Some(Self::All),
            Some(Limit::Constant(limit)) => Some(Self::First(limit)),
            Some(Limit::Parameter) => statement.limits_seen.last().copied().map(Self::First),
            Some(Limit::Large | Limit::Expression) => None,
        }
    }
}
