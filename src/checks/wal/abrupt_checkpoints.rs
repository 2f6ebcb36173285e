//! `wal/abrupt-checkpoints`, explained in the page beside this file.

use super::setting;
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::model::toast::BLOCK_BYTES;
use crate::model::{
    Case, Finding, Gap, Judgement, Object, Severity, Superpower, Threshold, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Wal,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::SETTINGS, Topic::WAL_SERVER],
    uses: &[],
    requires: &[],
    thresholds: &[&COMPLETION_TARGET],
    page: include_str!("abrupt_checkpoints.md"),
    judge,
};

const ID: &str = "wal/abrupt-checkpoints";

static COMPLETION_TARGET: Threshold = Threshold {
    name: "completion_target",
    default: 0.9,
    unit: Unit::Ratio,
    reason: "PostgreSQL's default: pages are written over nine tenths of the interval",
};

/// Bytes of a mean checkpoint from which on writing them sooner is felt.
const FELT_BYTES: f64 = 67_108_864.0;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let mut judgement = Judgement::default();
    let setting = setting::seen(case, "checkpoint_completion_target")?;
    let target = case.policy.get(&COMPLETION_TARGET);
    let Some(set) = setting.number().filter(|set| *set + 1e-9 < target) else {
        return Ok(judgement);
    };
    let mean_bytes = case.snapshot.wal.checkpoints.get().ok().map(|seen| {
        let checkpoints = seen.done.unwrap_or(seen.timed + seen.requested).max(1);
        float(seen.buffers * BLOCK_BYTES) / float(checkpoints)
    });
    let is_felt = mean_bytes.is_some_and(|bytes| bytes >= FELT_BYTES);
    let severity = if is_felt { Severity::Medium } else { Severity::Low };
    let object = Object::Setting { name: setting.name.clone() };
    let message = format!(
        "`checkpoint_completion_target` is {set}: checkpoints write in {} of their interval",
        crate::model::percent(set)
    );
    let finding = Finding::new(ID, object, severity, message).statistic(
        "settings.checkpoint_completion_target",
        set,
        Unit::Ratio,
    );
    let finding = match mean_bytes {
        Some(bytes) => {
            finding.statistic("checkpoints.mean_checkpoint_bytes", whole(bytes), Unit::Bytes)
        }
        None => finding,
    };
    let wanted = setting::WantedSetting { setting, value: target.to_string(), caveats: Vec::new() };
    let (finding, declined) = setting::advise(case, finding, wanted);
    judgement.findings.push(finding);
    judgement.declined.extend(declined);
    Ok(judgement)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, edit, set, snapshot};
    use super::*;
    use crate::model::{Policy, Snapshot};

    #[test]
    fn half_of_the_interval_is_abrupt_and_felt_only_where_much_is_written() {
        let mut seen = snapshot();
        let policy = Policy::default();
        assert_eq!(CHECK.run(&case(&seen, &policy)), Ok(Judgement::default()));
        set(&mut seen, "checkpoint_completion_target", "0.5");
        let severity =
            |seen: &Snapshot| CHECK.run(&case(seen, &policy)).map(|j| j.findings[0].severity);
        assert_eq!(severity(&seen), Ok(Severity::Low));
        edit(&mut seen.wal.checkpoints).buffers = 200 * 20_000;
        assert_eq!(severity(&seen), Ok(Severity::Medium));
    }
}
