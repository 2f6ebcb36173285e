//! An experiment as a value: arms on the same rows, named metrics, and what each arm promises. Pure.
//!
//! Each arm is a table with the rows of one copy. Superpowers differ in what they make of that table, in what is measured of
//! it, and in what is promised; all of that is data here, and [`super::engine`] has the one loop that runs it.

use crate::model::observation::{Relation, RelationKind};
use crate::model::{Compression, Families, ProofKey, QualifiedName, Snapshot, Storage, Unit};

/// The name of a metric, or of a fact.
pub(super) type Name = &'static str;

/// The rows that are copied.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TrialRows {
    /// The relation that they are taken from: the largest that is affected and holds some.
    pub(super) relation: QualifiedName,
    pub(super) oid: i64,
    /// The column on trial: rows where it is NULL are left out.
    pub(super) column: String,
    /// How many at most.
    pub(super) rows_max: f64,
}

/// Rows that show how values are stored and read. Wide ones are fewer: bytes are limited, too.
pub(super) const ROWS_MAX: f64 = 2_000.0;
/// Rows that show what the size of an index is.
pub(super) const INDEXED_ROWS_MAX: f64 = 20_000.0;

/// Where in the order of its values those are that calls are made with: by rows, so a value that many rows have comes as
/// often.
pub(super) const POINTS: &str = "{0.1,0.3,0.5,0.7,0.9}";

/// One experiment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TrialPlan {
    pub(super) subject: TrialRows,
    /// The first is what is there today. All have equally many stages.
    pub(super) arms: Vec<Arm>,
    /// What is reported, in this order. A metric that today's arm has not is left out.
    pub(super) reported: &'static [(Name, Unit)],
    /// Why it cannot be run.
    pub(super) refused: Option<&'static str>,
}

/// One way to keep the rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Arm {
    /// What it is, where no check names it.
    pub(super) name: String,
    /// The recommendations whose proof it is; none of today's arm, and of one that is measured because a reader will ask.
    pub(super) proves: Vec<ProofKey>,
    /// How the column on trial is stored; absent for as it is.
    pub(super) stored: Option<ColumnStorage>,
    /// A function through which the column's values go before they are written; absent for as they are.
    pub(super) converted: Option<Converted>,
    /// What is run once its table is there, still empty.
    pub(super) setup: Vec<String>,
    pub(super) stages: Vec<Stage>,
    pub(super) promise: Promise,
    /// What is said beside the verdict.
    pub(super) remarks: Vec<Remark>,
}

/// How a column's values are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ColumnStorage {
    pub(super) compression: Compression,
    pub(super) storage: Storage,
    pub(super) toast_tuple_target: Option<u32>,
}

/// A conversion of values that is no part of what is measured.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Converted {
    /// The function's name.
    pub(super) function: String,
    /// What creates it.
    pub(super) create: String,
}

/// Metrics that are taken in the same rounds: all arms in turns, so that a disturbance hits each of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Stage {
    /// What comes before the rounds, once.
    pub(super) before: Vec<SetupStep>,
    /// What is looked at once, behind that.
    pub(super) facts: Vec<IndexUseShare>,
    /// What is taken in each round, in this order.
    pub(super) metrics: Vec<Metric>,
}

/// A step that is not measured.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SetupStep {
    /// The rows are written.
    Fill,
    /// A statement is run.
    Run(String),
}

/// The share of calls for which the server reads an index, by its plans.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IndexUseShare {
    pub(super) name: Name,
    pub(super) calls: Vec<Call>,
    /// Whether the calls are on the target's own relation, which a lab has not. They are planned, and never run.
    pub(super) on_target: bool,
}

/// A number with a name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Metric {
    pub(super) name: Name,
    pub(super) take: ArmMetric,
}

/// How a number is come by. Times are the server's own, without the network.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ArmMetric {
    /// The time to write all rows again, through what the arm has.
    Write,
    /// The time to read every value of the column on trial whole.
    ReadColumn,
    /// The time of a statement.
    Time(String),
    /// The number that a query returns.
    Number(String),
    /// The mean time of calls, weighted by how often each is made; and that of each kind of them, by its own name.
    Calls(Vec<Call>),
}

/// Calls of a statement of the workload, as it reads on an arm.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    /// The statement, with `$1`, `$2` for its values.
    pub(super) statement: String,
    /// The query whose rows are the values to call it with, each as a JSON array of texts; none where it takes no value.
    pub(super) values: Option<String>,
    /// How often the workload makes the call.
    pub(super) calls: u64,
    /// The metric of its kind.
    pub(super) kind: Name,
}

/// What is said of an arm, and so what the verdict looks at. Gains are shares of what it takes today.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Promise {
    /// Each holds: the first that does not is the verdict, else the last.
    All(Vec<Self>),
    /// One holds: the best is the verdict.
    Any(Vec<Self>),
    /// A time gets shorter by this share, and by more than the runs spread.
    Faster {
        metric: Name,
        what: &'static str,
        gain_min: f64,
        /// Whether a refutation repeats the least gain.
        says_minimum: bool,
    },
    /// None of these times gets clearly longer.
    NotSlower { metrics: &'static [Name], otherwise: &'static str },
    /// These bytes together get fewer by this share. They are the same in every run: no spread hides them.
    Saves { metrics: &'static [Name], what: &'static str, gain_min: f64 },
    /// These bytes together do not get more by this share.
    Room { metrics: &'static [Name], growth_max: f64 },
    /// What the server's plans say stands not against it: of today's arm, or of this one.
    IndexUseShare { name: Name, of_today: bool, share: Bound, otherwise: &'static str },
}

/// A bound of a share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Bound {
    Below(f64),
    Above(f64),
}

impl Bound {
    pub(super) fn holds(self, share: f64) -> bool {
        match self {
            Self::Below(bound) => share < bound,
            Self::Above(bound) => share > bound,
        }
    }
}

/// What is said beside the verdict, where it is so.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Remark {
    /// Another arm's time is not clearly longer.
    NoBetterThan { arm: usize, metric: Name, what: &'static str },
    /// A time gets clearly longer.
    Dearer { metric: Name, what: &'static str },
}

impl TrialPlan {
    /// One to whose arms no recommendation was given yet. Arms get their tables by position.
    pub(super) fn new(subject: TrialRows, reported: &'static [(Name, Unit)]) -> Self {
        Self { subject, arms: Vec::new(), reported, refused: None }
    }

    /// Everything that it proves.
    pub(super) fn proves(&self) -> impl Iterator<Item = &ProofKey> {
        self.arms.iter().flat_map(|arm| &arm.proves)
    }
}

/// The relation that the rows of a table are taken from: itself, or its largest partition.
pub(super) fn holder<'a>(table: &QualifiedName, snapshot: &'a Snapshot) -> Option<&'a Relation> {
    let relations = snapshot.relations.get().ok()?;
    let root = relations.iter().find(|relation| relation.qualified_name() == *table)?;
    if root.kind != RelationKind::PartitionedTable {
        return Some(root);
    }
    let families = Families::of(relations);
    let leaves = families.family(root.oid)?.leaves();
    leaves.filter(|leaf| leaf.kind == RelationKind::Table).max_by_key(|leaf| leaf.pages)
}

/// The table of an arm, without its schema.
pub(super) fn arm_name(position: usize) -> String {
    format!("dbopt_arm_{position}")
}

/// The table of an arm.
pub(super) fn arm_table(position: usize) -> String {
    format!("pg_temp.{}", arm_name(position))
}

/// Bytes of a table's heap.
pub(super) fn heap_bytes(table: &str) -> Metric {
    size("heap_bytes", &format!("pg_catalog.pg_relation_size('{table}'::pg_catalog.regclass)"))
}

/// Bytes of its TOAST table.
pub(super) fn toast_bytes(table: &str) -> Metric {
    size("toast_bytes", &toast(table))
}

/// Both together.
pub(super) fn relation_bytes(table: &str) -> Metric {
    let heap = format!("pg_catalog.pg_relation_size('{table}'::pg_catalog.regclass)");
    size("relation_bytes", &format!("{heap} + {}", toast(table)))
}

/// Bytes of its indexes.
pub(super) fn index_bytes(table: &str) -> Metric {
    size("index_bytes", &format!("pg_catalog.pg_indexes_size('{table}'::pg_catalog.regclass)"))
}

fn toast(table: &str) -> String {
    format!(
        "(select coalesce(pg_catalog.pg_relation_size(nullif(c.reltoastrelid, 0)), 0)
        from pg_catalog.pg_class as c where c.oid = '{table}'::pg_catalog.regclass)"
    )
}

fn size(name: Name, bytes: &str) -> Metric {
    Metric { name, take: ArmMetric::Number(format!("select ({bytes})::pg_catalog.text")) }
}
