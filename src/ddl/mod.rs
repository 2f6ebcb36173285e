//! From an action to statements, their locks and their exact undo.

mod batch;
mod change;
mod copied;
mod each;
mod indexed;
mod jsonb;
mod key;
mod new_index;
mod options;
mod promotion;
mod renaming;
mod resolved;
mod rewrite;
mod statement;
mod toast;

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

/// Write an action as SQL.
pub fn ddl(action: &Action) -> Ddl {
    match action {
        Action::SetColumnCompression(change) => toast::compress(change),
        Action::SetColumnStorage(change) => toast::store(change),
        Action::SetToastTupleTarget(change) => toast::set_tuple_target(change),
        Action::RewriteColumn(change) => toast::store_again(change),
        Action::VacuumToast(change) => toast::vacuum(change),
        Action::AdoptPrimaryKey(key) => key::adopt(key),
        Action::AddIdentityKey(key) => key::add_identity(key),
        Action::PromoteKey(promotion) => promotion::promote(promotion),
        Action::IndexKey(indexed) => indexed::index(indexed),
        Action::ShortenKeys(renaming) => renaming::shorten(renaming),
        Action::ConvertToJsonb(conversion) => jsonb::convert(conversion),
        Action::BuildIndex(new) => change::index::build(new),
        Action::DropIndex(old) => change::index::drop(old),
        Action::ReplaceIndex(replacement) => {
            change::index::replace(&replacement.new, &replacement.old)
        }
        Action::RebuildIndex(old) => change::index::rebuild(old),
        Action::SetOptions(options) => change::options::set_options(options),
        Action::SetSetting(setting) => change::setting::set(setting),
        Action::Maintain(maintenance) => change::maintenance::maintain(maintenance),
        Action::SetPersistence(change) => change::persistence::set_persistence(change),
        Action::DrainDefault(drain) => change::drain::drain(drain),
        Action::DropSlot(drop) => change::slot::drop_slot(drop),
    }
}

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
