//! Changes we know how to make. `ddl` writes them as SQL; a check only names them.

use serde::{Deserialize, Serialize};

use super::Object;
use super::change::{
    AddedIdentity, AdoptedKey, CompressionSetting, DefaultDrain, ExistingIndex, IndexReplacement,
    IndexedKey, JsonbConversion, Maintenance, NewIndex, OptionsChange, PersistenceChange,
    Promotion, Renaming, SettingChange, SlotDrop, StorageSetting, StoredRewrite, ToastVacuum,
    TupleTargetSetting,
};

/// What an action is about.
pub(super) trait Change {
    /// What it changes.
    fn object(&self) -> &Object;

    /// What distinguishes it from the other actions of its kind on the same object. No number that a later visit
    /// might estimate otherwise: recommendations keep their identity.
    #[expect(clippy::unnecessary_literal_bound, reason = "others have a name of their own here")]
    fn alternative(&self) -> &str {
        ""
    }

    /// Whether it changes what each server has of its own, which replication does not carry.
    fn is_of_server(&self) -> bool {
        false
    }
}

/// Declares the actions: each a variant, what it carries, and its name in the contract.
macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident($change:ty) = $name:literal;)*) => {
        /// A change we know how to make.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "action")]
        pub enum Action {
            $($(#[$doc])* #[serde(rename = $name)] $variant($change),)*
        }

        impl Action {
            /// The name in the contract.
            pub fn as_str(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                }
            }

            fn change(&self) -> &dyn Change {
                match self {
                    $(Self::$variant(change) => change,)*
                }
            }
        }
    };
}

actions! {
    /// Set a column's compression method.
    SetColumnCompression(CompressionSetting) = "set_column_compression";
    /// Set a column's storage strategy, and where it is to hold for old rows, rewrite them.
    SetColumnStorage(StorageSetting) = "set_column_storage";
    /// Let rows grow wider before values move out of line, and rewrite the old ones.
    SetToastTupleTarget(TupleTargetSetting) = "set_toast_tuple_target";
    /// Build stored values again under the column's present settings.
    RewriteColumn(StoredRewrite) = "rewrite_column";
    /// Vacuum a table with its TOAST table, and let autovacuum come often enough from then on.
    VacuumToast(ToastVacuum) = "vacuum_toast";
    /// Make a unique index the primary key.
    AdoptPrimaryKey(AdoptedKey) = "adopt_primary_key";
    /// Add an identity column that is the primary key.
    AddIdentityKey(AddedIdentity) = "add_identity_key";
    /// Give a key of documents a column of its own.
    PromoteKey(Promotion) = "promote_key";
    /// Index a key where it is.
    IndexKey(IndexedKey) = "index_key";
    /// Store codes for the keys of a column's documents.
    ShortenKeys(Renaming) = "shorten_keys";
    /// Store a column of `json` or text as `jsonb`.
    ConvertToJsonb(JsonbConversion) = "convert_to_jsonb";
    /// Build an index.
    BuildIndex(NewIndex) = "build_index";
    /// Drop an index.
    DropIndex(ExistingIndex) = "drop_index";
    /// Build an index in the place of another.
    ReplaceIndex(IndexReplacement) = "replace_index";
    /// Rebuild an index.
    RebuildIndex(ExistingIndex) = "rebuild_index";
    /// Set or take away storage parameters.
    SetOptions(OptionsChange) = "set_options";
    /// Change a setting.
    SetSetting(SettingChange) = "set_setting";
    /// Vacuum or analyze tables.
    Maintain(Maintenance) = "maintain";
    /// Log the changes of a table, or no longer.
    SetPersistence(PersistenceChange) = "set_persistence";
    /// Move the rows of a default partition to partitions of their ranges.
    DrainDefault(DefaultDrain) = "drain_default";
    /// Drop a replication slot.
    DropSlot(SlotDrop) = "drop_slot";
}

impl Action {
    /// What it changes.
    pub fn object(&self) -> &Object {
        self.change().object()
    }

    /// What distinguishes it from the other actions of its kind on the same object.
    pub fn alternative(&self) -> &str {
        self.change().alternative()
    }

    /// Whether it changes what each server has of its own, which replication does not carry.
    pub fn is_of_server(&self) -> bool {
        self.change().is_of_server()
    }
}
