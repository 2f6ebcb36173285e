//! What sources return: one type per source, the same for every major version.

mod common;
mod context;
mod documents;
mod drift;
mod layout;
mod names;
mod relation;
mod stored_values;
mod toast_table;
mod wal;
mod workload;

pub use common::{
    Common, Index, IndexDetail, IndexPart, IndexSize, OperatorClass, RoleSetting, Setting,
    SettingContext, TableActivity,
};
pub use context::Context;
pub use documents::{ColumnDocuments, Documents, RenamedDocuments};
pub use drift::{Drift, DriftAt, DriftKind, KeyPresence, KeySample, RegisteredContract, Stance};
pub use layout::{DocumentIndex, Layout, LayoutColumn, UniqueKey};
pub use names::{NamedColumn, NamedRelation, Names};
pub use relation::{Relation, RelationKind};
pub use stored_values::{StoredColumn, StoredSample, StoredValues};
pub use toast_table::{ToastColumn, ToastTable};
pub use wal::{
    Archiver, Checkpoints, DatabaseAge, ExtensionSchema, Manager, MeasuredBloat, OpenTransaction,
    PartitionBound, PartitionKey, PartmanSet, ReplicationSlot, Sender, StagingTable, TableRoles,
    TimeColumn, Wal, WalDirectory, WalWritten,
};
pub use workload::{ColumnWorkload, KeyFilter, KeyShape, KeyWorkload, Workload};
