//! What lifts the gaps of one run, as this server and our role take it: checks know neither.

use crate::model::observation::{Context, Manager, RoleSetting};
use crate::model::{Gap, Snapshot, quote_identifier};

/// Names the role that grants are for, where each setting is changed, and the statements that a standby does not take.
pub(super) fn name_places(gaps: &mut [Gap], snapshot: &Snapshot) {
    for gap in gaps.iter_mut() {
        if let Some((name, value)) = gap.altered_setting() {
            gap.lift = Some(set(name, value, snapshot, gap.lift.as_deref().unwrap_or_default()));
        }
    }
    let context = snapshot.context.get().ok();
    Gap::name_role(gaps, context.map(|context| context.role.as_str()));
    if let Some(context) = context.filter(|context| !context.privileges.inherits) {
        for gap in gaps.iter_mut() {
            gap.lift = gap.lift.take().map(|step| inherited(step, context, snapshot.server.major));
        }
    }
    if snapshot.server.in_recovery {
        Gap::name_primary(gaps);
    }
}

/// The membership in a role alone gives nothing to a role that does not inherit.
fn inherited(step: String, context: &Context, major: u32) -> String {
    let role = quote_identifier(&context.role);
    let end = format!(" TO {role};");
    match step.strip_suffix(&end).filter(|grant| grant.starts_with("GRANT pg_")) {
        Some(grant) if major >= 16 => format!("{grant} TO {role} WITH INHERIT TRUE;"),
        Some(_) => format!("{step} ALTER ROLE {role} INHERIT;"),
        None => step,
    }
}

/// How a setting of the server gets its value, where ALTER SYSTEM is refused or overridden.
fn set(name: &str, value: &str, snapshot: &Snapshot, by_alter_system: &str) -> String {
    let manager = snapshot.wal.manager.get().ok();
    let manager = manager.filter(|one| one.manager.as_deref() != Some("unknown"));
    let common = &snapshot.common;
    let is_refused = common.setting("allow_alter_system").is_some_and(|one| !one.is_on());
    let in_force = common.setting(name).map(|setting| setting.source.as_str());
    let mut step = match (manager.and_then(Manager::owner), in_force) {
        (Some((_, place)), _) => format!("set {name} to {value} in {place};"),
        (None, Some("command line")) => {
            format!("set {name} to {value} on the command line of the server, and restart it;")
        }
        (None, _) if is_refused => {
            format!("set {name} to {value} in the configuration file: allow_alter_system is off;")
        }
        (None, _) => by_alter_system.to_owned(),
    };
    let own = common.role_settings.get().map(Vec::as_slice).unwrap_or_default();
    for one in own.iter().filter(|one| one.name == name && one.value != value.trim_matches('\'')) {
        step.push(' ');
        step.push_str(&reset(one));
    }
    step
}

/// What takes away the value that a database or a role has of its own.
fn reset(one: &RoleSetting) -> String {
    let database = one.database.as_deref().map(quote_identifier);
    let of = match (one.role.as_deref().map(quote_identifier), database) {
        (Some(role), Some(database)) => format!("ROLE {role} IN DATABASE {database}"),
        (Some(role), None) => format!("ROLE {role}"),
        (None, Some(database)) => format!("DATABASE {database}"),
        (None, None) => "ROLE ALL".to_owned(),
    };
    format!("ALTER {of} RESET {};", one.name)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::{GapReason, Observation, Server, alter_role, alter_system};

    fn snapshot() -> Snapshot {
        let server = Server { version: "18.6".to_owned(), major: 18, in_recovery: false };
        Snapshot::new(server, Timestamp::UNIX_EPOCH)
    }

    fn lifted(step: String, seen: &Snapshot) -> String {
        let mut gaps = [Gap::new("x", GapReason::NotVisibleInSql, "unseen").lifted_by(step)];
        name_places(&mut gaps, seen);
        gaps[0].lift.clone().unwrap_or_default()
    }

    fn own(role: Option<&str>, database: Option<&str>, value: &str) -> RoleSetting {
        RoleSetting {
            role: role.map(str::to_owned),
            database: database.map(str::to_owned),
            name: "track_counts".to_owned(),
            value: value.to_owned(),
        }
    }

    #[test]
    fn a_value_of_a_database_or_a_role_is_taken_away_beside_that_of_the_server() {
        let mut seen = snapshot();
        let step = || alter_system("track_counts", "on");
        assert_eq!(lifted(step(), &seen), step());
        seen.common.role_settings = Observation::Seen(vec![
            own(None, Some("My app"), "off"),
            own(Some("etl"), Some("app"), "off"),
            own(Some("web"), None, "on"),
        ]);
        let resets = "ALTER DATABASE \"My app\" RESET track_counts; ALTER ROLE etl IN DATABASE app RESET track_counts;";
        assert_eq!(lifted(step(), &seen), format!("{} {resets}", step()));
    }

    #[test]
    fn where_a_service_owns_the_configuration_it_is_named() {
        let mut seen = snapshot();
        seen.wal.manager = Observation::Seen(Manager { manager: Some("rds".to_owned()) });
        let step = lifted(alter_system("track_io_timing", "on"), &seen);
        assert_eq!(step, "set track_io_timing to on in the DB parameter group;");
    }

    #[test]
    fn a_standby_names_its_primary_for_roles_and_not_for_its_own_settings() {
        let mut seen = snapshot();
        seen.server.in_recovery = true;
        let step = lifted(alter_role("BYPASSRLS"), &seen);
        assert_eq!(step, "on the primary: ALTER ROLE dbopt BYPASSRLS;");
        let step = lifted(alter_system("track_counts", "on"), &seen);
        assert_eq!(step, alter_system("track_counts", "on"));
    }
}
