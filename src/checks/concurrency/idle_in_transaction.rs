//! `concurrency/idle-in-transaction`, explained in the page beside this file.

use std::collections::BTreeMap;

use super::seen;
use crate::checks::Check;
use crate::checks::number::whole;
use crate::model::observation::{ClientSession, RoleSetting};
use crate::model::rate::duration;
use crate::model::{
    Action, Case, Declined, Finding, Gap, Judgement, Object, SettingChange, SettingScope, Severity,
    Superpower, Threshold, Topic, Unit, counted,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Concurrency,
    worst: Severity::High,
    needs: &[Topic::CONTEXT, Topic::SESSIONS, Topic::CONNECTION_LIMITS, Topic::SETTINGS],
    uses: &[],
    requires: &[],
    thresholds: &[&IDLE_S_MAX],
    page: include_str!("idle_in_transaction.md"),
    judge,
};

const ID: &str = "concurrency/idle-in-transaction";

static IDLE_S_MAX: Threshold = Threshold {
    name: "idle_s_max",
    default: 300.0,
    unit: Unit::S,
    reason: "no request takes five minutes to send its next statement",
};

const SETTING: &str = "idle_in_transaction_session_timeout";

/// A shorter timeout ends sessions of people who read what they got.
const TIMEOUT_S_MIN: f64 = 60.0;

/// Transactions held back from which on vacuum is late.
const XIDS_MANY: i64 = 1_000_000;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let sessions = case.snapshot.concurrency.sessions.get()?;
    let mut judgement = Judgement { gaps: seen::unseen(case), ..Judgement::default() };
    let idle_s_max = case.policy.get(&IDLE_S_MAX);
    let mut by_role: BTreeMap<&str, Vec<&ClientSession>> = BTreeMap::new();
    for session in sessions.iter().filter(|one| one.is_current && is_idle(one, idle_s_max)) {
        if let Some(role) = &session.role {
            by_role.entry(role).or_default().push(session);
        }
    }
    for (role, sessions) in by_role {
        of_role(case, &mut judgement, role, &sessions);
    }
    prepared(case, &mut judgement);
    Ok(judgement)
}

fn is_idle(session: &ClientSession, idle_s_max: f64) -> bool {
    let state = session.state.as_deref().unwrap_or_default();
    state.starts_with("idle in transaction")
        && session.state_age_s.is_some_and(|age| age > idle_s_max)
}

fn of_role(case: &Case<'_>, judgement: &mut Judgement, role: &str, sessions: &[&ClientSession]) {
    // The one that harms most is named; the others are counted.
    let age = |session: &ClientSession| whole(session.state_age_s.unwrap_or_default());
    let Some(worst) = sessions.iter().max_by_key(|one| (one.blocks, age(one))) else { return };
    let object = Object::Role { role: role.to_owned() };
    let seconds = worst.state_age_s.unwrap_or_default();
    let timeout_s = case.policy.get(&IDLE_S_MAX).max(TIMEOUT_S_MIN);
    let end = format!("pg_terminate_backend({})", worst.pid);
    let limited =
        timeout_of(case, role).is_some_and(|timeout| timeout > 0.0 && timeout <= timeout_s);
    if limited {
        judgement.declined.push(Declined::new(
            ID,
            object,
            format!("{SETTING} is set; the session began before, or set its own"),
            format!(
                "process {} has been idle in its transaction for {}: end it, or {end}",
                worst.pid,
                duration(seconds)
            ),
        ));
        return;
    }
    let blocks: i64 = sessions.iter().map(|one| one.blocks).sum();
    let xids = sessions.iter().filter_map(|one| one.xmin_age).max();
    let finding =
        Finding::new(ID, object.clone(), severity(blocks, xids), message(worst, sessions))
            .statistic("sessions.idle_s", whole(seconds), Unit::S)
            .statistic(
                "sessions.count",
                i64::try_from(sessions.len()).unwrap_or(i64::MAX),
                Unit::Count,
            )
            .statistic("sessions.blocks", blocks, Unit::Count);
    let finding = match xids {
        Some(xids) => finding.statistic("sessions.xmin_age", xids, Unit::Count),
        None => finding,
    };
    judgement.declined.push(Declined::new(
        ID,
        object.clone(),
        "only you know whether the session may be ended",
        format!("end its transaction, or {end}"),
    ));
    let finding = if case.snapshot.server.in_recovery {
        judgement.declined.push(Declined::new(
            ID,
            object,
            "this server is a standby, where roles cannot be changed",
            format!("on its primary: ALTER ROLE … SET {SETTING}"),
        ));
        finding
    } else {
        finding.action(Action::SetSetting(change(case, role, object, timeout_s)))
    };
    judgement.findings.push(finding);
}

fn message(worst: &ClientSession, sessions: &[&ClientSession]) -> String {
    let client = seen::client(worst.application.as_deref(), worst.role.as_deref());
    let seconds = duration(worst.state_age_s.unwrap_or_default());
    let others = match sessions.len() {
        1 => String::new(),
        count => format!("; {count} sessions of the role are"),
    };
    let blocks = match worst.blocks {
        0 => String::new(),
        1 => ", 1 session waits for it".to_owned(),
        count => format!(", {count} sessions wait for it"),
    };
    let pins = match worst.xmin_age {
        Some(xids) if xids > 0 => {
            format!(", holds back vacuum by {}", counted(xids, "transaction", "transactions"))
        }
        _ => String::new(),
    };
    format!("{client} has been idle in a transaction for {seconds}{blocks}{pins}{others}")
}

fn severity(blocks: i64, xids: Option<i64>) -> Severity {
    if blocks > 0 || xids.is_some_and(|xids| xids >= XIDS_MANY) {
        Severity::High
    } else {
        Severity::Medium
    }
}

/// The timeout where the role has one of its own: there it is changed.
fn own<'a>(case: &Case<'a>, role: &str) -> Option<&'a RoleSetting> {
    let settings = case.snapshot.common.role_settings.get().ok()?;
    let of_role = |one: &&RoleSetting| one.name == SETTING && one.role.as_deref() == Some(role);
    let mut own = settings.iter().filter(of_role);
    let first = own.next()?;
    // One for this database overrides one for all.
    Some(own.find(|one| one.database.is_some()).unwrap_or(first))
}

/// The timeout of new sessions of a role in this database, in seconds: by the role, else by the database, by all roles, or by
/// the server; absent where it is not known.
fn timeout_of(case: &Case<'_>, role: &str) -> Option<f64> {
    if let Some(own) = own(case, role) {
        return seconds(&own.value);
    }
    let settings = case.snapshot.common.role_settings.get().map(Vec::as_slice).unwrap_or_default();
    let of_all = || settings.iter().filter(|one| one.name == SETTING && one.role.is_none());
    let of_database = of_all().find(|one| one.database.is_some());
    if let Some(set) = of_database.or_else(|| of_all().next()) {
        return seconds(&set.value);
    }
    let of_server = case.snapshot.common.setting(SETTING)?.seconds()?;
    (!hides_the_server_s(case)).then_some(of_server)
}

/// Whether our own session begins with a value of our role, so that the server's is not shown.
fn hides_the_server_s(case: &Case<'_>) -> bool {
    let Ok(context) = case.snapshot.context.get() else { return true };
    own(case, &context.role).is_some()
}

/// A time as SET takes it: milliseconds where no unit is written.
fn seconds(value: &str) -> Option<f64> {
    let value = value.trim();
    let end = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    let (number, unit) = value.split_at(end);
    let of_unit = match unit.trim() {
        "us" => 1e-6,
        "" | "ms" => 1e-3,
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * of_unit)
}

fn change(case: &Case<'_>, role: &str, object: Object, timeout_s: f64) -> SettingChange {
    let own = own(case, role);
    let scope = match own.and_then(|own| own.database.clone()) {
        Some(database) => SettingScope::RoleInDatabase { role: role.to_owned(), database },
        None => SettingScope::Role(role.to_owned()),
    };
    let mut caveats = vec![
        "a session that is idle in a transaction for longer is ended, and its transaction rolled back".to_owned(),
        "sessions that are there already keep what they began with".to_owned(),
    ];
    if own.is_none() && hides_the_server_s(case) {
        caveats.push(
            "the server's own value is not shown to a role that has one of its own: a shorter one would be overridden"
                .to_owned(),
        );
    }
    SettingChange {
        object,
        name: SETTING.to_owned(),
        value: format!("{}s", whole(timeout_s)),
        scope,
        before: own.map(|own| own.value.clone()),
        known_by: None,
        needs_restart: false,
        caveats,
    }
}

/// A prepared transaction holds its locks as well, and has no session that could be ended.
fn prepared(case: &Case<'_>, judgement: &mut Judgement) {
    let Ok(limits) = case.snapshot.concurrency.limits.get() else { return };
    let oldest = limits.oldest_prepared_s.filter(|age| *age > case.policy.get(&IDLE_S_MAX));
    let Some(oldest) = oldest else { return };
    let object = Object::Database { database: limits.database.clone() };
    let message = format!(
        "Database `{}` has {} prepared transactions, the oldest for {}: their locks are held",
        limits.database,
        limits.prepared,
        duration(oldest)
    );
    let finding = Finding::new(ID, object.clone(), Severity::Medium, message)
        .statistic("connection_limits.prepared", limits.prepared, Unit::Count)
        .statistic("connection_limits.oldest_prepared_s", whole(oldest), Unit::S);
    judgement.findings.push(finding);
    judgement.declined.push(Declined::new(
        ID,
        object,
        "only its transaction manager knows how it ends",
        "pg_prepared_xacts lists them: COMMIT PREPARED or ROLLBACK PREPARED",
    ));
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, edit, session, snapshot};
    use super::*;
    use crate::model::{Policy, Snapshot};

    fn judged(snapshot: &Snapshot) -> Judgement {
        CHECK.run(&case(snapshot, &Policy::default())).unwrap_or_default()
    }

    fn role_setting(role: Option<&str>, database: Option<&str>, value: &str) -> RoleSetting {
        RoleSetting {
            database: database.map(str::to_owned),
            role: role.map(str::to_owned),
            name: SETTING.to_owned(),
            value: value.to_owned(),
        }
    }

    #[test]
    fn a_session_is_found_once_it_is_idle_for_longer_than_the_threshold() {
        let mut seen = snapshot();
        edit(&mut seen.concurrency.sessions).push(session("idle in transaction", 300.0));
        assert!(judged(&seen).findings.is_empty());
        edit(&mut seen.concurrency.sessions)[0].state_age_s = Some(720.0);
        let expected = "`web` as `app` has been idle in a transaction for 12 minutes";
        assert_eq!(judged(&seen).findings[0].message, expected);
        assert_eq!(judged(&seen).findings[0].severity, Severity::Medium);
        edit(&mut seen.concurrency.sessions)[0].state = Some("active".to_owned());
        assert!(judged(&seen).findings.is_empty());
    }

    #[test]
    fn what_it_blocks_and_pins_is_said_and_makes_it_high() {
        let mut seen = snapshot();
        let mut one = session("idle in transaction (aborted)", 720.0);
        (one.blocks, one.xmin_age) = (3, Some(40));
        edit(&mut seen.concurrency.sessions).extend([one, session("idle in transaction", 9000.0)]);
        let judgement = judged(&seen);
        let [found] = judgement.findings.as_slice() else { unreachable!("one for the role") };
        let expected = "`web` as `app` has been idle in a transaction for 12 minutes, 3 sessions wait for it, holds back vacuum by 40 transactions; 2 sessions of the role are";
        assert_eq!((found.severity, found.message.as_str()), (Severity::High, expected));
    }

    #[test]
    fn the_timeout_is_advised_where_the_role_has_its_own_and_undone_exactly() {
        let mut seen = snapshot();
        edit(&mut seen.concurrency.sessions).push(session("idle in transaction", 720.0));
        let advised = |seen: &Snapshot| match judged(seen).findings[0].actions.as_slice() {
            [Action::SetSetting(change)] => change.clone(),
            other => unreachable!("{other:?}"),
        };
        let change = advised(&seen);
        assert_eq!((change.value.as_str(), change.before), ("300s", None));
        assert_eq!(change.scope, SettingScope::Role("app".to_owned()));
        edit(&mut seen.common.role_settings).push(role_setting(Some("app"), None, "1h"));
        assert_eq!(advised(&seen).before.as_deref(), Some("1h"));
        edit(&mut seen.common.role_settings).push(role_setting(Some("app"), Some("app"), "0"));
        let (role, database) = ("app".to_owned(), "app".to_owned());
        assert_eq!(advised(&seen).scope, SettingScope::RoleInDatabase { role, database });
    }

    #[test]
    fn where_new_sessions_are_limited_the_old_one_is_declined() {
        let mut seen = snapshot();
        edit(&mut seen.concurrency.sessions).push(session("idle in transaction", 720.0));
        for own in [
            role_setting(Some("app"), None, "5min"),
            role_setting(Some("app"), Some("app"), "30000"),
            role_setting(None, Some("app"), "300 s"),
            role_setting(None, None, "20s"),
        ] {
            seen.common.role_settings = crate::model::Observation::Seen(vec![own]);
            let judgement = judged(&seen);
            assert!(judgement.findings.is_empty());
            assert!(judgement.declined[0].detail.contains("pg_terminate_backend(7)"));
        }
    }

    #[test]
    fn a_value_of_our_own_role_is_not_taken_for_the_server_s() {
        let mut seen = snapshot();
        edit(&mut seen.concurrency.sessions).push(session("idle in transaction", 720.0));
        edit(&mut seen.common.settings)[0].reset_value = Some("60000".to_owned());
        assert!(judged(&seen).findings.is_empty(), "the server's");
        "dbopt".clone_into(&mut edit(&mut seen.context).role);
        edit(&mut seen.common.role_settings).push(role_setting(Some("dbopt"), None, "60s"));
        let judgement = judged(&seen);
        let Action::SetSetting(change) = &judgement.findings[0].actions[0] else { unreachable!() };
        assert!(change.caveats.iter().any(|one| one.contains("is not shown")), "{change:?}");
    }

    #[test]
    fn on_a_standby_no_role_is_changed() {
        let mut seen = snapshot();
        seen.server.in_recovery = true;
        edit(&mut seen.concurrency.sessions).push(session("idle in transaction", 720.0));
        assert!(judged(&seen).findings[0].actions.is_empty());
    }

    #[test]
    fn a_prepared_transaction_that_nobody_ends_is_found() {
        let mut seen = snapshot();
        let limits = edit(&mut seen.concurrency.limits);
        (limits.prepared, limits.oldest_prepared_s) = (1, Some(7300.0));
        let expected = "Database `app` has 1 prepared transactions, the oldest for 2 hours: their locks are held";
        assert_eq!(judged(&seen).findings[0].message, expected);
    }

    #[test]
    fn times_are_read_as_set_takes_them() {
        for (value, expected) in
            [("5min", Some(300.0)), ("300000", Some(300.0)), ("0", Some(0.0)), ("soon", None)]
        {
            assert_eq!(seconds(value), expected, "{value}");
        }
    }
}
