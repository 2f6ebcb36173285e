//! What sources return: one type per source, the same for every major version.

mod column_use;
mod common;
mod context;
mod documents;
mod drift;
mod existing_table;
mod foreign_code;
mod layout;
mod logged_plan;
mod names;
mod relation;
mod session_use;
mod statement;
mod stored_values;
mod toast_table;
mod usage;
mod wal;
mod workload;

pub use column_use::{
    Applied, ColumnName, Compared, Distance, DistanceForm, JoinPair, KeyName, Limit, OrderKey,
    Predicate, RelationUse, Subject, UsePlace,
};
pub use common::{
    Common, Index, IndexDetail, IndexPart, IndexSize, OperatorClass, RoleSetting, Setting,
    SettingContext, TableActivity, WrittenSetting,
};
pub use context::Context;
pub use documents::{ColumnDocuments, Documents, RenamedDocuments};
pub use drift::{ColumnContract, Drift, DriftAt, DriftKind, KeyPresence, KeyRule, KeySample};
pub use existing_table::ExistingTable;
pub use foreign_code::ForeignCode;
pub use layout::{DocumentIndex, DocumentIndexKey, KeyColumn, Layout, LayoutColumn, UniqueKey};
pub use logged_plan::{LoggedFinding, LoggedPlans};
pub use names::{NamedColumn, NamedRelation, Names};
pub use relation::{Relation, RelationKind};
pub use session_use::{SessionNeed, SessionUse};
pub use statement::{
    BlockRole, CommonTable, OnConflict, QueryBlock, StatementKind, StatementShape, Write,
};
pub use stored_values::{StoredColumn, StoredSample, StoredValues};
pub use toast_table::{ToastColumn, ToastTable};
pub use usage::{ColumnUsage, OperatorUse, StatementCounters, StatementProfile, WorkloadCoverage};
pub use wal::{
    Archiver, Checkpoints, DatabaseAge, ExtensionSchema, Manager, MeasuredBloat, OpenTransaction,
    PartitionBound, PartitionKey, PartmanSet, ReplicationSlot, Sender, StagingTable, TableRoles,
    TimeColumn, Wal, WalDirectory, WalWritten,
};
pub use workload::{ColumnWorkload, KeyFilter, KeyFind, KeyOrder, KeyShape, KeyWorkload, Workload};

macro_rules! declare_parts {
    ($($(#[$doc:meta])* $part:ident: $type:ident, $look:ident;)*) => {
        $(mod $part;)*
        $(pub use $part::*;)*
    };
}

snapshot_parts!(declare_parts);
