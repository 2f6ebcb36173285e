//! How much WAL the server writes, and how large `max_wal_size` has to be for it.

use super::setting;
use crate::checks::number::{float, whole};
use crate::model::observation::{Checkpoints, WalWritten};
use crate::model::rate::{Rate, WINDOW_S_MIN, Window};
use crate::model::{Case, Gap, GapReason, Severity, Threshold, Topic, Unit, counted};

/// Whether the server writes WAL of its own: a standby replays that of its primary, and makes restartpoints of the primary's
/// checkpoints.
pub(super) fn of_primary(case: &Case<'_>) -> Result<(), Gap> {
    if !case.snapshot.server.in_recovery {
        return Ok(());
    }
    let detail = "a standby writes no WAL of its own, and makes no checkpoint but where its primary made one";
    Err(Gap::new(Topic::WAL_SERVER.as_str(), GapReason::InRecovery, detail)
        .lifted_by("analyse the primary"))
}

/// How much of `pg_wal`'s disk `max_wal_size` may take; 0 where the disk is not known, which SQL does not show.
pub(super) static WAL_DISK_BYTES: Threshold = Threshold {
    name: "wal_disk_bytes",
    default: 0.0,
    unit: Unit::Bytes,
    reason: "SQL does not show the disk of pg_wal: give its size, and at most 60 % of it are advised",
};

/// The largest `max_wal_size` that is advised.
pub(super) static MAX_WAL_BYTES_MAX: Threshold = Threshold {
    name: "max_wal_bytes_max",
    default: 53_687_091_200.0,
    unit: Unit::Bytes,
    reason: "50 GiB serve a bulk load; recovery after a crash replays up to that much",
};

/// How long recovery after a crash may take.
pub(super) static RECOVERY_S_MAX: Threshold = Threshold {
    name: "recovery_s_max",
    default: 1200.0,
    unit: Unit::S,
    reason: "a server that has replayed WAL for 20 minutes has been down for 20 minutes",
};

/// How fast recovery is assumed to replay.
pub(super) static REPLAY_BYTES_PER_S: Threshold = Threshold {
    name: "replay_bytes_per_s",
    default: 52_428_800.0,
    unit: Unit::Bytes,
    reason: "one process replays; 50 MiB a second is cautious on an SSD, measure yours",
};

/// Room for what the mean hides.
const HEADROOM: f64 = 2.0;
/// The share of the disk that WAL may take: the rest is for what slots and the archiver retain.
const DISK_SHARE: f64 = 0.6;
/// A week's worth of evidence is a habit; less than an hour is a moment.
const HABIT_S: f64 = 3600.0;
const MIB: f64 = 1_048_576.0;
/// Sizes are advised in steps of these.
const STEP_BYTES: f64 = 256.0 * MIB;

/// What the server writes, and the settings that checkpoints follow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load<'a> {
    pub(super) checkpoints: &'a Checkpoints,
    /// Over which checkpoints were counted.
    pub(super) window: Window,
    /// WAL, in bytes.
    pub(super) rate: Rate,
    pub(super) max_wal_bytes: f64,
    pub(super) timeout_s: f64,
    pub(super) completion_target: f64,
}

impl<'a> Load<'a> {
    /// Both windows must be long enough.
    pub(super) fn of(case: &Case<'a>) -> Result<Self, Gap> {
        let context = case.snapshot.context.get()?;
        let (rate, _) = wal_rate(case, &WINDOW_S_MIN)?;
        let checkpoints = case.snapshot.wal.checkpoints.get()?;
        let window = Window::since_reset("checkpoints", checkpoints.counting_since, context.now)?;
        let number = |value: Option<f64>| value.unwrap_or_default();
        Ok(Self {
            checkpoints,
            window: window.at_least("checkpoints", &WINDOW_S_MIN, case.policy)?,
            rate,
            max_wal_bytes: number(setting::seen(case, "max_wal_size")?.bytes()),
            timeout_s: number(setting::seen(case, "checkpoint_timeout")?.seconds()),
            completion_target: number(
                setting::seen(case, "checkpoint_completion_target")?.number(),
            ),
        })
    }

    /// WAL after which a checkpoint is begun, of a `max_wal_size`: the rest is for the WAL that is written during one.
    pub(super) fn distance(&self, max_wal_bytes: f64) -> f64 {
        max_wal_bytes / (1.0 + self.completion_target)
    }

    /// Checkpoints that the amount of WAL can have forced with such a `max_wal_size`. The server counts what CHECKPOINT
    /// and DROP DATABASE request with those: there cannot have been more than the WAL has room for.
    pub(super) fn forced(&self, max_wal_bytes: f64) -> f64 {
        let written = self.rate.over(self.window.seconds());
        let room = written / self.distance(max_wal_bytes).max(1.0);
        float(self.checkpoints.requested).min(room.floor()).min(self.all())
    }

    /// Checkpoints in all: those that were skipped are left out where the server counts them.
    pub(super) fn all(&self) -> f64 {
        let begun = self.checkpoints.timed + self.checkpoints.requested;
        float(self.checkpoints.done.unwrap_or(begun).max(1))
    }

    /// The smallest `max_wal_size` for which the mean rate fills no interval.
    pub(super) fn needed(&self) -> f64 {
        self.rate.over(self.timeout_s) * (1.0 + self.completion_target)
    }

    /// How large it may be, and what bounds it.
    fn bound(case: &Case<'_>) -> f64 {
        let policy = case.policy;
        let disk = policy.get(&WAL_DISK_BYTES);
        let disk = if disk > 0.0 { disk * DISK_SHARE } else { f64::INFINITY };
        let recovery = policy.get(&RECOVERY_S_MAX) * policy.get(&REPLAY_BYTES_PER_S);
        policy.get(&MAX_WAL_BYTES_MAX).min(disk).min(recovery)
    }

    /// A size of at least so many bytes, with headroom, within the bounds; none where these allow no more than there is.
    pub(super) fn advised(&self, case: &Case<'_>, least: f64) -> Option<f64> {
        let wanted = least.max(self.needed() * HEADROOM);
        let bound = (Self::bound(case) / STEP_BYTES).floor() * STEP_BYTES;
        let bytes = ((wanted / STEP_BYTES).ceil() * STEP_BYTES).min(bound);
        (bytes > self.max_wal_bytes).then_some(bytes)
    }

    /// What to know before it is made that large.
    pub(super) fn caveats(&self, case: &Case<'_>, bytes: f64) -> Vec<String> {
        let minutes = bytes / case.policy.get(&REPLAY_BYTES_PER_S).max(1.0) / 60.0;
        let mut caveats = vec![
            format!(
                "recovery after a crash replays up to {}: {} at the rate assumed",
                size(bytes),
                counted(whole(minutes.ceil()), "minute", "minutes")
            ),
            format!("the rate is a mean over {}: its peaks are not known", self.rate.window),
        ];
        if case.policy.get(&WAL_DISK_BYTES) <= 0.0 {
            caveats.push(format!("pg_wal needs {} of disk, which SQL does not show", size(bytes)));
        }
        caveats
    }

    /// A moment of load is no habit.
    pub(super) fn severity(&self, severity: Severity) -> Severity {
        if self.window.seconds().min(self.rate.window.seconds()) < HABIT_S {
            severity.min(Severity::Low)
        } else {
            severity
        }
    }
}

/// WAL a second, where its counters have counted for so long at least.
pub(super) fn wal_rate<'a>(
    case: &Case<'a>,
    least: &Threshold,
) -> Result<(Rate, &'a WalWritten), Gap> {
    let context = case.snapshot.context.get()?;
    let wal = case.snapshot.wal.written.get()?;
    let window = Window::since_reset("wal_written", wal.counting_since, context.now)?;
    let window = window.at_least("wal_written", least, case.policy)?;
    Ok((window.rate(wal.bytes), wal))
}

/// A size as prose prints it.
pub(super) fn size(bytes: f64) -> String {
    let units = [(1024.0 * MIB, "GB"), (MIB, "MB"), (1024.0, "kB")];
    let large = units.into_iter().find(|(unit, _)| bytes >= *unit);
    let (unit, name) = large.unwrap_or((1.0, "bytes"));
    let number = bytes / unit;
    if number < 10.0 && (number - number.round()).abs() > 0.05 {
        format!("{number:.1} {name}")
    } else {
        format!("{number:.0} {name}")
    }
}

/// A size as SET takes it: whole megabytes.
pub(super) fn setting_value(bytes: f64) -> String {
    let megabytes = (bytes / MIB).round();
    if megabytes % 1024.0 < 0.5 {
        format!("{}GB", megabytes / 1024.0)
    } else {
        format!("{megabytes}MB")
    }
}
