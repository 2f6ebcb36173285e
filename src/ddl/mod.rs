//! From an action to statements, their locks and their exact undo.

mod batch;
mod change;
mod copied;
mod each;
mod new_index;
mod options;
mod resolved;
mod rewrite;
mod statement;

use crate::model::{Action, Lock, MemberKind, QualifiedName, Statement};
pub use copied::{
    CopiedColumn, FilledColumn, column_index_on, filled_column, index_on, key_index_on,
    renaming_function, same_index_on, temporary_like, temporary_table,
};

/// What to run for an action, what takes it back, and what to know before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ddl {
    /// The change in one line.
    pub title: String,
    /// What to run, in order.
    pub statements: Vec<Statement>,
    /// What restores what was there before.
    pub undo: Vec<Statement>,
    /// What must hold before.
    pub preconditions: Vec<String>,
    /// What to know before.
    pub caveats: Vec<String>,
}

macro_rules! define_ddl {
    ($($module:ident {
        $($(#[$doc:meta])* $variant:ident($change:ident) = $name:literal, $written:ident, $proved:ident;)*
    })*) => {
        /// Write an action as SQL.
        pub fn ddl(action: &Action) -> Ddl {
            match action {
                $($(Action::$variant(change) => change::$module::$written(change),)*)*
            }
        }
    };
}

actions!(define_ddl);

impl Ddl {
    /// Says who is to run it where it updates rows.
    fn by_owner(mut self) -> Self {
        if self.statements.iter().any(|statement| statement.lock == Lock::RowExclusive) {
            self.preconditions.push(RUN_AS_OWNER.to_owned());
        }
        self
    }
}

/// Of what is recommended, updates alone run code that belongs to the table: a superuser would lend its rights to what the
/// owner attached to it.
const RUN_AS_OWNER: &str = "run it as the table's owner, not as a superuser: triggers, constraints and generated \
     columns of the table run with the rights of the role that updates it";

/// `ONLY` wherever the statement would reach other tables: each is altered, and undone, by itself.
fn alter(kind: MemberKind, name: &QualifiedName) -> String {
    let name = name.to_sql();
    match kind {
        MemberKind::Table => format!("ALTER TABLE {name}"),
        MemberKind::InheritanceParent | MemberKind::PartitionedTable => {
            format!("ALTER TABLE ONLY {name}")
        }
        MemberKind::MaterializedView => format!("ALTER MATERIALIZED VIEW {name}"),
        MemberKind::Index => format!("ALTER INDEX {name}"),
    }
}
