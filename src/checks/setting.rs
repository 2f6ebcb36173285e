//! How a setting of the server is advised: by ALTER SYSTEM where that takes effect, and else where it is set.

use crate::model::observation::{Manager, RoleSetting, Setting, SettingContext};
use crate::model::{
    Action, Case, Declined, Finding, Gap, GapReason, Object, SettingChange, SettingScope,
};

/// A setting; a gap where our role is not shown it, or has a value of its own.
pub(super) fn seen<'a>(case: &Case<'a>, name: &str) -> Result<&'a Setting, Gap> {
    case.snapshot.common.settings.get()?;
    let setting = case.snapshot.common.setting(name).ok_or_else(|| {
        Gap::new(name, GapReason::ServerTooOld, format!("this server has no setting `{name}`"))
    })?;
    match source(case, setting) {
        "user" | "database user" | "client" => {
            let detail =
                format!("our role has its own value of `{name}`, which hides the server's");
            let lift = format!("ALTER ROLE … RESET {name};");
            Err(Gap::new(name, GapReason::NotVisibleInSql, detail).lifted_by(lift))
        }
        _ => Ok(setting),
    }
}

/// Where the value is from that sessions begin with. Our own session changes some of its own, and then shows that alone: what
/// roles and databases have comes before what the server has.
fn source<'a>(case: &Case<'_>, setting: &'a Setting) -> &'a str {
    if setting.source != "session" {
        return &setting.source;
    }
    let role = case.snapshot.context.get().map(|context| context.role.as_str()).ok();
    let own = case.snapshot.common.role_settings.get().map(Vec::as_slice).unwrap_or_default();
    let is_ours = |one: &&RoleSetting| {
        one.name == setting.name && (one.role.is_none() || one.role.as_deref() == role)
    };
    let rank = |one: &RoleSetting| match (&one.role, &one.database) {
        (Some(_), Some(_)) => (3, "database user"),
        (Some(_), None) => (2, "user"),
        (None, Some(_)) => (1, "database"),
        (None, None) => (0, "global"),
    };
    let of_ours = own.iter().filter(is_ours).map(rank).max();
    of_ours.map_or("configuration file", |(_, source)| source)
}

/// A setting, with the value that it should have.
pub(super) struct WantedSetting<'s> {
    pub(super) setting: &'s Setting,
    pub(super) value: String,
    /// What to know of that value.
    pub(super) caveats: Vec<String>,
}

/// The finding with the change of a setting that clears it, or why that is not to be made by ALTER SYSTEM.
pub(super) fn advise(
    case: &Case<'_>,
    finding: Finding,
    mut wanted: WantedSetting<'_>,
) -> (Finding, Option<Declined>) {
    let WantedSetting { setting, value, .. } = &wanted;
    let declined = |reason: &str, detail: String| {
        Declined::new(finding.check, finding.object.clone(), reason, detail)
    };
    let manager = case.snapshot.wal.manager.get();
    if let Some((owner, place)) = manager.ok().and_then(Manager::owner) {
        let reason = format!("{owner} owns the configuration");
        let detail = format!("set {} to {value} in {place}", setting.name);
        let declined = declined(&reason, detail);
        return (finding, Some(declined));
    }
    let outside = match source(case, setting) {
        "command line" => Some("on the command line of the server"),
        "environment variable" => Some("in the server's environment"),
        "global" => Some("for all roles, by ALTER ROLE ALL"),
        _ => None,
    };
    if let Some(outside) = outside {
        let detail = format!("ALTER SYSTEM does not override it: set {value} there");
        let declined = declined(&format!("{} is set {outside}", setting.name), detail);
        return (finding, Some(declined));
    }
    let unseen =
        manager.err().map(|gap| format!("who owns the configuration is not known: {}", gap.detail));
    wanted.caveats.extend(unseen);
    (finding.action(Action::SetSetting(change(case, wanted))), None)
}

fn change(case: &Case<'_>, wanted: WantedSetting<'_>) -> SettingChange {
    let WantedSetting { setting, value, mut caveats } = wanted;
    let (scope, before) = match database_value(case, setting) {
        Some((database, before)) => (SettingScope::Database(database), Some(before)),
        None => (SettingScope::System, written(setting)),
    };
    if scope == SettingScope::System && setting.set_by_alter_system.is_none() {
        caveats.push(format!(
            "this role is not shown whether ALTER SYSTEM set {} before: its value is {}",
            setting.name,
            with_unit(setting)
        ));
    }
    if scope == SettingScope::System && before.is_some() && setting.written.is_none() {
        caveats.push(format!(
            "undo sets {} as pg_settings prints it; the file may spell the value otherwise, which only those who may read \
             pg_file_settings are shown",
            setting.name
        ));
    }
    SettingChange {
        object: Object::Setting { name: setting.name.clone() },
        name: setting.name.clone(),
        value,
        scope,
        before,
        known_by: None,
        needs_restart: setting.context == SettingContext::Postmaster,
        caveats,
    }
}

/// The database that has a value of its own, and the value: one of the system would not take effect there.
fn database_value(case: &Case<'_>, setting: &Setting) -> Option<(String, String)> {
    if source(case, setting) != "database" {
        return None;
    }
    let own = case.snapshot.common.role_settings.get().ok()?;
    let is_here = |own: &&RoleSetting| {
        own.name == setting.name && own.role.is_none() && own.database.is_some()
    };
    let here = own.iter().find(is_here)?;
    Some((here.database.clone()?, here.value.clone()))
}

/// What ALTER SYSTEM wrote before: as it stands in the file, else as the server prints it.
fn written(setting: &Setting) -> Option<String> {
    let printed = || (setting.set_by_alter_system == Some(true)).then(|| with_unit(setting));
    setting.written.clone().or_else(printed)
}

/// The value as SET takes it.
pub(super) fn with_unit(setting: &Setting) -> String {
    let value = setting.value();
    match setting.unit.as_deref() {
        Some("8kB") => match value.parse::<i64>() {
            Ok(pages) if pages > 0 => format!("{}kB", pages * 8),
            _ => value.to_owned(),
        },
        // A negative number and zero take no unit: they mean something of their own.
        Some(unit) if value.parse::<f64>().is_ok_and(|number| number > 0.0) => {
            format!("{value}{unit}")
        }
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::wal::testing::{case, setting, snapshot};
    use crate::model::observation::WrittenSetting;
    use crate::model::{Policy, Severity};

    fn advised(
        edit: impl FnOnce(&mut crate::model::Snapshot),
    ) -> (Option<SettingChange>, Option<Declined>) {
        let mut seen = snapshot();
        edit(&mut seen);
        let policy = Policy::default();
        let case = case(&seen, &policy);
        let setting = super::seen(&case, "max_wal_size").unwrap_or_else(|_| unreachable!());
        let object = Object::Setting { name: "max_wal_size".to_owned() };
        let finding = Finding::new("wal/test", object, Severity::Low, "m");
        let wanted = WantedSetting { setting, value: "4GB".to_owned(), caveats: Vec::new() };
        let (finding, declined) = advise(&case, finding, wanted);
        let change = finding.actions.into_iter().find_map(|action| match action {
            Action::SetSetting(change) => Some(change),
            _ => None,
        });
        (change, declined)
    }

    #[test]
    fn undo_is_what_alter_system_wrote_and_a_reset_where_it_wrote_nothing() {
        let (change, _) = advised(|seen| {
            *setting(seen, "max_wal_size") = Setting {
                set_by_alter_system: Some(true),
                ..setting(seen, "max_wal_size").clone()
            };
        });
        let change = change.unwrap_or_else(|| unreachable!());
        assert_eq!(change.before.as_deref(), Some("1024MB"));
        assert!(change.caveats[0].contains("may spell the value otherwise"), "{change:?}");
        let (change, _) = advised(|seen| {
            let written = WrittenSetting { name: "max_wal_size".into(), value: "1 GB".into() };
            let setting = setting(seen, "max_wal_size");
            *setting = setting.clone().written_as(&[written]);
        });
        let change = change.unwrap_or_else(|| unreachable!());
        assert_eq!((change.before.as_deref(), change.caveats.len()), (Some("1 GB"), 0));
        let (change, _) = advised(|_| {});
        assert_eq!(change.map(|change| (change.before, change.needs_restart)), Some((None, false)));
    }

    #[test]
    fn where_a_manager_or_the_command_line_sets_it_alter_system_is_not_advised() {
        for manager in ["rds", "patroni", "cloudnative_pg", "unknown"] {
            let (change, declined) = advised(|seen| {
                let manager = Some(manager.to_owned());
                seen.wal.manager =
                    crate::model::Observation::Seen(crate::model::observation::Manager { manager });
            });
            assert!(change.is_none() && declined.is_some_and(|d| d.detail.contains("4GB")));
        }
        let (change, declined) = advised(|seen| {
            "command line".clone_into(&mut setting(seen, "max_wal_size").source);
        });
        assert!(change.is_none() && declined.is_some());
    }

    #[test]
    fn what_our_role_has_of_its_own_says_nothing_of_the_server() {
        for source in ["user", "database user", "client"] {
            let mut seen = snapshot();
            source.clone_into(&mut setting(&mut seen, "max_wal_size").source);
            let policy = Policy::default();
            assert!(super::seen(&case(&seen, &policy), "max_wal_size").is_err(), "{source}");
        }
        let (change, declined) = advised(|seen| {
            "global".clone_into(&mut setting(seen, "max_wal_size").source);
        });
        assert!(change.is_none() && declined.is_some());
    }

    #[test]
    fn what_our_own_session_hides_is_known_from_what_roles_and_databases_have() {
        let own = |role: Option<&str>, database: Option<&str>| RoleSetting {
            database: database.map(str::to_owned),
            role: role.map(str::to_owned),
            name: "max_wal_size".to_owned(),
            value: "2GB".to_owned(),
        };
        let (everyone, here) = (own(None, None), own(None, Some("app")));
        for (all, scope) in [
            (vec![], Some(SettingScope::System)),
            (vec![own(Some("web"), None)], Some(SettingScope::System)),
            (vec![everyone.clone()], None),
            (vec![everyone, here], Some(SettingScope::Database("app".to_owned()))),
        ] {
            let (change, declined) = advised(|seen| {
                "session".clone_into(&mut setting(seen, "max_wal_size").source);
                seen.common.role_settings = crate::model::Observation::Seen(all);
            });
            assert_eq!(change.map(|change| change.scope), scope);
            assert_eq!(declined.is_some(), scope.is_none());
        }
    }

    #[test]
    fn what_the_database_has_of_its_own_is_changed_there() {
        let (change, _) = advised(|seen| {
            "database".clone_into(&mut setting(seen, "max_wal_size").source);
            seen.common.role_settings =
                crate::model::Observation::Seen(vec![crate::model::observation::RoleSetting {
                    database: Some("app".to_owned()),
                    role: None,
                    name: "max_wal_size".to_owned(),
                    value: "2GB".to_owned(),
                }]);
        });
        let change = change.map(|change| (change.scope, change.before));
        let expected = (SettingScope::Database("app".to_owned()), Some("2GB".to_owned()));
        assert_eq!(change, Some(expected));
    }
}
