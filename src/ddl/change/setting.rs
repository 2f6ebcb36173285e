//! Settings of the server, of a database, of a role.

use crate::ddl::Ddl;
use crate::ddl::batch::dollar_quoted;
use crate::ddl::statement::definition;
use crate::model::{
    QualifiedName, SettingChange, SettingScope, Statement, quote_identifier, quote_literal,
};

/// Change a setting.
pub(in crate::ddl) fn set(change: &SettingChange) -> Ddl {
    let SettingChange { name, value, scope, before, known_by, needs_restart, .. } = change;
    let restore = match before {
        Some(before) => to(name, before),
        None => format!("RESET {}", quote_identifier_of_setting(name)),
    };
    let mut caveats = change.caveats.clone();
    match scope {
        SettingScope::System if *needs_restart => {
            caveats.push("takes effect when the server restarts".to_owned());
        }
        SettingScope::System => {}
        SettingScope::Database(_) | SettingScope::Role(_) | SettingScope::RoleInDatabase { .. } => {
            caveats.push("takes effect in new sessions".to_owned());
        }
    }
    Ddl {
        title: format!("Set {name} to {value}{}", title_of(scope)),
        statements: known(statements(scope, &to(name, value), *needs_restart), known_by.as_ref()),
        undo: known(statements(scope, &restore, *needs_restart), known_by.as_ref()),
        preconditions: Vec::new(),
        caveats,
    }
}

/// Only a superuser may set what the session does not know. A value of a type of the library loads it.
fn known(statements: Vec<Statement>, known_by: Option<&QualifiedName>) -> Vec<Statement> {
    let Some(known_by) = known_by else { return statements };
    let one = |statement: Statement| {
        let body = format!(
            "\nBEGIN\n    -- Loads the library that knows the setting.\n    PERFORM '[1]'::{};\n    {}\nEND\n",
            known_by.to_sql(),
            statement.sql
        );
        Statement { sql: format!("DO {};", dollar_quoted(&body)), ..statement }
    };
    statements.into_iter().map(one).collect()
}

fn to(name: &str, value: &str) -> String {
    format!("SET {} = {}", quote_identifier_of_setting(name), quote_literal(value))
}

/// A name with a dot is that of an extension's setting, each part quoted by itself.
fn quote_identifier_of_setting(name: &str) -> String {
    name.split('.').map(quote_identifier).collect::<Vec<_>>().join(".")
}

fn title_of(scope: &SettingScope) -> String {
    match scope {
        SettingScope::System => String::new(),
        SettingScope::Database(database) => {
            format!(" in database `{}`", quote_identifier(database))
        }
        SettingScope::Role(role) => format!(" for role `{}`", quote_identifier(role)),
        SettingScope::RoleInDatabase { role, database } => format!(
            " for role `{}` in database `{}`",
            quote_identifier(role),
            quote_identifier(database)
        ),
    }
}

fn statements(scope: &SettingScope, clause: &str, needs_restart: bool) -> Vec<Statement> {
    let outside = |sql: String| Statement { transactional: false, ..definition(sql) };
    match scope {
        SettingScope::System => {
            let mut statements = vec![outside(format!("ALTER SYSTEM {clause};"))];
            if !needs_restart {
                statements.push(definition("SELECT pg_catalog.pg_reload_conf();".to_owned()));
            }
            statements
        }
        SettingScope::Database(database) => {
            vec![definition(format!("ALTER DATABASE {} {clause};", quote_identifier(database)))]
        }
        SettingScope::Role(role) => {
            vec![definition(format!("ALTER ROLE {} {clause};", quote_identifier(role)))]
        }
        SettingScope::RoleInDatabase { role, database } => vec![definition(format!(
            "ALTER ROLE {} IN DATABASE {} {clause};",
            quote_identifier(role),
            quote_identifier(database)
        ))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Object;

    #[test]
    fn undo_sets_the_value_that_was_set_there_and_resets_where_none_was() {
        let change = SettingChange {
            object: Object::Setting { name: "hnsw.ef_search".to_owned() },
            name: "hnsw.ef_search".to_owned(),
            value: "200".to_owned(),
            scope: SettingScope::Role("api".to_owned()),
            before: Some("40".to_owned()),
            known_by: None,
            needs_restart: false,
            caveats: Vec::new(),
        };
        let ddl = set(&change);
        assert_eq!(ddl.statements[0].sql, "ALTER ROLE api SET hnsw.ef_search = '200';");
        assert_eq!(ddl.undo[0].sql, "ALTER ROLE api SET hnsw.ef_search = '40';");
        let vector = QualifiedName { schema: "Ext".to_owned(), name: "vector".to_owned() };
        let loaded = set(&SettingChange { known_by: Some(vector), ..change.clone() });
        assert_eq!(
            loaded.statements[0].sql,
            "DO $dbopt$\nBEGIN\n    -- Loads the library that knows the setting.\n    PERFORM '[1]'::\"Ext\".vector;\n    \
             ALTER ROLE api SET hnsw.ef_search = '200';\nEND\n$dbopt$;"
        );
        let system = SettingChange {
            name: "max_wal_size".to_owned(),
            scope: SettingScope::System,
            before: None,
            ..change
        };
        let ddl = set(&system);
        assert_eq!(ddl.undo[0].sql, "ALTER SYSTEM RESET max_wal_size;");
        assert_eq!(ddl.undo[1].sql, "SELECT pg_catalog.pg_reload_conf();");
        assert!(!ddl.statements[0].transactional);
    }
}
