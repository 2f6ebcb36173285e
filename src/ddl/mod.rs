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

use crate::model::{
    Action, Compression, Lock, Member, MemberKind, QualifiedName, Rewrite, RewriteOf, Statement,
    Storage, ToastAutovacuum, quote_identifier,
};
pub use copied::{
    CopiedColumn, FilledColumn, column_index_on, filled_column, index_on, key_index_on,
    renaming_function, same_index_on, temporary_like, temporary_table,
};
use each::altered;
use statement::{brief, maintenance};

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
    let ddl = match action {
        Action::SetColumnCompression { column, to, members, .. } => {
            set_compression(column, *to, members)
        }
        Action::SetColumnStorage { column, to, members, rewrite, .. } => {
            set_storage(column, *to, members, rewrite.as_ref())
        }
        Action::SetToastTupleTarget { bytes, members, rewrite, .. } => {
            set_toast_tuple_target(*bytes, members, rewrite)
        }
        Action::RewriteColumn { rewrite, .. } => rewrite_column(rewrite),
        Action::VacuumToast { full, members, autovacuum, .. } => {
            vacuum_toast(*full, members, autovacuum.as_ref())
        }
        Action::AdoptPrimaryKey { table, key, .. } => key::adopt(table, key),
        Action::AddIdentityKey { table, column, bytes, .. } => {
            key::add_identity(table, column, *bytes)
        }
        Action::PromoteKey { promotion, .. } => promotion::promote(promotion),
        Action::IndexKey { indexed, .. } => indexed::index(indexed),
        Action::ShortenKeys { renaming, .. } => renaming::shorten(renaming),
        Action::ConvertToJsonb {
            table,
            column,
            from,
            default,
            settings,
            reversible,
            bytes,
            ..
        } => {
            let (default, settings) = (default.as_deref(), *settings);
            let column = jsonb::TextColumn { table, column, from, default, settings };
            jsonb::convert(&column, *reversible, *bytes)
        }
        Action::BuildIndex(new) => return change::build(new),
        Action::DropIndex(old) => return change::drop(old),
        Action::ReplaceIndex { new, old } => return change::replace(new, old),
        Action::RebuildIndex(old) => return change::rebuild(old),
        Action::SetOptions(options) => return change::set_options(options),
        Action::SetSetting(setting) => return change::set(setting),
        Action::Maintain(maintenance) => return change::maintain(maintenance),
        Action::SetPersistence(change) => return change::set_persistence(change),
        Action::DrainDefault(drain) => return change::drain(drain),
        Action::DropSlot(drop) => return change::drop_slot(drop),
    };
    let mut ddl = Ddl { title: title(action), ..ddl };
    // Of what is recommended, updates alone run code that belongs to the table.
    if ddl.statements.iter().any(|statement| statement.lock == Lock::RowExclusive) {
        ddl.preconditions.push(RUN_AS_OWNER.to_owned());
    }
    ddl
}

/// A superuser would lend its rights to what the owner attached to the table.
const RUN_AS_OWNER: &str = "run it as the table's owner, not as a superuser: triggers, constraints and generated \
     columns of the table run with the rights of the role that updates it";

/// The change in one line.
fn title(action: &Action) -> String {
    let object = action.object();
    match action {
        Action::SetColumnCompression { to, .. } => {
            format!("Compress new values of `{object}` with {}", to.as_str())
        }
        Action::SetColumnStorage { to, .. } => format!("Store `{object}` {}", to.as_str()),
        Action::SetToastTupleTarget { bytes, .. } => {
            format!("Let rows of `{object}` grow to {bytes} bytes before values move out of line")
        }
        Action::RewriteColumn { .. } => {
            format!("Store the old values of `{object}` again, under its present settings")
        }
        Action::VacuumToast { full: true, .. } => {
            format!("Rewrite `{object}` to return the space of its TOAST table")
        }
        Action::VacuumToast { .. } => format!("Vacuum `{object}` with its TOAST table"),
        Action::AdoptPrimaryKey { key, .. } => {
            format!("Make {} the primary key of `{object}`", key::columns(&key.columns))
        }
        Action::AddIdentityKey { .. } => {
            format!("Give `{object}` an identity column as its primary key")
        }
        Action::PromoteKey { promotion, .. } => {
            let column = quote_identifier(&promotion.column);
            format!("Give `{object}` a column of its own: {column} {}", promotion.type_sql)
        }
        Action::IndexKey { indexed, .. } => {
            format!("Index `{object}` where it is: {}", indexed.expression.to_sql(""))
        }
        Action::ShortenKeys { renaming, .. } => {
            format!("Store codes for the {} long keys of `{object}`", renaming.codes.len())
        }
        Action::ConvertToJsonb { .. } => format!("Store `{object}` as jsonb"),
        // Written beside their statements.
        Action::BuildIndex(_)
        | Action::DropIndex(_)
        | Action::ReplaceIndex { .. }
        | Action::RebuildIndex(_)
        | Action::SetOptions(_)
        | Action::SetSetting(_)
        | Action::Maintain(_)
        | Action::SetPersistence(_)
        | Action::DrainDefault(_)
        | Action::DropSlot(_) => String::new(),
    }
}

fn rewrite_column(rewrite: &Rewrite) -> Ddl {
    let mut caveats = rewrite::caveats(rewrite);
    caveats.push(
        "the values do not change, only how they are stored; there is nothing to undo".to_owned(),
    );
    Ddl { statements: rewrite::statements(rewrite), caveats, ..Ddl::default() }
}

fn set_compression(column: &str, to: Compression, members: &[Member<Option<Compression>>]) -> Ddl {
    let set = |method: &str| {
        format!("ALTER COLUMN {} SET COMPRESSION {method}", quote_identifier(column))
    };
    let before = |member: &Member<Option<Compression>>| {
        set(member.before.map_or("DEFAULT", Compression::as_str))
    };
    Ddl {
        statements: altered(members, |_| set(to.as_str()), brief),
        undo: altered(members, before, brief),
        preconditions: vec![format!("the server was built with {}", to.as_str())],
        caveats: vec![
            "values already stored stay as they are until they are rebuilt; toast/mixed-compression watches that"
                .to_owned(),
        ],
        ..Ddl::default()
    }
}

fn set_storage(
    column: &str,
    to: Storage,
    members: &[Member<Storage>],
    rewrite: Option<&Rewrite>,
) -> Ddl {
    let set = |storage: Storage| {
        format!("ALTER COLUMN {} SET STORAGE {}", quote_identifier(column), storage.as_str())
    };
    let mut statements = altered(members, |_| set(to), brief);
    let mut undo = altered(members, |member| set(member.before), brief);
    let mut caveats = match to {
        Storage::Plain => vec![
            "a row whose values do not fit a page any more can no longer be stored".to_owned(),
            "scans that do not want the vector read more pages".to_owned(),
        ],
        Storage::Main => vec![
            "scans and updates that do not want the value read and write more pages".to_owned(),
        ],
        Storage::External => vec![
            "values already stored stay as they are until they are rebuilt".to_owned(),
            "what was written under EXTERNAL before was never tried: where it would compress, this is wrong, which \
             `prove` full finds out"
                .to_owned(),
        ],
        Storage::Extended => {
            vec!["values already stored stay as they are until they are rebuilt".to_owned()]
        }
    };
    if let Some(rewrite) = rewrite {
        statements.extend(rewrite::statements(rewrite));
        undo.extend(rewrite::statements(&Rewrite { of: RewriteOf::WideInline, ..rewrite.clone() }));
        caveats.extend(rewrite::caveats(rewrite));
    }
    Ddl { statements, undo, caveats, ..Ddl::default() }
}

fn set_toast_tuple_target(bytes: u32, members: &[Member<Vec<String>>], rewrite: &Rewrite) -> Ddl {
    let wanted = [("toast_tuple_target", bytes.to_string())];
    let (mut statements, mut undo) = options::set(members, "", &wanted);
    statements.extend(rewrite::statements(rewrite));
    undo.extend(rewrite::statements(&Rewrite { of: RewriteOf::WideInline, ..rewrite.clone() }));
    let mut caveats = vec![
        "scans and updates that do not want the value read and write more pages".to_owned(),
        "new partitions do not inherit storage parameters".to_owned(),
    ];
    caveats.truncate(if members.len() > 1 { 2 } else { 1 });
    caveats.extend(rewrite::caveats(rewrite));
    Ddl { statements, undo, caveats, ..Ddl::default() }
}

fn vacuum_toast(
    full: bool,
    members: &[Member<Vec<String>>],
    autovacuum: Option<&ToastAutovacuum>,
) -> Ddl {
    let mut ddl = Ddl {
        preconditions: vec![
            "no transaction, replication slot or standby holds the xmin horizon back".to_owned(),
        ],
        caveats: vec!["the vacuum itself cannot be undone, and need not be".to_owned()],
        ..Ddl::default()
    };
    if let Some(autovacuum) = autovacuum {
        let wanted: Vec<(&str, String)> = [
            ("autovacuum_enabled", &autovacuum.enabled),
            ("autovacuum_vacuum_threshold", &autovacuum.threshold),
            ("autovacuum_vacuum_scale_factor", &autovacuum.scale_factor),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect();
        (ddl.statements, ddl.undo) = options::set(members, "toast.", &wanted);
    }
    if members.iter().any(|member| member.kind == MemberKind::InheritanceParent) {
        ddl.caveats.push(
            "from PostgreSQL 18 on, VACUUM does the same to the tables that inherit from it"
                .to_owned(),
        );
    }
    let names: Vec<String> = members.iter().map(|member| member.name.to_sql()).collect();
    let vacuum = if full { "VACUUM (FULL)" } else { "VACUUM" };
    ddl.statements.push(maintenance(format!("{vacuum} {};", names.join(", ")), full));
    if full {
        // It leaves the counters of dead rows as they were and no visibility map: a plain one corrects both.
        ddl.statements.push(maintenance(format!("VACUUM {};", names.join(", ")), false));
    }
    if full {
        ddl.caveats.push(
            "reads and writes wait until the table is rewritten, and both copies need disk space; pg_repack \
             does the same without blocking"
                .to_owned(),
        );
    }
    ddl
}

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
