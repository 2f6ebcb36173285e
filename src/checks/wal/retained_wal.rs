//! `wal/retained-wal`, explained in the page beside this file.

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

const ID: &str = "wal/retained-wal";

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
    let context = case.snapshot.context.get().map_err(Clone::clone)?;
    let slots = case.snapshot.wal.slots.get().map_err(Clone::clone)?;
    let mut judgement = Judgement::default();
    for slot in slots {
        let Some(finding) = of_slot(case, context, slot) else { continue };
        if is_lost(slot) && !slot.active && !case.snapshot.server.in_recovery {
            let drop = SlotDrop {
                object: finding.object.clone(),
                name: slot.name.clone(),
                plugin: slot.plugin.clone(),
            };
            judgement.findings.push(finding.action(Action::DropSlot(drop)));
        } else {
            judgement.declined.push(undecided(slot, finding.object.clone()));
            judgement.findings.push(finding);
        }
    }
    match of_archiver(case, context) {
        Ok(finding) => judgement.findings.extend(finding),
        Err(gap) => judgement.gaps.push(gap),
    }
    Ok(judgement)
}

/// Its consumer cannot continue from it, so nothing more is lost with it.
fn is_lost(slot: &ReplicationSlot) -> bool {
    slot.wal_status.as_deref() == Some("lost") || slot.invalidation_reason.is_some()
}

/// What dropping a slot costs whom, where only its owner knows whether its consumer comes back.
fn undecided(slot: &ReplicationSlot, object: Object) -> Declined {
    let name = quote_literal(&slot.name);
    let detail = if slot.active {
        "its consumer streams: find out what keeps it behind; a slot in use cannot be dropped"
            .to_owned()
    } else if slot.kind == "logical" {
        format!(
            "if it does not: SELECT pg_drop_replication_slot({name}); its subscription then loses every change since, and has to \
             copy its tables again"
        )
    } else {
        format!(
            "if it does not: SELECT pg_drop_replication_slot({name}); its standby then has to be copied again, unless an archive \
             has the WAL"
        )
    };
    let reason = "only you know whether its consumer comes back".to_owned();
    Declined { check: ID.to_owned(), object, reason, detail }
}

fn of_slot(case: &Case<'_>, context: &Context, slot: &ReplicationSlot) -> Option<Finding> {
    let object = Object::Slot { slot: slot.name.clone() };
    if is_lost(slot) {
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

/// An archiver whose last attempt failed keeps every file since.
fn of_archiver(case: &Case<'_>, context: &Context) -> Result<Option<Finding>, Gap> {
    let archiver = case.snapshot.wal.archiver.get().map_err(Clone::clone)?;
    let mode = setting::seen(case, "archive_mode")?;
    let Some(failed) = archiver.last_failed.filter(|_| mode.value() != "off") else {
        return Ok(None);
    };
    if archiver.last_archived.is_some_and(|archived| archived >= failed) {
        return Ok(None);
    }
    let since = archiver.last_archived.or(archiver.counting_since).unwrap_or(failed);
    let seconds = float((context.now.as_second() - since.as_second()).max(0));
    let message = format!(
        "The archiver failed {} times and has archived nothing for {}",
        archiver.failed,
        duration(seconds)
    );
    let severity = if seconds >= 3600.0 { Severity::Critical } else { Severity::High };
    let object = Object::Setting { name: "archive_command".to_owned() };
    let finding = Finding::new(ID, object, severity, message)
        .statistic("archiver.failed", archiver.failed, Unit::Count)
        .statistic("archiver.failing_s", whole(seconds), Unit::S);
    Ok(Some(match case.snapshot.wal.directory.get() {
        Ok(directory) => finding
            .statistic("wal_directory.bytes", directory.bytes, Unit::Bytes)
            .statistic("wal_directory.ready", directory.ready, Unit::Count),
        Err(_) => finding,
    }))
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
    fn an_archiver_that_fails_is_found_until_it_archives_again() {
        let mut seen = snapshot();
        set(&mut seen, "archive_mode", "on");
        let archiver = edit(&mut seen.wal.archiver);
        archiver.failed = 12;
        archiver.last_failed = "2026-03-01T11:59:00Z".parse().ok();
        archiver.last_archived = "2026-03-01T09:00:00Z".parse().ok();
        let expected = "The archiver failed 12 times and has archived nothing for 3 hours";
        assert_eq!(found(&seen), [(Severity::Critical, expected.to_owned())]);
        edit(&mut seen.wal.archiver).last_archived = "2026-03-01T11:59:30Z".parse().ok();
        assert!(found(&seen).is_empty());
    }
}
