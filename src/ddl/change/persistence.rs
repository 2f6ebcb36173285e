//! `SET LOGGED` and `SET UNLOGGED`: the table is rewritten either way.

use crate::ddl::Ddl;
use crate::ddl::statement::rewriting;
use crate::model::{Persistence, PersistenceChange};

/// Log the changes of a table, or no longer.
pub(in crate::ddl) fn set_persistence(change: &PersistenceChange) -> Ddl {
    let statement = |to: Persistence| {
        rewriting(format!("ALTER TABLE {} SET {};", change.table.to_sql(), to.as_str()))
    };
    let mut caveats = vec![format!("rewrites {} bytes, with its indexes", change.bytes)];
    if change.to == Persistence::Unlogged {
        caveats.push("after a crash it is empty: the pipeline has to load it again".to_owned());
        caveats.push("it is empty on standbys, and in no base backup".to_owned());
        caveats.push("SET LOGGED writes all of it to the WAL".to_owned());
    }
    let word = match change.to {
        Persistence::Logged => "logged",
        Persistence::Unlogged => "unlogged",
    };
    Ddl {
        title: format!("Make `{}` {word}", change.object),
        statements: vec![statement(change.to)],
        undo: vec![statement(change.to.other())],
        preconditions: vec!["its rows can be loaded again at any time".to_owned()],
        caveats,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Object, QualifiedName};

    #[test]
    fn undo_makes_it_what_it_was() {
        let (schema, name) = ("ml".to_owned(), "Events stg".to_owned());
        let ddl = set_persistence(&PersistenceChange {
            object: Object::Table { schema: schema.clone(), table: name.clone() },
            table: QualifiedName { schema, name },
            to: Persistence::Unlogged,
            bytes: 8192,
        });
        assert_eq!(ddl.statements[0].sql, "ALTER TABLE ml.\"Events stg\" SET UNLOGGED;");
        assert_eq!(ddl.undo[0].sql, "ALTER TABLE ml.\"Events stg\" SET LOGGED;");
        assert!(ddl.statements[0].rewrites);
    }
}
