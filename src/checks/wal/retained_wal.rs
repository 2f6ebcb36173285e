//! `wal/retained-wal`, explained in the page beside this file.

use super::archiver;
use super::load::size;
use super::setting;
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::model::observation::{Context, ReplicationSlot, Setting};
use crate::model::rate::duration;
use crate::model::{
    Action, Case, Declined, Finding, Gap, Judgement, Object, Severity, SlotDrop, Superpower,
    Threshold, Topic, Unit, quote_literal,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Wal,
    worst: Severity::Critical,
    needs: &[Topic::CONTEXT, Topic::SETTINGS, Topic::WAL_SERVER],
    uses: &[],
    requires: &[],
    thresholds: &[&INACTIVE_SLOT_WAL_BYTES_MAX, &ACTIVE_SLOT_WAL_BYTES_MAX],
    page: include_str!("retained_wal.md"),
    judge,
};

pub(super) const ID: &str = "wal/retained-wal";

static INACTIVE_SLOT_WAL_BYTES_MAX: Threshold = Threshold {
    name: "inactive_slot_wal_bytes_max",
    default: 134_217_728.0,
    unit: Unit::Bytes,
    reason: "eight WAL files: a consumer that restarts catches up with these in seconds",
};

static ACTIVE_SLOT_WAL_BYTES_MAX: Threshold = Threshold {
    name: "active_slot_wal_bytes_max",
    default: 10_737_418_240.0,
    unit: Unit::Bytes,
    reason: "a consumer that is 10 GiB behind is slower than the server, or stuck",
};

/// WAL retained without a limit from which on the disk is in danger.
const DANGEROUS_BYTES: f64 = 10_737_418_240.0;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let context = case.snapshot.context.get()?;
    let slots = case.snapshot.wal.slots.get()?;
    let mut judgement = Judgement::default();
    for slot in slots {
        let Some(finding) = of_slot(case, context, slot) else { continue };
        let finding = if slot.is_lost() && !slot.active && !slot.synced && !slot.elsewhere {
            finding.action(Action::DropSlot(SlotDrop {
                object: Object::Slot { slot: slot.name.clone() },
                name: slot.name.clone(),
                plugin: slot.plugin.clone(),
                two_phase: slot.two_phase,
                failover: slot.failover,
            }))
        } else {
            judgement.declined.push(undecided(slot, finding.object.clone()));
            finding
        };
        judgement.findings.push(finding);
    }
    archiver::judge(case, context, &mut judgement);
    Ok(judgement)
}

/// What dropping a slot costs whom, where only its owner knows whether its consumer comes back.
fn undecided(slot: &ReplicationSlot, object: Object) -> Declined {
    let name = quote_literal(&slot.name);
    let drop = format!("SELECT pg_drop_replication_slot({name})");
    let comes_back = "only you know whether its consumer comes back";
    let (reason, detail) = if slot.synced {
        let reason = "it is the copy of a slot of the primary";
        (reason, "a standby cannot drop it: judge the slot on the primary".to_owned())
    } else if slot.active {
        let detail =
            "its consumer streams: find out what keeps it behind; a slot in use cannot be dropped";
        (comes_back, detail.to_owned())
    } else if slot.is_lost() {
        let database = slot.database.as_deref().unwrap_or_default();
        let reason = "it belongs to another database";
        (reason, format!("in `{database}`, where it could be made again: {drop}"))
    } else if slot.kind == "logical" {
        let lost =
            "its subscription then loses every change since, and has to copy its tables again";
        (comes_back, format!("if it does not: {drop}; {lost}"))
    } else {
        let lost = "its standby then has to be copied again, unless an archive has the WAL";
        (comes_back, format!("if it does not: {drop}; {lost}"))
    };
    Declined::new(ID, object, reason, detail)
}

fn of_slot(case: &Case<'_>, context: &Context, slot: &ReplicationSlot) -> Option<Finding> {
    let object = Object::Slot { slot: slot.name.clone() };
    if slot.is_lost() {
        let message = format!("Slot `{object}` is invalid: its consumer cannot continue from it");
        return Some(Finding::new(ID, object, Severity::Medium, message));
    }
    let retained = float(slot.retained_bytes?);
    let threshold =
        if slot.active { &ACTIVE_SLOT_WAL_BYTES_MAX } else { &INACTIVE_SLOT_WAL_BYTES_MAX };
    if retained <= case.policy.get(threshold) {
        return None;
    }
    let limit = setting::seen(case, "max_slot_wal_keep_size").ok().and_then(Setting::bytes);
    let severity = match limit {
        None if retained >= DANGEROUS_BYTES => Severity::Critical,
        None => Severity::High,
        Some(_) => Severity::Medium,
    };
    let state = match (slot.active, slot.inactive_since) {
        (true, _) => "active".to_owned(),
        (false, Some(since)) => {
            let seconds = context.now.as_second() - since.as_second();
            format!("inactive for {}", duration(float(seconds.max(0))))
        }
        (false, None) => "inactive".to_owned(),
    };
    let limit_text = match limit {
        Some(bytes) => format!("max_slot_wal_keep_size ends that at {}", size(bytes)),
        None => "without a limit".to_owned(),
    };
    let message =
        format!("Slot `{object}` is {state} and retains {} of WAL, {limit_text}", size(retained));
    let finding = Finding::new(ID, object, severity, message)
        .statistic("slots.retained_bytes", whole(retained), Unit::Bytes)
        .statistic("slots.active", if slot.active { "yes" } else { "no" }, Unit::Name);
    let timeout = case.snapshot.common.setting("idle_replication_slot_timeout");
    Some(match timeout.and_then(Setting::seconds) {
        Some(seconds) => {
            finding.statistic("settings.idle_replication_slot_timeout_s", seconds, Unit::S)
        }
        None => finding,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, edit, set, snapshot};
    use super::*;
    use crate::model::{Policy, Snapshot};

    fn slot(active: bool, retained: i64) -> ReplicationSlot {
        ReplicationSlot {
            name: "standby".to_owned(),
            kind: "physical".to_owned(),
            database: None,
            plugin: None,
            temporary: false,
            active,
            wal_status: Some("reserved".to_owned()),
            retained_bytes: Some(retained),
            safe_bytes: None,
            inactive_since: "2026-03-01T09:00:00Z".parse().ok(),
            invalidation_reason: None,
            xmin_age: None,
            catalog_xmin_age: None,
            elsewhere: false,
            two_phase: false,
            failover: false,
            synced: false,
        }
    }

    fn found(snapshot: &Snapshot) -> Vec<(Severity, String)> {
        let judgement = CHECK.run(&case(snapshot, &Policy::default())).unwrap_or_default();
        judgement.findings.into_iter().map(|f| (f.severity, f.message)).collect()
    }

    #[test]
    fn an_inactive_slot_is_found_from_128_mib_on_and_an_active_one_far_behind() {
        let mut seen = snapshot();
        for (active, retained, expected) in [
            (false, 1 << 27, None),
            (false, (1 << 27) + 1, Some(Severity::High)),
            (false, 20 << 30, Some(Severity::Critical)),
            (true, 1 << 30, None),
            (true, 11 << 30, Some(Severity::Critical)),
        ] {
            seen.wal.slots = crate::model::Observation::Seen(vec![slot(active, retained)]);
            let severity = found(&seen).first().map(|(severity, _)| *severity);
            assert_eq!(severity, expected, "{active} {retained}");
        }
        set(&mut seen, "max_slot_wal_keep_size", "20480");
        let expected = "Slot `standby` is active and retains 11 GB of WAL, max_slot_wal_keep_size ends that at 20 GB";
        assert_eq!(found(&seen), [(Severity::Medium, expected.to_owned())]);
    }

    #[test]
    fn a_slot_that_needs_no_wal_is_silent_and_one_that_is_lost_is_not() {
        let mut seen = snapshot();
        let unreserved = ReplicationSlot { retained_bytes: None, ..slot(false, 0) };
        edit(&mut seen.wal.slots).push(unreserved.clone());
        assert!(found(&seen).is_empty());
        edit(&mut seen.wal.slots)[0].wal_status = Some("lost".to_owned());
        assert_eq!(found(&seen)[0].0, Severity::Medium);
    }

    #[test]
    fn a_lost_slot_is_dropped_where_it_can_be_made_again() {
        let lost = ReplicationSlot { wal_status: Some("lost".to_owned()), ..slot(false, 0) };
        for (slot, expected) in [
            (lost.clone(), None),
            (
                ReplicationSlot { elsewhere: true, ..lost.clone() },
                Some("it belongs to another database"),
            ),
            (
                ReplicationSlot { synced: true, ..lost },
                Some("it is the copy of a slot of the primary"),
            ),
        ] {
            let mut seen = snapshot();
            edit(&mut seen.wal.slots).push(slot);
            let judgement = CHECK.run(&case(&seen, &Policy::default())).unwrap_or_default();
            assert_eq!(judgement.findings[0].actions.is_empty(), expected.is_some());
            assert_eq!(judgement.declined.first().map(|one| one.reason.as_str()), expected);
        }
    }
}
