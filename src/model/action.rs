//! Changes we know how to make. `ddl` writes them as SQL; a check only names them.

use serde::{Deserialize, Serialize};

use super::change::{
    AdoptedKey, Compression, DefaultDrain, ExistingIndex, IndexedKey, Maintenance, Member,
    NewIndex, OptionsChange, PersistenceChange, Promotion, Renaming, Rewrite, SettingChange,
    SlotDrop, Storage, ToastAutovacuum,
};
use super::{Object, QualifiedName};

/// A change we know how to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Set a column's compression method.
    SetColumnCompression {
        /// The column as reported.
        object: Object,
        /// Its name.
        column: String,
        /// The method to set.
        to: Compression,
        /// Where, with the method set by name before.
        members: Vec<Member<Option<Compression>>>,
    },
    /// Set a column's storage strategy, and where it is to hold for old rows, rewrite them.
    SetColumnStorage {
        /// The column as reported.
        object: Object,
        /// Its name.
        column: String,
        /// The strategy to set.
        to: Storage,
        /// Where, with the strategy before.
        members: Vec<Member<Storage>>,
        /// The rewrite that follows.
        rewrite: Option<Rewrite>,
    },
    /// Let rows grow wider before values move out of line, and rewrite the old ones.
    SetToastTupleTarget {
        /// The table as reported.
        object: Object,
        /// The target in bytes.
        bytes: u32,
        /// Where, with all storage parameters as they were written before, in their order.
        members: Vec<Member<Vec<String>>>,
        /// The rewrite that follows.
        rewrite: Rewrite,
    },
    /// Build stored values again under the column's present settings.
    RewriteColumn {
        /// The column as reported.
        object: Object,
        /// What to rewrite.
        rewrite: Rewrite,
    },
    /// Vacuum a table with its TOAST table, and let autovacuum come often enough from then on.
    VacuumToast {
        /// The table as reported.
        object: Object,
        /// Whether only rewriting the table gives the space back.
        full: bool,
        /// Where, with all options of the TOAST table as they were written before, in their order.
        members: Vec<Member<Vec<String>>>,
        /// Options to set; absent where those in force suffice.
        autovacuum: Option<ToastAutovacuum>,
    },
    /// Make a unique index the primary key.
    AdoptPrimaryKey {
        /// The table as reported.
        object: Object,
        /// Its name.
        table: QualifiedName,
        /// The index.
        key: AdoptedKey,
    },
    /// Add an identity column that is the primary key.
    AddIdentityKey {
        /// The table as reported.
        object: Object,
        /// Its name.
        table: QualifiedName,
        /// The column.
        column: String,
        /// Bytes that are rewritten.
        bytes: i64,
    },
    /// Give a key of documents a column of its own.
    PromoteKey {
        /// The key as reported.
        object: Object,
        /// What becomes of it.
        promotion: Promotion,
    },
    /// Index a key where it is.
    IndexKey {
        /// The key as reported.
        object: Object,
        /// The index.
        indexed: IndexedKey,
    },
    /// Store codes for the keys of a column's documents.
    ShortenKeys {
        /// The column as reported.
        object: Object,
        /// What becomes of its keys.
        renaming: Renaming,
    },
    /// Store a column of `json` or text as `jsonb`.
    ConvertToJsonb {
        /// The column as reported.
        object: Object,
        /// The table's name.
        table: QualifiedName,
        /// The column's.
        column: String,
        /// Its type, as PostgreSQL prints it.
        from: String,
        /// Its default, as SQL writes it.
        default: Option<String>,
        /// Its storage strategy and compression method where these are not the type's own.
        settings: (Option<Storage>, Option<Compression>),
        /// Whether `jsonb` prints each document of the sample as it was written.
        reversible: bool,
        /// Bytes that are rewritten.
        bytes: i64,
    },
    /// Build an index.
    BuildIndex(NewIndex),
    /// Drop an index.
    DropIndex(ExistingIndex),
    /// Build an index in the place of another.
    ReplaceIndex {
        /// The index to build.
        new: Box<NewIndex>,
        /// The index that it replaces.
        old: Box<ExistingIndex>,
    },
    /// Rebuild an index.
    RebuildIndex(ExistingIndex),
    /// Set or take away storage parameters.
    SetOptions(OptionsChange),
    /// Change a setting.
    SetSetting(SettingChange),
    /// Vacuum or analyze tables.
    Maintain(Maintenance),
    /// Log the changes of a table, or no longer.
    SetPersistence(PersistenceChange),
    /// Move the rows of a default partition to partitions of their ranges.
    DrainDefault(DefaultDrain),
    /// Drop a replication slot.
    DropSlot(SlotDrop),
}

impl Action {
    /// The name in the contract.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::SetColumnCompression { .. } => "set_column_compression",
            Self::SetColumnStorage { .. } => "set_column_storage",
            Self::SetToastTupleTarget { .. } => "set_toast_tuple_target",
            Self::RewriteColumn { .. } => "rewrite_column",
            Self::VacuumToast { .. } => "vacuum_toast",
            Self::AdoptPrimaryKey { .. } => "adopt_primary_key",
            Self::AddIdentityKey { .. } => "add_identity_key",
            Self::PromoteKey { .. } => "promote_key",
            Self::IndexKey { .. } => "index_key",
            Self::ShortenKeys { .. } => "shorten_keys",
            Self::ConvertToJsonb { .. } => "convert_to_jsonb",
            Self::BuildIndex(_) => "build_index",
            Self::DropIndex(_) => "drop_index",
            Self::ReplaceIndex { .. } => "replace_index",
            Self::RebuildIndex(_) => "rebuild_index",
            Self::SetOptions(_) => "set_options",
            Self::SetSetting(_) => "set_setting",
            Self::Maintain(_) => "maintain",
            Self::SetPersistence(_) => "set_persistence",
            Self::DrainDefault(_) => "drain_default",
            Self::DropSlot(_) => "drop_slot",
        }
    }

    /// What tells it from the other actions of its kind on the same object. No number that a later visit
    /// might estimate otherwise: recommendations keep their identity.
    pub fn alternative(&self) -> &str {
        match self {
            Self::SetColumnCompression { to, .. } => to.as_str(),
            Self::SetColumnStorage { to, .. } => to.as_str(),
            Self::VacuumToast { full: true, .. } => "full",
            Self::AdoptPrimaryKey { key, .. } => &key.index,
            // The target is the table's, and whose old values are brought in is not.
            Self::SetToastTupleTarget { rewrite, .. } => &rewrite.column,
            Self::BuildIndex(new) => &new.purpose,
            Self::ReplaceIndex { new, .. } => &new.purpose,
            Self::DropIndex(old) | Self::RebuildIndex(old) => &old.name.name,
            Self::SetOptions(change) => &change.purpose,
            Self::SetSetting(change) => change.scope.as_str(),
            Self::Maintain(maintenance) => maintenance.verb.as_str(),
            Self::SetPersistence(change) => change.to.as_str(),
            Self::RewriteColumn { .. }
            | Self::AddIdentityKey { .. }
            | Self::PromoteKey { .. }
            | Self::IndexKey { .. }
            | Self::ShortenKeys { .. }
            | Self::ConvertToJsonb { .. }
            | Self::DrainDefault(_)
            | Self::DropSlot(_)
            | Self::VacuumToast { full: false, .. } => "",
        }
    }

    /// What it changes.
    pub fn object(&self) -> &Object {
        match self {
            Self::SetColumnCompression { object, .. }
            | Self::SetColumnStorage { object, .. }
            | Self::SetToastTupleTarget { object, .. }
            | Self::RewriteColumn { object, .. }
            | Self::VacuumToast { object, .. }
            | Self::AdoptPrimaryKey { object, .. }
            | Self::AddIdentityKey { object, .. }
            | Self::PromoteKey { object, .. }
            | Self::IndexKey { object, .. }
            | Self::ShortenKeys { object, .. }
            | Self::ConvertToJsonb { object, .. } => object,
            Self::BuildIndex(new) => &new.object,
            Self::ReplaceIndex { new, .. } => &new.object,
            Self::DropIndex(old) | Self::RebuildIndex(old) => &old.object,
            Self::SetOptions(change) => &change.object,
            Self::SetSetting(change) => &change.object,
            Self::Maintain(maintenance) => &maintenance.object,
            Self::SetPersistence(change) => &change.object,
            Self::DrainDefault(drain) => &drain.object,
            Self::DropSlot(drop) => &drop.object,
        }
    }
}
