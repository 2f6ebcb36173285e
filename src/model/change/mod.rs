//! Changes that several superpowers know how to make. Their titles, statements, locks and undo stand in `ddl::change`.

mod document;
mod drain;
mod index;
mod maintenance;
mod options;
mod persistence;
mod setting;
mod slot;
mod storage;

pub use document::{AdoptedKey, IndexedKey, Partition, Promotion, Renaming};
pub use drain::{DefaultDrain, RangeStep};
pub use index::{
    ExistingIndex, IndexExtras, IndexKey, IndexPartition, KeyPart, NewIndex, index_name,
};
pub use maintenance::{Maintenance, MaintenanceVerb};
pub use options::{OptionsChange, OptionsOf};
pub use persistence::{Persistence, PersistenceChange};
pub use setting::{SettingChange, SettingScope};
pub use slot::SlotDrop;
pub use storage::{Compression, Member, MemberKind, Rewrite, RewriteOf, Storage, ToastAutovacuum};
