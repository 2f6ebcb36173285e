//! `concurrency/session-state-behind-pooler`, explained in the page beside this file.

use std::collections::BTreeMap;

use super::recognised::{self, Recognised};
use crate::checks::Check;
use crate::model::observation::{SessionNeed, Workload};
use crate::model::pooler::{Pooler, Survival};
use crate::model::{
    Case, Confidence, Declined, Evidence, Finding, Gap, Grade, Judgement, Number, Object, Severity,
    Superpower, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Concurrency,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::CONNECTION_LIMITS, Topic::STATEMENTS],
    uses: &[Topic::SESSIONS],
    requires: &[],
    thresholds: &[],
    page: include_str!("session_state_behind_pooler.md"),
    judge,
};

const ID: &str = "concurrency/session-state-behind-pooler";

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let mut judgement = Judgement { gaps: super::seen::unseen(case), ..Judgement::default() };
    let in_front = recognised::pooler(case)?;
    let workload = case.snapshot.workload.get()?;
    let Some(in_front) = in_front else {
        judgement.declined.extend(unrecognised(workload));
        return Ok(judgement);
    };
    let limits = case.snapshot.concurrency.limits.get()?;
    let object = Object::Database { database: limits.database.clone() };
    let mut lost: BTreeMap<SessionNeed, (u64, Vec<&str>)> = BTreeMap::new();
    let mut source = "";
    for one in &workload.session_uses {
        let setting = one.setting.as_deref();
        match in_front.pooler.survival(None, (one.need, setting)) {
            (Survival::Lost, of) => {
                source = of;
                let known = lost.entry(one.need).or_default();
                known.0 = known.0.saturating_add(one.calls);
                known.1.extend(setting);
            }
            (Survival::KeptWhenConfigured(how), _) => {
                judgement.declined.push(kept(&object, in_front, one.need, how));
            }
            (Survival::Kept | Survival::Unknown, _) => {}
        }
    }
    if lost.is_empty() {
        return Ok(judgement);
    }
    if in_front.clears_sessions {
        judgement.declined.push(Declined::new(
            ID,
            object,
            "DISCARD ALL clears its sessions, as in session mode",
            format!(
                "transaction mode would break {}, and does where server_reset_query_always is on",
                listed(&lost)
            ),
        ));
        return Ok(judgement);
    }
    judgement.findings.push(found(&object, in_front, &lost, source));
    judgement.declined.push(Declined::new(
        ID,
        object,
        "the mode of a pooler does not show in SQL",
        "in session mode nothing is lost; else SET LOCAL, pg_advisory_xact_lock, ON COMMIT DROP, or a direct connection for these statements",
    ));
    Ok(judgement)
}

/// What a pooler would lose, where none was recognised: one that runs nothing of its own shows in no session.
fn unrecognised(workload: &Workload) -> Option<Declined> {
    let mut lost: BTreeMap<SessionNeed, (u64, Vec<&str>)> = BTreeMap::new();
    for one in &workload.session_uses {
        let setting = one.setting.as_deref();
        if Pooler::PgBouncer.survival(None, (one.need, setting)).0 == Survival::Lost {
            lost.entry(one.need).or_default().1.extend(setting);
        }
    }
    (!lost.is_empty()).then(|| {
        Declined::new(
            ID,
            Object::Cluster,
            "no pooler was recognised",
            format!("behind PgBouncer in transaction mode {} would be lost", listed(&lost)),
        )
    })
}

fn found(
    object: &Object,
    in_front: Recognised,
    lost: &BTreeMap<SessionNeed, (u64, Vec<&str>)>,
    source: &str,
) -> Finding {
    let calls: u64 = lost.values().map(|(calls, _)| calls).sum();
    let message = format!(
        "Database `{object}` is behind {} and its statements keep {} in their session: transaction mode loses it",
        in_front.pooler.as_str(),
        listed(lost)
    );
    let name = |name: &str, value: &str| Evidence {
        name: name.to_owned(),
        value: Number::from(value),
        unit: Unit::Name,
        source: "pooler_signs".to_owned(),
        grade: Grade::Heuristic,
    };
    Finding::new(ID, object.clone(), Severity::Medium, message)
        .confidence(Confidence::Medium)
        .statistic("workload.calls", i64::try_from(calls).unwrap_or(i64::MAX), Unit::Count)
        .evidence(name("recognised_by", in_front.sign))
        .evidence(name("documented_at", source))
}

/// What is lost, in a few words; of `SET` up to three settings.
fn listed(lost: &BTreeMap<SessionNeed, (u64, Vec<&str>)>) -> String {
    let name = |(need, (_, settings)): (&SessionNeed, &(u64, Vec<&str>))| {
        if settings.is_empty() {
            return need.as_str().to_owned();
        }
        let more = if settings.len() > 3 { ", …" } else { "" };
        let first: Vec<&str> = settings.iter().take(3).copied().collect();
        format!("{} ({}{more})", need.as_str(), first.join(", "))
    };
    lost.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn kept(object: &Object, in_front: Recognised, need: SessionNeed, how: &str) -> Declined {
    Declined::new(
        ID,
        object.clone(),
        format!("{} keeps {} where it is configured so", in_front.pooler.as_str(), need.as_str()),
        format!("needs {how}"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, edit, sign, snapshot};
    use super::*;
    use crate::model::observation::SessionUse;
    use crate::model::{Policy, Snapshot};

    fn judged(snapshot: &Snapshot) -> Judgement {
        CHECK.run(&case(snapshot, &Policy::default())).unwrap_or_default()
    }

    fn with(signs: &[(&str, &str)], uses: &[(SessionNeed, Option<&str>)]) -> Snapshot {
        let mut seen = snapshot();
        edit(&mut seen.concurrency.pooler_signs)
            .extend(signs.iter().map(|(one, pooler)| sign(one, pooler)));
        let uses = uses.iter().map(|(need, setting)| SessionUse {
            need: *need,
            setting: setting.map(str::to_owned),
            calls: 10,
        });
        edit(&mut seen.workload).session_uses = uses.collect();
        seen
    }

    const USES: [(SessionNeed, Option<&str>); 3] = [
        (SessionNeed::Set, Some("statement_timeout")),
        (SessionNeed::Set, Some("timezone")),
        (SessionNeed::Listen, None),
    ];

    #[test]
    fn what_pgbouncer_loses_is_named_without_what_it_tracks() {
        let judgement = judged(&with(&[("auth_query", "pgbouncer")], &USES));
        let expected = "Database `app` is behind PgBouncer and its statements keep SET (statement_timeout), LISTEN in their session: transaction mode loses it";
        assert_eq!(judgement.findings[0].message, expected);
        assert_eq!(judgement.findings[0].confidence, Confidence::Medium);
    }

    #[test]
    fn without_a_pooler_and_in_session_mode_it_is_silent() {
        assert_eq!(judged(&with(&[], &[])), Judgement::default());
        for signs in [&[][..], &[("discard_all", "unknown")]] {
            let judgement = judged(&with(signs, &USES));
            assert!(judgement.findings.is_empty());
            assert_eq!(judgement.declined[0].reason, "no pooler was recognised");
        }
        let signs = [("name", "pgbouncer"), ("discard_all", "unknown")];
        let judgement = judged(&with(&signs, &USES));
        assert!(judgement.findings.is_empty());
        assert!(judgement.declined[0].reason.ends_with("session mode"));
    }

    #[test]
    fn pgdog_keeps_settings_and_listens_where_it_is_configured() {
        let judgement = judged(&with(&[("name", "pgdog")], &USES));
        assert!(judgement.findings.is_empty());
        assert_eq!(judgement.declined[0].detail, "needs pub_sub_channel_size");
    }
}
