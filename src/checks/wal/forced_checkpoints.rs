//! `wal/forced-checkpoints`, explained in the page beside this file.

use super::load::{
    Load, MAX_WAL_BYTES_MAX, RECOVERY_S_MAX, REPLAY_BYTES_PER_S, WAL_DISK_BYTES, of_primary,
    setting_value, size,
};
use super::setting;
use crate::checks::Check;
use crate::checks::number::whole;
use crate::model::rate::WINDOW_S_MIN;
use crate::model::{
    Case, Confidence, Declined, Finding, Gap, Judgement, Object, Severity, Superpower, Threshold,
    Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Wal,
    worst: Severity::High,
    needs: &[Topic::CONTEXT, Topic::SETTINGS, Topic::WAL_SERVER],
    uses: &[],
    requires: &[],
    thresholds: &[
        &FORCED_SHARE_MAX,
        &FORCED_CHECKPOINTS_MIN,
        &WINDOW_S_MIN,
        &WAL_DISK_BYTES,
        &MAX_WAL_BYTES_MAX,
        &RECOVERY_S_MAX,
        &REPLAY_BYTES_PER_S,
    ],
    page: include_str!("forced_checkpoints.md"),
    judge,
};

const ID: &str = "wal/forced-checkpoints";

static FORCED_SHARE_MAX: Threshold = Threshold {
    name: "forced_share_max",
    default: 0.1,
    unit: Unit::Ratio,
    reason: "a bulk load now and then may force some; more than one in ten means that max_wal_size is too small",
};

static FORCED_CHECKPOINTS_MIN: Threshold = Threshold {
    name: "forced_checkpoints_min",
    default: 10.0,
    unit: Unit::Count,
    reason: "a few come from one load, or from a manual CHECKPOINT",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let mut judgement = Judgement::default();
    of_primary(case)?;
    let load = Load::of(case)?;
    let max_wal_size = setting::seen(case, "max_wal_size")?;
    let (forced, share_max) = (load.forced(load.max_wal_bytes), case.policy.get(&FORCED_SHARE_MAX));
    let share = forced / load.all();
    if share <= share_max || forced < case.policy.get(&FORCED_CHECKPOINTS_MIN) {
        return Ok(judgement);
    }
    let share = share.min(1.0);
    let severity = load.severity(if share > 0.5 { Severity::High } else { Severity::Medium });
    let object = Object::Setting { name: "max_wal_size".to_owned() };
    let message = format!(
        "`max_wal_size` of {} forced {forced:.0} of {:.0} checkpoints ({}) in {}",
        size(load.max_wal_bytes),
        load.all(),
        crate::model::percent(share),
        load.window
    );
    let finding = Finding::new(ID, object.clone(), severity, message)
        .statistic("checkpoints.forced_share", share, Unit::Ratio)
        .statistic("checkpoints.forced", whole(forced), Unit::Count)
        .statistic("checkpoints.requested", load.checkpoints.requested, Unit::Count)
        .statistic("checkpoints.window_s", whole(load.window.seconds()), Unit::S)
        .statistic("wal_written.bytes_per_s", load.rate.per_second, Unit::Bytes)
        .statistic("settings.max_wal_bytes", whole(load.max_wal_bytes), Unit::Bytes);
    // Where the server does not count skipped ones apart, the share is the least it can be; what was requested by a
    // statement is separated from what WAL forced by the amount of WAL alone.
    let finding = match load.checkpoints.done {
        Some(_) => finding.confidence(Confidence::Medium),
        None => finding.confidence(Confidence::Low),
    };
    // With so much room, the WAL of the window forces a share that is allowed.
    let enough = load.rate.over(load.window.seconds()) * (1.0 + load.completion_target)
        / (share_max * load.all()).max(1.0);
    if let Some(bytes) = load.advised(case, enough) {
        let (value, caveats) = (setting_value(bytes), load.caveats(case, bytes));
        let wanted = setting::WantedSetting { setting: max_wal_size, value, caveats };
        let (finding, declined) = setting::advise(case, finding, wanted);
        judgement.findings.push(finding);
        judgement.declined.extend(declined);
    } else {
        judgement.findings.push(finding);
        judgement.declined.push(too_large(ID, object));
    }
    Ok(judgement)
}

/// Where the bounds allow no more.
pub(super) fn too_large(check: &str, object: Object) -> Declined {
    Declined::new(
        check,
        object,
        "`max_wal_size` is as large as its bounds allow",
        "the disk, the time of recovery, or max_wal_bytes_max allows no more: write less WAL, or raise the bound",
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, edit, short, snapshot};
    use super::*;
    use crate::model::{Policy, Snapshot};

    fn loaded(requested: i64, wal_gib: i64) -> Snapshot {
        let mut seen = snapshot();
        let checkpoints = edit(&mut seen.wal.checkpoints);
        (checkpoints.requested, checkpoints.done) = (requested, Some(2880 + requested));
        edit(&mut seen.wal.written).bytes = wal_gib << 30;
        seen
    }

    fn run(snapshot: &Snapshot) -> Judgement {
        CHECK.run(&case(snapshot, &Policy::default())).unwrap_or_else(|gap| unreachable!("{gap:?}"))
    }

    #[test]
    fn checkpoints_that_wal_forces_are_found_and_the_advised_size_clears_them() {
        let mut seen = loaded(900, 600);
        let judgement = run(&seen);
        let [finding] = judgement.findings.as_slice() else { unreachable!("{judgement:?}") };
        assert_eq!(finding.severity, Severity::Medium);
        assert!(finding.message.contains("in 10 days"), "{}", finding.message);
        let sql = short(&finding.actions[0]);
        assert_eq!(sql, "max_wal_size = 3328MB");
        super::super::testing::set(&mut seen, "max_wal_size", "3328");
        assert!(run(&seen).findings.is_empty());
    }

    #[test]
    fn requests_of_statements_are_no_wal() {
        // 900 times CHECKPOINT or DROP DATABASE, and 2 GB of WAL in ten days.
        assert!(run(&loaded(900, 2)).findings.is_empty());
    }

    #[test]
    fn skipped_checkpoints_do_not_hide_forced_ones_where_they_are_counted_apart() {
        let mut seen = loaded(200, 600);
        edit(&mut seen.wal.checkpoints).done = Some(300);
        assert_eq!(run(&seen).findings.len(), 1);
        edit(&mut seen.wal.checkpoints).done = None;
        assert!(run(&seen).findings.is_empty(), "200 of 3,080, as far as 17 counts");
    }

    #[test]
    fn counters_of_four_minutes_are_a_gap_and_of_ten_no_more_than_low() {
        let mut seen = loaded(900, 600);
        let since = |text: &str| text.parse().ok();
        for (reset, severity) in
            [("2026-03-01T11:56:00Z", None), ("2026-03-01T11:50:00Z", Some(Severity::Low))]
        {
            edit(&mut seen.wal.checkpoints).counting_since = since(reset);
            edit(&mut seen.wal.written).counting_since = since(reset);
            let outcome = CHECK.run(&case(&seen, &Policy::default()));
            let found = outcome.ok().map(|judgement| judgement.findings[0].severity);
            assert_eq!(found, severity);
        }
    }

    #[test]
    fn a_disk_that_is_stated_bounds_what_is_advised() {
        let seen = loaded(900, 600);
        let advised = |disk: f64| {
            let policy = Policy([("wal_disk_bytes".to_owned(), disk)].into());
            let judgement = CHECK.run(&case(&seen, &policy)).unwrap_or_default();
            let action = judgement.findings[0].actions.first().cloned();
            action.map(|action| short(&action))
        };
        let sql = "max_wal_size = 2304MB";
        assert_eq!(advised(4_294_967_296.0).as_deref(), Some(sql), "60 % of 4 GiB");
        assert_eq!(advised(1_073_741_824.0), None, "it is larger than that already");
    }
}
