//! How an action is proved: a function for each kind of proof, which the action's line in the registry names.

use super::scan::{self, Scan};
use super::{indexes, keys, storage};
use crate::model::{
    Action, AdoptedKey, CompressionSetting, ExistingIndex, Grade, IndexReplacement, IndexedKey,
    JsonbConversion, Member, NewIndex, Promotion, Proof, ProofMethod, QualifiedName, Renaming,
    RewriteOf, StorageSetting, StoredRewrite, ToastVacuum, TupleTargetSetting,
};
use storage::NewStorage;

/// How an action is proved.
pub(super) struct ProofPlan<'a> {
    /// What every row is read for.
    pub(super) scan: Option<Scan>,
    /// What is tried out on a copy of some rows.
    pub(super) trial: Option<OnTrial<'a>>,
    /// What it rests on where neither was done.
    rests_on: RestsOn,
}

/// What is tried out.
pub(super) enum OnTrial<'a> {
    /// How a column's values are stored.
    Storage(storage::StorageChange<'a>),
    /// What becomes of a key of documents.
    Key(keys::KeyChange<'a>),
    /// An index in the place of another.
    Index(indexes::IndexChange<'a>),
}

/// What an action rests on that was not proved.
struct RestsOn {
    method: ProofMethod,
    grade: Grade,
    /// Why there is no experiment; absent where there is one, which was not run.
    reason: Option<&'static str>,
}

/// Judged from what the server says of itself.
const STATISTICS: RestsOn = RestsOn {
    method: ProofMethod::Observation,
    grade: Grade::Statistics,
    reason: Some(
        "judged from catalogs, counters and the workload; no experiment exists for it yet",
    ),
};

/// There is an experiment.
const TRIAL: RestsOn =
    RestsOn { method: ProofMethod::SampledCopy, grade: Grade::Statistics, reason: None };

impl ProofPlan<'_> {
    /// What is known of an action that was not tried out, for this reason.
    pub(super) fn not_run(&self, reason: &str) -> Proof {
        let RestsOn { method, grade, reason: own } = self.rests_on;
        Proof::not_run(method, grade, own.unwrap_or(reason))
    }
}

macro_rules! define_method {
    ($($module:ident {
        $($(#[$doc:meta])* $variant:ident($change:ident) = $name:literal, $written:ident, $proved:ident;)*
    })*) => {
        /// How an action is proved.
        pub(super) fn method(action: &Action) -> ProofPlan<'_> {
            match action {
                $($(Action::$variant(change) => $proved(change),)*)*
            }
        }
    };
}

actions!(define_method);

/// There is no experiment.
fn statistics<T>(_change: &T) -> ProofPlan<'_> {
    rests_on(STATISTICS)
}

fn estimate(_vacuum: &ToastVacuum) -> ProofPlan<'_> {
    rests_on(RestsOn { reason: Some("estimated from statistics"), ..STATISTICS })
}

fn compression(set: &CompressionSetting) -> ProofPlan<'_> {
    stored(&set.column, names(&set.members), NewStorage::Compression(set.to))
}

fn storage(set: &StorageSetting) -> ProofPlan<'_> {
    stored(&set.column, names(&set.members), NewStorage::Storage(set.to))
}

fn tuple_target(set: &TupleTargetSetting) -> ProofPlan<'_> {
    let rewrite = &set.rewrite;
    stored(&rewrite.column, names(&rewrite.tables), NewStorage::ToastTupleTarget(set.bytes))
}

fn rewrite(StoredRewrite { rewrite, .. }: &StoredRewrite) -> ProofPlan<'_> {
    match rewrite.of {
        RewriteOf::NotCompressedBy(to) => {
            stored(&rewrite.column, names(&rewrite.tables), NewStorage::Recompressed(to))
        }
        RewriteOf::OutOfLine | RewriteOf::WideInline => rests_on(TRIAL),
    }
}

fn codes(renaming: &Renaming) -> ProofPlan<'_> {
    ProofPlan {
        scan: Some(scan::of_codes(renaming)),
        ..stored(&renaming.column, vec![&renaming.table], NewStorage::Codes(renaming))
    }
}

fn adopted_key(key: &AdoptedKey) -> ProofPlan<'_> {
    ProofPlan { scan: scan::of_key(key), ..key_is_there(key) }
}

fn key_is_there<T>(_change: &T) -> ProofPlan<'_> {
    let reason = Some("what is there already is a key, or makes one");
    rests_on(RestsOn { reason, ..STATISTICS })
}

/// Where no statement is known that uses the key, there is nothing to time.
fn promotion(promotion: &Promotion) -> ProofPlan<'_> {
    if promotion.shapes.is_empty() {
        return sampled("every value of the sample fits the column's type");
    }
    tried(OnTrial::Key(keys::KeyChange::Column(promotion)))
}

fn indexed_key(indexed: &IndexedKey) -> ProofPlan<'_> {
    ProofPlan {
        scan: scan::of_casts(indexed),
        ..tried(OnTrial::Key(keys::KeyChange::Index(indexed)))
    }
}

fn conversion(conversion: &JsonbConversion) -> ProofPlan<'_> {
    ProofPlan {
        scan: Some(scan::of_documents(&conversion.table, &conversion.column)),
        ..sampled("every document of the sample was read, and each is one that `jsonb` keeps whole")
    }
}

fn new_index(new: &NewIndex) -> ProofPlan<'_> {
    compared(new, new.instead_of.as_deref())
}

fn replaced_index(replacement: &IndexReplacement) -> ProofPlan<'_> {
    compared(&replacement.new, Some(&replacement.old))
}

/// A new index is compared with the one that serves the same searches today.
fn compared<'a>(new: &'a NewIndex, old: Option<&'a ExistingIndex>) -> ProofPlan<'a> {
    match old.and_then(|old| indexes::IndexChange::of(new, old)) {
        Some(change) => tried(OnTrial::Index(change)),
        None => rests_on(STATISTICS),
    }
}

fn sampled(reason: &'static str) -> ProofPlan<'static> {
    rests_on(RestsOn { grade: Grade::Measured, reason: Some(reason), ..STATISTICS })
}

fn rests_on(rests_on: RestsOn) -> ProofPlan<'static> {
    ProofPlan { scan: None, trial: None, rests_on }
}

fn tried(trial: OnTrial<'_>) -> ProofPlan<'_> {
    ProofPlan { scan: None, trial: Some(trial), rests_on: TRIAL }
}

fn stored<'a>(
    column: &'a str,
    relations: Vec<&'a QualifiedName>,
    layout: NewStorage<'a>,
) -> ProofPlan<'a> {
    tried(OnTrial::Storage(storage::StorageChange { column, relations, layout }))
}

fn names<T>(members: &[Member<T>]) -> Vec<&QualifiedName> {
    members.iter().map(|member| &member.name).collect()
}
