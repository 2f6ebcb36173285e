//! `wal/pinned-horizon`, explained in the page beside this file.

use crate::checks::Check;
use crate::checks::horizon::{AT_STANDBY, named, sender_culprit, slot_remedy};
use crate::checks::number::{float, whole};
use crate::model::observation::{OpenTransaction, ReplicationSlot};
use crate::model::rate::duration;
use crate::model::{
    Case, Declined, Finding, Gap, GapReason, Judgement, Object, Policy, Severity, Superpower,
    Threshold, Topic, Unit, counted, grant,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Wal,
    worst: Severity::Critical,
    needs: &[Topic::CONTEXT, Topic::WAL_HORIZON],
    uses: &[Topic::SETTINGS],
    requires: &[],
    thresholds: &[&HORIZON_AGE_S_MAX, &HORIZON_XIDS_MAX],
    page: include_str!("pinned_horizon.md"),
    judge,
};

const ID: &str = "wal/pinned-horizon";

static HORIZON_AGE_S_MAX: Threshold = Threshold {
    name: "horizon_age_s_max",
    default: 3600.0,
    unit: Unit::S,
    reason: "what dies within an hour can wait for the next vacuum",
};

static HORIZON_XIDS_MAX: Threshold = Threshold {
    name: "horizon_xids_max",
    default: 1_000_000.0,
    unit: Unit::Count,
    reason: "a million transactions leave a million dead rows or more",
};

/// Transactions held back from which on ids may run out before someone looks again.
const URGENT_XIDS: i64 = 200_000_000;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let wal = &case.snapshot.wal;
    let context = case.snapshot.context.get()?;
    let mut judgement = Judgement::default();
    match wal.transactions.get() {
        Ok(transactions) => of_transactions(case, transactions, &mut judgement),
        Err(gap) => judgement.gaps.push(gap.clone()),
    }
    match wal.slots.get() {
        // What is lost holds nothing back any more, though the server still shows its transactions.
        Ok(slots) => {
            for slot in slots.iter().filter(|slot| !slot.is_lost()) {
                add(&mut judgement, of_slot(slot, case.policy));
            }
        }
        Err(gap) => judgement.gaps.push(gap.clone()),
    }
    if let Ok(senders) = wal.senders.get() {
        for sender in senders {
            let holder = HorizonHolder {
                object: Object::Cluster,
                culprit: sender_culprit(sender),
                remedy: AT_STANDBY.to_owned(),
            };
            add(&mut judgement, holder.by_xids(sender.xmin_age, case.policy));
        }
    }
    if !context.privileges.sees_sessions() {
        let detail = "transactions of other roles are shown to members of pg_monitor";
        let gap = Gap::new("transactions", GapReason::MissingPrivilege, detail);
        judgement.gaps.push(gap.lifted_by(grant("pg_monitor")));
    }
    Ok(judgement)
}

fn of_transactions(case: &Case<'_>, transactions: &[OpenTransaction], judgement: &mut Judgement) {
    let here = current_database(case);
    let concerns = |one: &&OpenTransaction| {
        // Another database's transactions hold back what all share, which is little, and wraparound.
        one.database.as_deref().is_none_or(|database| Some(database) == here)
            || one.xmin_age.is_some_and(|age| age >= URGENT_XIDS)
    };
    let feedback = case.snapshot.common.setting("hot_standby_feedback");
    // Without it, vacuum on the primary knows nothing of a standby's queries: replay ends them, or waits for them.
    let is_unknown = case.snapshot.server.in_recovery && feedback.is_some_and(|one| !one.is_on());
    for one in transactions.iter().filter(concerns) {
        let found = of_transaction(one, case.policy);
        if is_unknown && one.kind != "prepared" {
            judgement.declined.extend(found.map(|(finding, _)| {
                Declined::new(
                    ID,
                    finding.object,
                    "hot_standby_feedback is off on this standby",
                    "its transactions hold back no vacuum on the primary",
                )
            }));
        } else {
            add(judgement, found);
        }
    }
}

/// A slot by what it holds back everywhere, or else in the catalogs alone.
fn of_slot(slot: &ReplicationSlot, policy: &Policy) -> Option<(Finding, String)> {
    let object = Object::Slot { slot: slot.name.clone() };
    let culprit = format!("Slot `{object}`");
    let holder = HorizonHolder { object, culprit, remedy: slot_remedy(slot) };
    if let Some(found) = holder.by_xids(slot.xmin_age, policy) {
        return Some(found);
    }
    let HorizonHolder { object, culprit, remedy } = holder;
    let xids = slot.catalog_xmin_age.filter(|age| is_many(*age, policy))?;
    let message = format!(
        "{culprit} holds back vacuum of the system catalogs, {} behind",
        counted(xids, "transaction", "transactions")
    );
    let severity = if xids >= URGENT_XIDS { Severity::Critical } else { Severity::Medium };
    let finding = Finding::new(ID, object, severity, message).statistic(
        "horizon.catalog_xmin_age",
        xids,
        Unit::Count,
    );
    Some((finding, remedy))
}

fn is_many(xids: i64, policy: &Policy) -> bool {
    float(xids) > policy.get(&HORIZON_XIDS_MAX)
}

fn current_database<'a>(case: &Case<'a>) -> Option<&'a str> {
    let databases = case.snapshot.wal.databases.get().ok()?;
    databases.iter().find(|one| one.is_current).map(|one| one.name.as_str())
}

fn add(judgement: &mut Judgement, found: Option<(Finding, String)>) {
    let Some((finding, remedy)) = found else { return };
    judgement.declined.push(Declined::new(
        ID,
        finding.object.clone(),
        "only you know whether it is still needed",
        remedy,
    ));
    judgement.findings.push(finding);
}

fn of_transaction(one: &OpenTransaction, policy: &Policy) -> Option<(Finding, String)> {
    let seconds = one.age_s.unwrap_or_default();
    let xids = one.xmin_age.unwrap_or_default();
    let old = seconds > policy.get(&HORIZON_AGE_S_MAX);
    let many = is_many(xids, policy);
    if !old && !many {
        return None;
    }
    let (culprit, remedy) = named(one);
    let object = match (one.kind.as_str(), &one.role) {
        ("prepared", _) => Object::Database { database: one.database.clone().unwrap_or_default() },
        (_, Some(role)) => Object::Role { role: role.clone() },
        (_, None) => Object::Cluster,
    };
    let message = format!(
        "{culprit} has held back vacuum for {}, {} behind",
        duration(seconds),
        counted(xids, "transaction", "transactions")
    );
    let finding = Finding::new(ID, object, severity(xids, many), message)
        .statistic("transactions.age_s", whole(seconds), Unit::S)
        .statistic("transactions.xmin_age", xids, Unit::Count);
    Some((finding, remedy))
}

/// What may hold back vacuum, and how to stop it.
struct HorizonHolder {
    object: Object,
    culprit: String,
    remedy: String,
}

impl HorizonHolder {
    /// Where it holds back many transactions.
    fn by_xids(&self, age: Option<i64>, policy: &Policy) -> Option<(Finding, String)> {
        let xids = age.filter(|age| is_many(*age, policy))?;
        let behind = counted(xids, "transaction", "transactions");
        let message = format!("{} holds back vacuum, {behind} behind", self.culprit);
        let finding = Finding::new(ID, self.object.clone(), severity(xids, true), message)
            .statistic("horizon.xmin_age", xids, Unit::Count);
        Some((finding, self.remedy.clone()))
    }
}

fn severity(xids: i64, many: bool) -> Severity {
    if xids >= URGENT_XIDS {
        Severity::Critical
    } else if many {
        Severity::High
    } else {
        Severity::Medium
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, edit, set, snapshot, transaction};
    use super::*;
    use crate::model::Snapshot;
    use crate::model::observation::Sender;

    fn session(age_s: f64, xmin_age: i64, database: &str) -> OpenTransaction {
        OpenTransaction { database: Some(database.to_owned()), ..transaction(age_s, xmin_age) }
    }

    fn found(snapshot: &Snapshot) -> Vec<(Severity, String)> {
        let judgement = CHECK.run(&case(snapshot, &Policy::default())).unwrap_or_default();
        assert_eq!(judgement.findings.len(), judgement.declined.len());
        judgement.findings.into_iter().map(|f| (f.severity, f.message)).collect()
    }

    #[test]
    fn a_session_is_named_when_its_transaction_is_old_or_holds_back_many() {
        let mut seen = snapshot();
        edit(&mut seen.wal.transactions).push(session(3500.0, 999_999, "app"));
        assert!(found(&seen).is_empty());
        edit(&mut seen.wal.transactions)[0] = session(7300.0, 12, "app");
        let expected = "Process 7 of mage (idle in transaction) has held back vacuum for 2 hours, 12 transactions behind";
        assert_eq!(found(&seen), [(Severity::Medium, expected.to_owned())]);
        edit(&mut seen.wal.transactions)[0] = session(60.0, 2_000_000, "app");
        assert_eq!(found(&seen)[0].0, Severity::High);
    }

    #[test]
    fn another_database_matters_when_ids_run_out() {
        let mut seen = snapshot();
        edit(&mut seen.wal.transactions).push(session(7300.0, 2_000_000, "other"));
        assert!(found(&seen).is_empty());
        edit(&mut seen.wal.transactions)[0] = session(7300.0, 300_000_000, "other");
        assert_eq!(found(&seen)[0].0, Severity::Critical);
    }

    #[test]
    fn prepared_transactions_slots_and_standbys_are_named() {
        let mut seen = snapshot();
        edit(&mut seen.wal.transactions).push(OpenTransaction {
            kind: "prepared".to_owned(),
            gid: Some("tx-1".to_owned()),
            pid: None,
            state: None,
            ..session(86_400.0 * 3.0, 5, "app")
        });
        edit(&mut seen.wal.slots).push(ReplicationSlot {
            name: "cdc".to_owned(),
            kind: "logical".to_owned(),
            database: Some("app".to_owned()),
            plugin: None,
            temporary: false,
            active: false,
            wal_status: None,
            retained_bytes: None,
            safe_bytes: None,
            inactive_since: None,
            invalidation_reason: None,
            xmin_age: None,
            catalog_xmin_age: Some(3_000_000),
            elsewhere: false,
            two_phase: false,
            failover: false,
            synced: false,
        });
        edit(&mut seen.wal.senders).push(Sender {
            pid: 9,
            application: Some("replica".to_owned()),
            state: Some("streaming".to_owned()),
            sync_state: Some("async".to_owned()),
            xmin_age: Some(4_000_000),
            replay_lag_bytes: None,
            is_standby: true,
        });
        let names: Vec<String> = found(&seen).into_iter().map(|(_, message)| message).collect();
        assert_eq!(names.len(), 3);
        for (name, culprit) in names.iter().zip(["tx-1", "cdc", "replica"]) {
            assert!(name.contains(culprit), "{name}");
        }
        assert!(names[1].contains("of the system catalogs"), "{}", names[1]);
        edit(&mut seen.wal.slots)[0].wal_status = Some("lost".to_owned());
        assert_eq!(found(&seen).len(), 2, "what is lost holds nothing back");
    }

    #[test]
    fn a_slot_in_use_is_not_to_be_dropped() {
        let mut seen = snapshot();
        let slot = serde_json::json!({
            "name": "s", "kind": "physical", "plugin": null, "database": null, "temporary": false,
            "active": true, "wal_status": "reserved", "retained_bytes": 0, "safe_bytes": null,
            "inactive_since": null, "invalidation_reason": null, "xmin_age": 3_000_000,
            "catalog_xmin_age": null,
        });
        let slot = serde_json::from_value(slot).unwrap_or_else(|error| unreachable!("{error}"));
        edit(&mut seen.wal.slots).push(slot);
        let remedy = |seen: &Snapshot| {
            let judgement = CHECK.run(&case(seen, &Policy::default())).unwrap_or_default();
            judgement.declined[0].detail.clone()
        };
        assert!(!remedy(&seen).contains("drop"), "{}", remedy(&seen));
        edit(&mut seen.wal.slots)[0].active = false;
        assert!(remedy(&seen).ends_with("pg_drop_replication_slot('s')"), "{}", remedy(&seen));
    }

    #[test]
    fn a_query_of_a_standby_holds_nothing_back_without_its_feedback() {
        let mut seen = snapshot();
        seen.server.in_recovery = true;
        edit(&mut seen.wal.transactions).push(session(7300.0, 12, "app"));
        let judgement = CHECK.run(&case(&seen, &Policy::default())).unwrap_or_default();
        assert!(judgement.findings.is_empty() && judgement.declined.len() == 1);
        set(&mut seen, "hot_standby_feedback", "on");
        assert_eq!(found(&seen).len(), 1);
    }

    #[test]
    fn a_role_that_is_not_shown_others_transactions_gets_a_gap() {
        let mut seen = snapshot();
        edit(&mut seen.context).privileges.reads_all_stats = false;
        "connect".clone_into(&mut edit(&mut seen.context).privileges.tier);
        let judgement = CHECK.run(&case(&seen, &Policy::default())).unwrap_or_default();
        assert_eq!(judgement.gaps[0].reason, GapReason::MissingPrivilege);
    }
}
