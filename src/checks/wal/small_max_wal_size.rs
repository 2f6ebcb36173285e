//! `wal/small-max-wal-size`, explained in the page beside this file.

use super::forced_checkpoints::too_large;
use super::load::{
    Load, MAX_WAL_BYTES_MAX, RECOVERY_S_MAX, REPLAY_BYTES_PER_S, WAL_DISK_BYTES, of_primary,
    setting_value, size,
};
use super::setting;
use crate::checks::Check;
use crate::checks::number::whole;
use crate::model::rate::WINDOW_S_MIN;
use crate::model::{Case, Finding, Gap, Judgement, Object, Severity, Superpower, Topic, Unit};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Wal,
    worst: Severity::High,
    needs: &[Topic::CONTEXT, Topic::SETTINGS, Topic::WAL_SERVER],
    uses: &[],
    requires: &[],
    thresholds: &[
        &WINDOW_S_MIN,
        &WAL_DISK_BYTES,
        &MAX_WAL_BYTES_MAX,
        &RECOVERY_S_MAX,
        &REPLAY_BYTES_PER_S,
    ],
    page: include_str!("small_max_wal_size.md"),
    judge,
};

const ID: &str = "wal/small-max-wal-size";

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let mut judgement = Judgement::default();
    of_primary(case)?;
    let load = Load::of(case)?;
    let needed = load.needed();
    if load.max_wal_bytes >= needed {
        return Ok(judgement);
    }
    let severity =
        if needed > 4.0 * load.max_wal_bytes { Severity::High } else { Severity::Medium };
    let object = Object::Setting { name: "max_wal_size".to_owned() };
    let message = format!(
        "`max_wal_size` of {} is filled in {:.0} s of the {:.0} s between checkpoints, at {}/s over {}",
        size(load.max_wal_bytes),
        load.distance(load.max_wal_bytes) / load.rate.per_second.max(1.0),
        load.timeout_s,
        size(load.rate.per_second),
        load.rate.window
    );
    let finding = Finding::new(ID, object.clone(), load.severity(severity), message)
        .statistic("wal_written.bytes_per_s", load.rate.per_second, Unit::Bytes)
        .statistic("wal_written.window_s", whole(load.rate.window.seconds()), Unit::S)
        .statistic("settings.max_wal_bytes", whole(load.max_wal_bytes), Unit::Bytes)
        .statistic("settings.needed_wal_bytes", whole(needed), Unit::Bytes);
    if let Some(bytes) = load.advised(case, needed) {
        let setting = setting::seen(case, "max_wal_size")?;
        let (value, caveats) = (setting_value(bytes), load.caveats(case, bytes));
        let wanted = setting::WantedSetting { setting, value, caveats };
        let (finding, declined) = setting::advise(case, finding, wanted);
        judgement.findings.push(finding);
        judgement.declined.extend(declined);
    } else {
        judgement.findings.push(finding);
        judgement.declined.push(too_large(ID, object));
    }
    Ok(judgement)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, edit, set, short, snapshot};
    use super::*;
    use crate::model::GapReason;
    use crate::model::Policy;

    #[test]
    fn a_mean_rate_that_fills_it_between_two_checkpoints_is_found_and_the_advised_size_clears_it() {
        let mut seen = snapshot();
        let policy = Policy::default();
        // 4 MiB a second over ten days.
        edit(&mut seen.wal.written).bytes = (864_000 * 4) << 20;
        let judgement = CHECK.run(&case(&seen, &policy)).unwrap_or_default();
        let finding = &judgement.findings[0];
        assert_eq!(finding.severity, Severity::Medium);
        let expected = "`max_wal_size` of 1 GB is filled in 135 s of the 300 s between checkpoints, at 4 MB/s over 10 days";
        assert_eq!(finding.message, expected);
        let sql = short(&finding.actions[0]);
        assert_eq!(sql, "max_wal_size = 4608MB");
        set(&mut seen, "max_wal_size", "4608");
        assert_eq!(CHECK.run(&case(&seen, &policy)), Ok(Judgement::default()));
    }

    #[test]
    fn a_quiet_server_has_room_enough_and_a_standby_is_not_judged() {
        let mut seen = snapshot();
        assert_eq!(CHECK.run(&case(&seen, &Policy::default())), Ok(Judgement::default()));
        seen.server.in_recovery = true;
        let gap = CHECK.run(&case(&seen, &Policy::default())).unwrap_err();
        assert_eq!(gap.reason, GapReason::InRecovery);
    }

    #[test]
    fn fifty_gigabytes_are_the_most_for_a_bulk_load() {
        let mut seen = snapshot();
        edit(&mut seen.wal.written).bytes = (864_000 * 400) << 20;
        let judgement = CHECK.run(&case(&seen, &Policy::default())).unwrap_or_default();
        let sql = short(&judgement.findings[0].actions[0]);
        assert_eq!(sql, "max_wal_size = 50GB");
    }
}
