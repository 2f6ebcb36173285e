//! How an action is proved: the one place that goes through all of them.

use super::scan::{self, Scan};
use super::{indexes, keys, storage};
use crate::model::{
    Action, ExistingIndex, Grade, Member, NewIndex, Proof, ProofMethod, QualifiedName, RewriteOf,
    StoredRewrite, TupleTargetSetting,
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

/// How an action is proved.
pub(super) fn method(action: &Action) -> ProofPlan<'_> {
    match action {
        Action::SetColumnCompression(set) => {
            storage(&set.column, names(&set.members), NewStorage::Compression(set.to))
        }
        Action::SetColumnStorage(set) => {
            storage(&set.column, names(&set.members), NewStorage::Storage(set.to))
        }
        Action::SetToastTupleTarget(TupleTargetSetting { bytes, rewrite, .. }) => {
            storage(&rewrite.column, names(&rewrite.tables), NewStorage::ToastTupleTarget(*bytes))
        }
        Action::RewriteColumn(StoredRewrite { rewrite, .. }) => match rewrite.of {
            RewriteOf::NotCompressedBy(to) => {
                storage(&rewrite.column, names(&rewrite.tables), NewStorage::Recompressed(to))
            }
            RewriteOf::OutOfLine | RewriteOf::WideInline => rests_on(TRIAL),
        },
        Action::ShortenKeys(renaming) => ProofPlan {
            scan: Some(scan::of_codes(renaming)),
            ..storage(&renaming.column, vec![&renaming.table], NewStorage::Codes(renaming))
        },
        Action::VacuumToast(_) => {
            rests_on(RestsOn { reason: Some("estimated from statistics"), ..STATISTICS })
        }
        Action::AdoptPrimaryKey(key) => {
            ProofPlan { scan: scan::of_key(key), ..rests_on(KEY_IS_THERE) }
        }
        Action::AddIdentityKey(_) => rests_on(KEY_IS_THERE),
        // Where no statement is known that uses the key, there is nothing to time.
        Action::PromoteKey(promotion) if promotion.shapes.is_empty() => {
            rests_on(sampled("every value of the sample fits the column's type"))
        }
        Action::PromoteKey(promotion) => tried(OnTrial::Key(keys::KeyChange::Column(promotion))),
        Action::IndexKey(indexed) => ProofPlan {
            scan: scan::of_casts(indexed),
            ..tried(OnTrial::Key(keys::KeyChange::Index(indexed)))
        },
        Action::ConvertToJsonb(conversion) => ProofPlan {
            scan: Some(scan::of_documents(&conversion.table, &conversion.column)),
            ..rests_on(sampled(
                "every document of the sample was read, and each is one that `jsonb` keeps whole",
            ))
        },
        Action::ReplaceIndex(replacement) => of_index(&replacement.new, Some(&replacement.old)),
        Action::BuildIndex(new) => of_index(new, new.instead_of.as_deref()),
        Action::DropIndex(_)
        | Action::RebuildIndex(_)
        | Action::SetOptions(_)
        | Action::SetSetting(_)
        | Action::Maintain(_)
        | Action::SetPersistence(_)
        | Action::DrainDefault(_)
        | Action::DropSlot(_) => rests_on(STATISTICS),
    }
}

/// A new index is compared with the one that serves the same searches today.
fn of_index<'a>(new: &'a NewIndex, old: Option<&'a ExistingIndex>) -> ProofPlan<'a> {
    match old.and_then(|old| indexes::IndexChange::of(new, old)) {
        Some(change) => tried(OnTrial::Index(change)),
        None => rests_on(STATISTICS),
    }
}

const KEY_IS_THERE: RestsOn =
    RestsOn { reason: Some("what is there already is a key, or makes one"), ..STATISTICS };

fn sampled(reason: &'static str) -> RestsOn {
    RestsOn { grade: Grade::Measured, reason: Some(reason), ..STATISTICS }
}

fn rests_on(rests_on: RestsOn) -> ProofPlan<'static> {
    ProofPlan { scan: None, trial: None, rests_on }
}

fn tried(trial: OnTrial<'_>) -> ProofPlan<'_> {
    ProofPlan { scan: None, trial: Some(trial), rests_on: TRIAL }
}

fn storage<'a>(
    column: &'a str,
    relations: Vec<&'a QualifiedName>,
    layout: NewStorage<'a>,
) -> ProofPlan<'a> {
    tried(OnTrial::Storage(storage::StorageChange { column, relations, layout }))
}

fn names<T>(members: &[Member<T>]) -> Vec<&QualifiedName> {
    members.iter().map(|member| &member.name).collect()
}
