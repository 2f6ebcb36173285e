//! Which experiment proves which action.

use std::collections::BTreeMap;

use crate::model::observation::{Relation, ToastColumn, ToastTable};
use crate::model::{
    Action, Grade, Proof, ProofMethod, QualifiedName, Renaming, RewriteOf, Snapshot, Storage,
};

/// How a column's values are stored in one arm of an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arm {
    pub(super) compression: &'static str,
    pub(super) storage: &'static str,
    pub(super) toast_tuple_target: Option<u32>,
    /// The keys of its documents, where these are on trial.
    pub(super) keys: Option<Keys>,
}

/// Which keys documents have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Keys {
    /// Other names than they have on the target; none leaves them as they are.
    pub(super) names: BTreeMap<String, String>,
    /// One whose reading is timed.
    pub(super) read: String,
}

impl Arm {
    /// What it is, in a few words.
    pub(super) fn name(&self) -> String {
        let stored = match self.storage {
            "EXTERNAL" => "EXTERNAL, uncompressed".to_owned(),
            "PLAIN" => "PLAIN".to_owned(),
            storage => format!("{storage}, {}", self.compression),
        };
        match self.toast_tuple_target {
            Some(bytes) => format!("{stored}, toast_tuple_target {bytes}"),
            None => stored,
        }
    }

    /// What makes it worth a change, where nobody said what it is for.
    pub(super) fn promise(&self, baseline: &Self) -> Promise {
        if self.storage == "EXTERNAL" {
            Promise::CheaperWrites
        } else if self.storage == baseline.storage
            && self.toast_tuple_target == baseline.toast_tuple_target
        {
            Promise::LessCpu
        } else {
            Promise::FasterReads
        }
    }
}

/// What an action promises, and so what the verdict looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Promise {
    /// Less time to compress and decompress.
    LessCpu,
    /// Less time to write.
    CheaperWrites,
    /// Less time to read the column.
    FasterReads,
    /// Less room for heap and TOAST.
    LessRoom {
        /// The share of it that must be saved.
        saving_ratio_min: f64,
    },
}

/// One candidate of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub(super) action: Action,
    pub(super) arm: Arm,
    pub(super) promise: Promise,
}

/// Candidates that are measured against the same baseline, on the same rows of one column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Experiment {
    /// The relation the rows are taken from: the largest that is affected.
    pub(super) relation: QualifiedName,
    pub(super) oid: i64,
    pub(super) column: String,
    pub(super) baseline: Arm,
    pub(super) candidates: Vec<Candidate>,
    /// The other ways to store the column, measured beside them: a reader will ask.
    pub(super) options: Vec<Arm>,
}

impl Experiment {
    /// Every arm: the baseline, the candidates, the options.
    pub(super) fn arms(&self) -> Vec<&Arm> {
        let candidates = self.candidates.iter().map(|candidate| &candidate.arm);
        std::iter::once(&self.baseline).chain(candidates).chain(&self.options).collect()
    }
}

/// The experiments that prove these actions. Actions on the same column share one.
pub(super) fn experiments(actions: &[Action], seen: &Snapshot) -> Vec<Experiment> {
    let mut experiments: Vec<Experiment> = Vec::new();
    for action in actions {
        let Some(experiment) = experiment(action, seen) else { continue };
        let shared = experiments.iter_mut().find(|other| {
            (other.oid, &other.column, &other.baseline)
                == (experiment.oid, &experiment.column, &experiment.baseline)
        });
        match shared {
            Some(shared) if shared.candidates.iter().any(|c| c.action == *action) => {}
            Some(shared) => shared.candidates.extend(experiment.candidates),
            None => experiments.push(experiment),
        }
    }
    for experiment in &mut experiments {
        experiment.options = options(experiment, seen);
    }
    experiments
}

/// The storage strategies, compression methods and targets that are neither today's nor advised.
fn options(experiment: &Experiment, seen: &Snapshot) -> Vec<Arm> {
    let today = &experiment.baseline;
    if today.keys.is_some() {
        return Vec::new();
    }
    let built = |method: &&str| {
        let context = seen.context.get().ok();
        context.is_some_and(|context| context.toast_compressions.iter().any(|m| m == method))
    };
    let extended = ["pglz", "lz4"].into_iter().filter(built).map(|compression| Arm {
        compression,
        storage: "EXTENDED",
        ..today.clone()
    });
    let storages = ["EXTERNAL", "MAIN"].into_iter().map(|storage| Arm { storage, ..today.clone() });
    let targets = [None, Some(4080), Some(8160)]
        .into_iter()
        .map(|toast_tuple_target| Arm { toast_tuple_target, ..today.clone() });
    let mut options: Vec<Arm> = Vec::new();
    for arm in extended.chain(storages).chain(targets) {
        if !experiment.arms().contains(&&arm) && !options.contains(&arm) {
            options.push(arm);
        }
    }
    options
}

/// What is known of an action that was not tried out.
pub(super) fn not_run(action: &Action, reason: &str) -> Proof {
    match action {
        Action::VacuumToast { .. } => {
            Proof::not_run(ProofMethod::Observation, Grade::Statistics, "estimated from statistics")
        }
        Action::AdoptPrimaryKey { .. } | Action::AddIdentityKey { .. } => Proof::not_run(
            ProofMethod::Observation,
            Grade::Statistics,
            "what is there already is a key, or makes one",
        ),
        // Where nobody told what the key is used for, there is nothing to time.
        Action::PromoteKey { promotion, .. } if promotion.shapes.is_empty() => Proof::not_run(
            ProofMethod::Observation,
            Grade::Measured,
            "every value of the sample fits the column's type",
        ),
        Action::ConvertToJsonb { .. } => Proof::not_run(
            ProofMethod::Observation,
            Grade::Measured,
            "every document of the sample was read, and each is one that `jsonb` keeps whole",
        ),
        Action::BuildIndex(_)
        | Action::DropIndex(_)
        | Action::ReplaceIndex { .. }
        | Action::RebuildIndex(_)
        | Action::SetOptions(_)
        | Action::SetSetting(_)
        | Action::Maintain(_)
        | Action::SetPersistence(_)
        | Action::DrainDefault(_)
        | Action::DropSlot(_) => Proof::not_run(
            ProofMethod::Observation,
            Grade::Statistics,
            "judged from catalogs, counters and the workload; no experiment exists for it yet",
        ),
        Action::SetColumnCompression { .. }
        | Action::SetColumnStorage { .. }
        | Action::SetToastTupleTarget { .. }
        | Action::ShortenKeys { .. }
        | Action::PromoteKey { .. }
        | Action::IndexKey { .. }
        | Action::RewriteColumn { .. } => {
            Proof::not_run(ProofMethod::SampledCopy, Grade::Statistics, reason)
        }
    }
}

fn experiment(action: &Action, seen: &Snapshot) -> Option<Experiment> {
    if let Action::ShortenKeys { renaming, .. } = action {
        return with_codes(action, renaming, seen);
    }
    let (column, names) = subject(action)?;
    let (relation, table) = largest(&names, seen)?;
    let stored = table.columns.iter().find(|candidate| candidate.name == column)?;
    let now = today(stored, table, seen)?;
    let (baseline, arm, promise) = match action {
        Action::SetColumnCompression { to, .. } => {
            (now.clone(), Arm { compression: to.as_str(), ..now }, Promise::LessCpu)
        }
        Action::SetColumnStorage { to, .. } => {
            let promise = match to {
                Storage::Plain | Storage::Main => Promise::FasterReads,
                Storage::External | Storage::Extended => Promise::CheaperWrites,
            };
            (now.clone(), Arm { storage: to.as_str(), ..now }, promise)
        }
        Action::SetToastTupleTarget { bytes, .. } => {
            (now.clone(), Arm { toast_tuple_target: Some(*bytes), ..now }, Promise::FasterReads)
        }
        Action::RewriteColumn { rewrite, .. } => {
            let RewriteOf::NotCompressedBy(to) = rewrite.of else { return None };
            // What is to be rewritten is stored by the method that the setting no longer names.
            (
                Arm { compression: "pglz", ..now.clone() },
                Arm { compression: to.as_str(), ..now },
                Promise::LessCpu,
            )
        }
        Action::VacuumToast { .. }
        | Action::AdoptPrimaryKey { .. }
        | Action::AddIdentityKey { .. }
        | Action::PromoteKey { .. }
        | Action::IndexKey { .. }
        | Action::ShortenKeys { .. }
        | Action::BuildIndex(_)
        | Action::DropIndex(_)
        | Action::ReplaceIndex { .. }
        | Action::RebuildIndex(_)
        | Action::SetOptions(_)
        | Action::SetSetting(_)
        | Action::Maintain(_)
        | Action::SetPersistence(_)
        | Action::DrainDefault(_)
        | Action::DropSlot(_)
        | Action::ConvertToJsonb { .. } => return None,
    };
    let candidate = Candidate { action: action.clone(), arm, promise };
    Some(Experiment {
        relation: relation.qualified_name(),
        oid: relation.oid,
        column,
        baseline,
        candidates: vec![candidate],
        options: Vec::new(),
    })
}

/// The same documents under their codes, stored as they are today.
fn with_codes(action: &Action, renaming: &Renaming, seen: &Snapshot) -> Option<Experiment> {
    let Renaming { table, column, codes, example, saving_ratio_min, .. } = renaming;
    let relation = seen.relations.get().ok()?.iter().find(|r| r.qualified_name() == *table)?;
    let arm = |names: BTreeMap<String, String>, read: &String| {
        let keys = Some(Keys { names, read: read.clone() });
        Some(Arm { keys, ..laid_out(relation.oid, column, seen)? })
    };
    let promise = Promise::LessRoom { saving_ratio_min: *saving_ratio_min };
    let short = arm(codes.clone(), codes.get(example)?)?;
    Some(Experiment {
        relation: table.clone(),
        oid: relation.oid,
        column: column.clone(),
        baseline: arm(BTreeMap::new(), example)?,
        candidates: vec![Candidate { action: action.clone(), arm: short, promise }],
        options: Vec::new(),
    })
}

/// The column an action is about, and the relations that hold its values.
fn subject(action: &Action) -> Option<(String, Vec<QualifiedName>)> {
    fn names<T>(members: &[crate::model::Member<T>]) -> Vec<QualifiedName> {
        members.iter().map(|member| member.name.clone()).collect()
    }
    match action {
        Action::SetColumnCompression { column, members, .. } => {
            Some((column.clone(), names(members)))
        }
        Action::SetColumnStorage { column, members, .. } => Some((column.clone(), names(members))),
        Action::SetToastTupleTarget { rewrite, .. } | Action::RewriteColumn { rewrite, .. } => {
            Some((rewrite.column.clone(), names(&rewrite.tables)))
        }
        Action::VacuumToast { .. }
        | Action::AdoptPrimaryKey { .. }
        | Action::AddIdentityKey { .. }
        | Action::PromoteKey { .. }
        | Action::IndexKey { .. }
        | Action::ShortenKeys { .. }
        | Action::BuildIndex(_)
        | Action::DropIndex(_)
        | Action::ReplaceIndex { .. }
        | Action::RebuildIndex(_)
        | Action::SetOptions(_)
        | Action::SetSetting(_)
        | Action::Maintain(_)
        | Action::SetPersistence(_)
        | Action::DrainDefault(_)
        | Action::DropSlot(_)
        | Action::ConvertToJsonb { .. } => None,
    }
}

fn largest<'a>(
    names: &[QualifiedName],
    seen: &'a Snapshot,
) -> Option<(&'a Relation, &'a ToastTable)> {
    let relations = seen.relations.get().ok()?;
    let tables = seen.toast_tables.get().ok()?;
    let meant = |relation: &&Relation| {
        names.iter().any(|name| name.schema == relation.schema && name.name == relation.name)
    };
    relations
        .iter()
        .filter(meant)
        .filter_map(|relation| Some((relation, tables.iter().find(|t| t.oid == relation.oid)?)))
        .filter(|(_, table)| table.heap_bytes.is_some())
        .max_by_key(|(_, table)| table.heap_bytes.unwrap_or(0) + table.toast_bytes.unwrap_or(0))
}

/// How new values of a column are stored today, by its table's layout.
pub(super) fn laid_out(oid: i64, column: &str, seen: &Snapshot) -> Option<Arm> {
    let layout = seen.layouts.get().ok()?.iter().find(|layout| layout.oid == oid)?;
    let stored = layout.column(column)?;
    Some(Arm {
        compression: compression(stored.compression, seen)?,
        storage: storage(stored.storage),
        toast_tuple_target: layout.toast_tuple_target,
        keys: None,
    })
}

/// How new values of the column are stored today.
fn today(column: &ToastColumn, table: &ToastTable, seen: &Snapshot) -> Option<Arm> {
    Some(Arm {
        compression: compression(column.compression, seen)?,
        storage: storage(column.storage),
        toast_tuple_target: table.option("toast_tuple_target").and_then(|value| value.parse().ok()),
        keys: None,
    })
}

/// The method in force, by `pg_attribute.attcompression`.
fn compression(set: Option<char>, seen: &Snapshot) -> Option<&'static str> {
    let default = seen.context.get().ok()?.setting("default_toast_compression") == "lz4";
    Some(match set {
        Some('l') => "lz4",
        None if default => "lz4",
        _ => "pglz",
    })
}

/// The strategy, by `pg_attribute.attstorage`.
pub(super) fn storage(letter: char) -> &'static str {
    match letter {
        'p' => "PLAIN",
        'e' => "EXTERNAL",
        'm' => "MAIN",
        _ => "EXTENDED",
    }
}
