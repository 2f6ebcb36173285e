//! How a column's values are stored, or under which keys: its real values, stored again in each way. Pure.

use std::collections::BTreeMap;

use super::trial::{
    Arm, ArmMetric, ColumnStorage, Converted, Metric, Name, Promise, ROWS_MAX, Stage, TrialPlan,
    TrialRows, arm_table, heap_bytes, relation_bytes, toast_bytes,
};
use super::verdict::GAIN_MIN;
use crate::ddl::renaming_function;
use crate::model::observation::{Relation, ToastTable};
use crate::model::toast::ROW_BYTES_MAX;
use crate::model::{
    Compression, ProofKey, QualifiedName, Renaming, Snapshot, Storage, Unit, quote_identifier,
    quote_literal,
};

/// A gain in reading that is to pay for wider rows must be worth them.
const READ_GAIN_MIN: f64 = 0.20;
/// How much more room the values may take.
const GROWTH_MAX: f64 = 0.25;

const REPORTED: &[(Name, Unit)] = &[
    ("write_ms", Unit::Ms),
    ("read_column_ms", Unit::Ms),
    ("scan_others_ms", Unit::Ms),
    ("heap_bytes", Unit::Bytes),
    ("toast_bytes", Unit::Bytes),
    ("relation_bytes", Unit::Bytes),
    ("read_key_ms", Unit::Ms),
];

/// A change of how a column's values are stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StorageChange<'a> {
    pub(super) column: &'a str,
    /// The relations that hold them.
    pub(super) relations: Vec<&'a QualifiedName>,
    pub(super) layout: NewStorage<'a>,
}

/// What changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum NewStorage<'a> {
    Compression(Compression),
    Storage(Storage),
    ToastTupleTarget(u32),
    /// Values that the setting no longer names the method of are compressed by this one.
    Recompressed(Compression),
    /// Documents get codes for their keys.
    Codes(&'a Renaming),
}

/// One way to store the values.
#[derive(Debug, Clone, PartialEq)]
struct Variant {
    stored: ColumnStorage,
    /// The keys of its documents, where these are on trial.
    keys: Option<Keys>,
}

/// Which keys documents have.
#[derive(Debug, Clone, PartialEq)]
struct Keys {
    /// Other names than they have on the target; none leaves them as they are.
    names: BTreeMap<String, String>,
    /// One whose reading is timed.
    read: String,
}

/// A way that a recommendation leads to.
#[derive(Debug, Clone, PartialEq)]
struct Candidate {
    proves: ProofKey,
    variant: Variant,
    promise: Promise,
}

/// Candidates that are measured against the same baseline, on the same rows of one column.
#[derive(Debug, Clone, PartialEq)]
struct StorageExperiment {
    subject: TrialRows,
    today: Variant,
    candidates: Vec<Candidate>,
}

/// The experiments on these changes. Those of the same column share one, and what no one advised is measured beside them: a
/// reader will ask.
pub(super) fn trials(
    changes: &[(&ProofKey, StorageChange<'_>)],
    snapshot: &Snapshot,
) -> Vec<TrialPlan> {
    let mut experiments: Vec<StorageExperiment> = Vec::new();
    for (key, change) in changes {
        let Some(experiment) = experiment(key, change, snapshot) else { continue };
        let shared = experiments.iter_mut().find(|other| {
            (&other.subject, &other.today) == (&experiment.subject, &experiment.today)
        });
        match shared {
            Some(shared) if shared.candidates.iter().any(|one| one.proves == **key) => {}
            Some(shared) => shared.candidates.extend(experiment.candidates),
            None => experiments.push(experiment),
        }
    }
    experiments.into_iter().map(|experiment| experiment.trial(snapshot)).collect()
}

fn experiment(
    key: &ProofKey,
    change: &StorageChange<'_>,
    snapshot: &Snapshot,
) -> Option<StorageExperiment> {
    let (relation, stored) = match change.layout {
        NewStorage::Codes(renaming) => {
            let relations = snapshot.relations.get().ok()?;
            let relation = relations.iter().find(|r| r.qualified_name() == renaming.table)?;
            (relation, laid_out(relation.oid, &renaming.column, snapshot)?)
        }
        _ => largest(change, snapshot)?,
    };
    let as_it_is = || Variant { stored: stored.clone(), keys: None };
    let to = |stored: ColumnStorage| Variant { stored, keys: None };
    let (today, variant, promise) = match change.layout {
        NewStorage::Compression(compression) => {
            (as_it_is(), to(ColumnStorage { compression, ..stored.clone() }), less_cpu())
        }
        NewStorage::Storage(storage) => {
            let promise = match storage {
                Storage::Plain | Storage::Main => faster_reads(),
                Storage::External | Storage::Extended => cheaper_writes(),
            };
            (as_it_is(), to(ColumnStorage { storage, ..stored.clone() }), promise)
        }
        NewStorage::ToastTupleTarget(bytes) => {
            let toast_tuple_target = Some(bytes);
            (as_it_is(), to(ColumnStorage { toast_tuple_target, ..stored.clone() }), faster_reads())
        }
        NewStorage::Recompressed(compression) => (
            to(ColumnStorage { compression: Compression::Pglz, ..stored.clone() }),
            to(ColumnStorage { compression, ..stored.clone() }),
            less_cpu(),
        ),
        NewStorage::Codes(Renaming { codes, example, saving_ratio_min, .. }) => {
            let under = |names: BTreeMap<String, String>, read: &String| Variant {
                stored: stored.clone(),
                keys: Some(Keys { names, read: read.clone() }),
            };
            let (long, short) =
                (under(BTreeMap::new(), example), under(codes.clone(), codes.get(example)?));
            (long, short, less_room(*saving_ratio_min))
        }
    };
    let subject = TrialRows {
        relation: relation.qualified_name(),
        oid: relation.oid,
        column: change.column.to_owned(),
        rows_max: ROWS_MAX,
    };
    let candidate = Candidate { proves: key.clone(), variant, promise };
    Some(StorageExperiment { subject, today, candidates: vec![candidate] })
}

impl StorageExperiment {
    fn trial(&self, snapshot: &Snapshot) -> TrialPlan {
        let mut trial = TrialPlan::new(self.subject.clone(), REPORTED);
        let column = &self.subject.column;
        trial.arms.push(self.today.arm(0, column, Promise::All(Vec::new())));
        for Candidate { proves, variant, promise } in &self.candidates {
            let mut arm = variant.arm(trial.arms.len(), column, promise.clone());
            arm.proves.push(proves.clone());
            trial.arms.push(arm);
        }
        for variant in self.options(snapshot) {
            trial.arms.push(variant.arm(trial.arms.len(), column, variant.promise(&self.today)));
        }
        trial
    }

    /// The storage strategies, compression methods and targets that are neither today's nor advised.
    fn options(&self, snapshot: &Snapshot) -> Vec<Variant> {
        if self.today.keys.is_some() {
            return Vec::new();
        }
        let today = &self.today.stored;
        let built = |method: &Compression| {
            let context = snapshot.context.get().ok();
            let methods = context.map_or(&[][..], |context| &context.toast_compressions);
            methods.iter().any(|known| known == method.as_str())
        };
        let methods = [Compression::Pglz, Compression::Lz4].into_iter().filter(built);
        let extended = methods.map(|compression| ColumnStorage {
            compression,
            storage: Storage::Extended,
            ..today.clone()
        });
        let storages = [Storage::External, Storage::Main]
            .into_iter()
            .map(|storage| ColumnStorage { storage, ..today.clone() });
        let targets = [None, Some(ROW_BYTES_MAX / 2), Some(ROW_BYTES_MAX)]
            .into_iter()
            .map(|toast_tuple_target| ColumnStorage { toast_tuple_target, ..today.clone() });
        let mut options: Vec<Variant> = Vec::new();
        for stored in extended.chain(storages).chain(targets) {
            let variant = Variant { stored, keys: None };
            let is_known =
                variant == self.today || self.candidates.iter().any(|one| one.variant == variant);
            if !is_known && !options.contains(&variant) {
                options.push(variant);
            }
        }
        options
    }
}

impl Variant {
    fn arm(&self, position: usize, column: &str, promise: Promise) -> Arm {
        let table = arm_table(position);
        let scan = format!("select count(t.ctid) from {table} as t");
        let metric = |name, take| Metric { name, take };
        let mut metrics = vec![
            metric("write_ms", ArmMetric::Write),
            metric("read_column_ms", ArmMetric::ReadColumn),
            metric("scan_others_ms", ArmMetric::Time(scan)),
        ];
        let mut converted = None;
        if let Some(keys) = &self.keys {
            let (document, key) = (quote_identifier(column), quote_literal(&keys.read));
            let read = format!("select count(t.{document} -> {key}) from {table} as t");
            metrics.push(metric("read_key_ms", ArmMetric::Time(read)));
            metrics.push(relation_bytes(&table));
            let function = format!("pg_temp.dbopt_renamed_{position}");
            let create = renaming_function(&function, &keys.names);
            converted = (!keys.names.is_empty()).then_some(Converted { function, create });
        }
        metrics.extend([heap_bytes(&table), toast_bytes(&table)]);
        Arm {
            name: self.name(),
            proves: Vec::new(),
            stored: Some(self.stored.clone()),
            converted,
            setup: Vec::new(),
            stages: vec![Stage { metrics, ..Stage::default() }],
            promise,
            remarks: Vec::new(),
        }
    }

    /// What it is, in a few words.
    fn name(&self) -> String {
        let ColumnStorage { storage, compression, toast_tuple_target } = &self.stored;
        let (storage, method) = (storage.as_str(), compression.as_str());
        let stored = match self.stored.storage {
            Storage::External => format!("{storage}, uncompressed"),
            Storage::Plain => storage.to_owned(),
            Storage::Main | Storage::Extended => format!("{storage}, {method}"),
        };
        match toast_tuple_target {
            Some(bytes) => format!("{stored}, toast_tuple_target {bytes}"),
            None => stored,
        }
    }

    /// What makes it worth a change, where no one said what it is for.
    fn promise(&self, today: &Self) -> Promise {
        let (variant, today) = (&self.stored, &today.stored);
        if variant.storage == Storage::External {
            cheaper_writes()
        } else if (variant.storage, variant.toast_tuple_target)
            == (today.storage, today.toast_tuple_target)
        {
            less_cpu()
        } else {
            faster_reads()
        }
    }
}

fn room() -> Promise {
    Promise::Room { metrics: &["heap_bytes", "toast_bytes"], growth_max: GROWTH_MAX }
}

fn faster(metric: Name, what: &'static str, gain_min: f64) -> Promise {
    Promise::Faster { metric, what, gain_min, says_minimum: false }
}

/// Less time to compress or to decompress, and not clearly more for the other.
fn less_cpu() -> Promise {
    let not_slower = Promise::NotSlower {
        metrics: &["read_column_ms", "write_ms"],
        otherwise: "what it gains on one side it loses on the other",
    };
    let either = Promise::Any(vec![
        faster("read_column_ms", "reading the column", GAIN_MIN),
        faster("write_ms", "writing", GAIN_MIN),
    ]);
    Promise::All(vec![room(), not_slower, either])
}

fn cheaper_writes() -> Promise {
    Promise::All(vec![room(), faster("write_ms", "writing", GAIN_MIN)])
}

fn faster_reads() -> Promise {
    Promise::All(vec![room(), faster("read_column_ms", "reading the column", READ_GAIN_MIN)])
}

fn less_room(gain_min: f64) -> Promise {
    let (metrics, what) = (&["heap_bytes", "toast_bytes"], "heap and TOAST");
    Promise::All(vec![room(), Promise::Saves { metrics, what, gain_min }])
}

/// The largest of the relations that a change affects, and how its values are stored today.
fn largest<'a>(
    change: &StorageChange<'_>,
    snapshot: &'a Snapshot,
) -> Option<(&'a Relation, ColumnStorage)> {
    let relations = snapshot.relations.get().ok()?;
    let tables = snapshot.toast_tables.get().ok()?;
    let affected = |relation: &&Relation| {
        let is_it =
            |name: &&QualifiedName| name.schema == relation.schema && name.name == relation.name;
        change.relations.iter().any(is_it)
    };
    let (relation, table) = relations
        .iter()
        .filter(affected)
        .filter_map(|relation| Some((relation, tables.iter().find(|t| t.oid == relation.oid)?)))
        .filter(|(_, table)| table.heap_bytes.is_some())
        .max_by_key(|(_, table)| table.heap_bytes.unwrap_or(0) + table.toast_bytes.unwrap_or(0))?;
    Some((relation, today(change.column, table, snapshot)?))
}

/// How new values of a column are stored today, by its table's layout.
pub(super) fn laid_out(oid: i64, column: &str, snapshot: &Snapshot) -> Option<ColumnStorage> {
    let layout = snapshot.layouts.get().ok()?.iter().find(|layout| layout.oid == oid)?;
    let stored = layout.column(column)?;
    Some(ColumnStorage {
        compression: compression(stored.compression, snapshot)?,
        storage: Storage::in_force(stored.storage),
        toast_tuple_target: layout.toast_tuple_target,
    })
}

/// How new values of a column are stored today, by what was seen of its TOAST table.
fn today(column: &str, table: &ToastTable, snapshot: &Snapshot) -> Option<ColumnStorage> {
    let column = table.columns.iter().find(|candidate| candidate.name == column)?;
    Some(ColumnStorage {
        compression: compression(column.compression, snapshot)?,
        storage: Storage::in_force(column.storage),
        toast_tuple_target: table.option("toast_tuple_target").and_then(|value| value.parse().ok()),
    })
}

/// The method in force, by `pg_attribute.attcompression`.
fn compression(set: Option<char>, snapshot: &Snapshot) -> Option<Compression> {
    let default = snapshot.context.get().ok()?.setting("default_toast_compression");
    Some(Compression::in_force(set, default))
}
