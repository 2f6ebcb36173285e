//! What keeps vacuum from removing dead rows of this database: while it lasts, a vacuum frees nothing that died since.

use super::number::float;
use crate::model::observation::{OpenTransaction, ReplicationSlot, Sender};
use crate::model::rate::duration;
use crate::model::{
    Case, Declined, Finding, Judgement, Threshold, Unit, counted, quote_identifier, quote_literal,
};

/// Since when a transaction must be open to be named. A shorter one ends before anyone reads of it.
pub(super) static PINNED_S_MIN: Threshold = Threshold {
    name: "pinned_s_min",
    default: 60.0,
    unit: Unit::S,
    reason: "rows that died while a transaction was open for a minute are not removed by a vacuum of now",
};

/// Standbys report their horizon every ten seconds, and lag behind by what a busy server does meanwhile.
const FEEDBACK_XIDS_MIN: i64 = 10_000;

/// What ends what a standby holds back.
pub(super) const AT_STANDBY: &str = "end the long query on the standby";

/// One that holds the horizon of vacuum back.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Holder {
    /// `Process 7 of mage (idle in transaction)`.
    pub(super) culprit: String,
    /// What ends it.
    pub(super) remedy: String,
    /// Since when, where the server shows it.
    pub(super) age_s: Option<f64>,
    /// Transactions begun since the oldest that it may still see.
    pub(super) xids: i64,
}

/// Reports it with the vacuum that clears it; or without, and who has to let go first.
pub(super) fn report(
    judgement: &mut Judgement,
    finding: Finding,
    holder: Option<&Holder>,
    with_vacuum: impl FnOnce(Finding) -> Finding,
) {
    match holder {
        Some(holder) => withhold(judgement, finding, holder),
        None => judgement.findings.push(with_vacuum(finding)),
    }
}

fn withhold(judgement: &mut Judgement, finding: Finding, holder: &Holder) {
    let since = holder.age_s.map(|age| format!(" for {}", duration(age))).unwrap_or_default();
    judgement.declined.push(Declined::new(
        finding.check,
        finding.object.clone(),
        format!(
            "{} has held back vacuum{since}: nothing newer would be removed or frozen",
            holder.culprit
        ),
        format!("{}; then vacuum", holder.remedy),
    ));
    judgement.findings.push(finding);
}

/// Everyone who holds back vacuum of this database's tables, as far as our role is shown it.
pub(super) fn holders(case: &Case<'_>) -> Vec<Holder> {
    let wal = &case.snapshot.wal;
    // Of a standby the primary knows by its slot or its sender.
    if case.snapshot.server.in_recovery {
        return Vec::new();
    }
    let here = wal.databases.get().ok();
    let here = here.and_then(|all| all.iter().find(|one| one.is_current)).map(|one| &one.name);
    let transactions = wal.transactions.get().map(Vec::as_slice).unwrap_or_default().iter();
    let transactions = transactions
        .filter(|one| one.database.is_none() || one.database.as_ref() == here)
        .filter(|one| one.age_s.is_some_and(|age| age >= case.policy.get(&PINNED_S_MIN)))
        .filter_map(|one| {
            let (culprit, remedy) = named(one);
            holder(culprit, remedy, one.age_s, one.xmin_age)
        });
    let slots = wal.slots.get().map(Vec::as_slice).unwrap_or_default().iter();
    let slots = slots
        .filter(|slot| {
            !slot.is_lost() && (!slot.active || slot.xmin_age >= Some(FEEDBACK_XIDS_MIN))
        })
        .filter_map(|slot| {
            let culprit = format!("Slot `{}`", quote_identifier(&slot.name));
            holder(culprit, slot_remedy(slot), None, slot.xmin_age)
        });
    let senders = wal.senders.get().map(Vec::as_slice).unwrap_or_default().iter();
    let senders = senders
        .filter(|sender| sender.xmin_age >= Some(FEEDBACK_XIDS_MIN))
        .filter_map(|one| holder(sender_culprit(one), AT_STANDBY.to_owned(), None, one.xmin_age));
    transactions.chain(slots).chain(senders).collect()
}

/// What makes a vacuum uncertain: a standby that reports so few transactions as any does at times. Whether its query has
/// just begun or lasts is not known from one look.
pub(super) fn uncertainty(case: &Case<'_>) -> Option<String> {
    if case.snapshot.server.in_recovery {
        return None;
    }
    let wal = &case.snapshot.wal;
    let few = |age: Option<i64>| age.filter(|age| (1..FEEDBACK_XIDS_MIN).contains(age));
    let slots = wal.slots.get().map(Vec::as_slice).unwrap_or_default().iter();
    let slots = slots.filter(|slot| slot.active && !slot.is_lost()).filter_map(|slot| {
        Some((few(slot.xmin_age)?, format!("slot `{}`", quote_identifier(&slot.name))))
    });
    let senders = wal.senders.get().map(Vec::as_slice).unwrap_or_default().iter();
    let senders = senders.filter_map(|one| {
        let name = one.application.as_deref().unwrap_or_default();
        Some((few(one.xmin_age)?, format!("standby `{name}`")))
    });
    let (xids, culprit) = slots.chain(senders).max()?;
    Some(format!(
        "{culprit} was {} behind: what died since stays while a query on the standby lasts",
        counted(xids, "transaction", "transactions")
    ))
}

/// The one that holds back most.
pub(super) fn holder_of_most(case: &Case<'_>) -> Option<Holder> {
    let age = |one: &Holder| one.age_s.unwrap_or_default();
    let all = holders(case).into_iter();
    all.max_by(|one, other| one.xids.cmp(&other.xids).then(age(one).total_cmp(&age(other))))
}

/// The one that keeps ids older than these from being frozen.
pub(super) fn holder_of(case: &Case<'_>, xids: f64) -> Option<Holder> {
    holder_of_most(case).filter(|one| float(one.xids) > xids)
}

/// One that nothing was committed after holds nothing back.
fn holder(
    culprit: String,
    remedy: String,
    age_s: Option<f64>,
    xids: Option<i64>,
) -> Option<Holder> {
    let xids = xids.filter(|xids| *xids > 0)?;
    Some(Holder { culprit, remedy, age_s, xids })
}

/// A transaction, and what ends it.
pub(super) fn named(one: &OpenTransaction) -> (String, String) {
    if let ("prepared", Some(gid)) = (one.kind.as_str(), &one.gid) {
        let culprit = format!("Prepared transaction `{gid}`");
        let gid = quote_literal(gid);
        return (culprit, format!("COMMIT PREPARED {gid} or ROLLBACK PREPARED {gid}"));
    }
    let pid = one.pid.unwrap_or_default();
    if one.backend_type.as_deref() == Some("walsender") {
        let of = one.application.as_deref().unwrap_or_default();
        let remedy =
            format!("it copies a table: wait until it ends, or pg_terminate_backend({pid})");
        return (format!("The WAL sender {pid} of logical consumer `{of}`"), remedy);
    }
    let state = one.state.as_deref().or(one.backend_type.as_deref()).unwrap_or(&one.kind);
    let application = one.application.as_deref().filter(|name| !name.is_empty());
    let of = application.map(|name| format!(" of {name}")).unwrap_or_default();
    let remedy = format!("end its transaction, or pg_terminate_backend({pid})");
    (format!("Process {pid}{of} ({state})"), remedy)
}

/// What lets go what a slot holds back.
pub(super) fn slot_remedy(slot: &ReplicationSlot) -> String {
    match (slot.synced, slot.active, slot.kind.as_str()) {
        (true, ..) => "it is the copy of a slot of the primary: judge that".to_owned(),
        (_, true, "physical") => format!("{AT_STANDBY}, which has hot_standby_feedback on"),
        (_, true, _) => {
            "its consumer streams and confirms nothing: find out what keeps it behind".to_owned()
        }
        _ => {
            let drop = format!("pg_drop_replication_slot({})", quote_literal(&slot.name));
            format!("start its consumer, or drop it: {drop}")
        }
    }
}

/// A standby, as what it holds back is said.
pub(super) fn sender_culprit(sender: &Sender) -> String {
    let name = sender.application.as_deref().unwrap_or_default();
    format!("Standby `{name}`, by hot_standby_feedback,")
}
