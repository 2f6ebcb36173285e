//! Settings of pgvector as sessions of the application get them.

use super::column::VectorField;
use crate::model::{Case, Object, SettingChange, SettingScope};

/// What sessions begin with.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct InForce {
    name: &'static str,
    /// Where no role has a value of its own.
    pub(super) value: String,
    /// The value that the database has of its own, if it has.
    pub(super) of_database: Option<String>,
    /// Values that roles have of their own, here or everywhere.
    pub(super) of_roles: Vec<(SettingScope, String)>,
}

/// A setting as it is in force; `default` is pgvector's, for where the library could not be loaded.
pub(super) fn in_force(case: &Case<'_>, name: &'static str, default: &str) -> InForce {
    let seen = case.snapshot;
    let own = seen.common.role_settings.get().map(Vec::as_slice).unwrap_or_default();
    let own = || own.iter().filter(|setting| setting.name == name);
    let of_database = own()
        .find(|setting| setting.role.is_none() && setting.database.is_some())
        .map(|setting| setting.value.clone());
    let of_all = own()
        .find(|setting| setting.role.is_none() && setting.database.is_none())
        .map(|setting| setting.value.clone());
    let settings = seen.vector.settings.get().map(Vec::as_slice).unwrap_or_default();
    // What our own role or connection has is not what others get.
    let of_server = settings
        .iter()
        .find(|setting| setting.name == name)
        .filter(|s| matches!(&*s.source, "default" | "configuration file" | "command line"))
        .map(|setting| setting.value().to_owned());
    let of_roles = own().filter_map(|setting| {
        let role = setting.role.clone()?;
        let scope = match setting.database.clone() {
            Some(database) => SettingScope::RoleInDatabase { role, database },
            None => SettingScope::Role(role),
        };
        Some((scope, setting.value.clone()))
    });
    InForce {
        name,
        value: of_database.clone().or(of_all).or(of_server).unwrap_or_else(|| default.to_owned()),
        of_database,
        of_roles: of_roles.collect(),
    }
}

impl InForce {
    /// As a number.
    pub(super) fn number(&self) -> Option<f64> {
        self.value.trim().parse().ok()
    }

    /// Another value for the database of a column; `effect` is what it does to searches.
    pub(super) fn change(
        &self,
        column: &VectorField<'_>,
        value: &str,
        effect: &str,
    ) -> SettingChange {
        SettingChange {
            object: Object::Setting { name: self.name.to_owned() },
            name: self.name.to_owned(),
            value: value.to_owned(),
            scope: SettingScope::Database(column.extension.database.clone()),
            before: self.of_database.clone(),
            known_by: Some(column.extension.type_name()),
            needs_restart: false,
            caveats: vec![
                effect.to_owned(),
                "not by SET in a session: a pooler hands it to others; SET LOCAL in a transaction does not leak"
                    .to_owned(),
            ],
        }
    }

    /// The first role whose own value satisfies a condition.
    pub(super) fn role_where(&self, holds: impl Fn(&str) -> bool) -> Option<(&str, &str)> {
        let mut roles = self.of_roles.iter();
        roles.find(|(_, value)| holds(value)).map(|(scope, value)| (scope.as_str(), &**value))
    }
}

/// Whether statements of the application set one whose name ends so themselves.
pub(super) fn is_set_by_statements(case: &Case<'_>, name: &str) -> bool {
    let Ok(workload) = case.snapshot.workload.get() else { return false };
    let settings = workload.session_uses.iter().filter_map(|one| one.setting.as_deref());
    settings.into_iter().any(|setting| setting.ends_with(name))
        || workload.statements.iter().any(|one| one.text.contains(name))
}
