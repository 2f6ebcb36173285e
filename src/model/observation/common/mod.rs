//! What several superpowers read: asked once for all of them.

mod index;
mod setting;
mod table_activity;

use serde::{Deserialize, Serialize};

use crate::model::toast::BLOCK_BYTES;
use crate::model::{Observation, Topic};

pub use index::{Index, IndexDetail, IndexPart, IndexSize, OperatorClass};
pub use setting::{RoleSetting, Setting, SettingContext, WrittenSetting};
pub use table_activity::TableActivity;

/// What several superpowers read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Common {
    /// Every index.
    pub indexes: Observation<Vec<Index>>,
    /// The operator classes that indexes name by number.
    pub operator_classes: Observation<Vec<OperatorClass>>,
    /// Definitions of the indexes that were chosen.
    pub index_details: Observation<Vec<IndexDetail>>,
    /// Sizes of the same, now.
    pub index_sizes: Observation<Vec<IndexSize>>,
    /// Every setting.
    pub settings: Observation<Vec<Setting>>,
    /// Settings that databases and roles have of their own.
    pub role_settings: Observation<Vec<RoleSetting>>,
    /// Counters of the largest tables.
    pub table_activity: Observation<Vec<TableActivity>>,
}

impl Topic {
    /// Every index, with the operator classes.
    pub const INDEXES: Self = Self("common.indexes");
    /// Definitions and sizes of the chosen indexes: invalid ones, then the largest.
    pub const INDEX_DETAILS: Self = Self("common.index_details");
    /// Every setting, of the server and of roles.
    pub const SETTINGS: Self = Self("common.settings");
    /// Counters of the largest tables.
    pub const TABLE_ACTIVITY: Self = Self("common.table_activity");
}

impl Common {
    /// A setting by its name; absent where the server has none of that name, or our role is not shown it.
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.get().ok()?.iter().find(|setting| setting.name == name)
    }

    /// The index of that number.
    pub fn index(&self, oid: i64) -> Option<&Index> {
        by_oid(&self.indexes, oid, |index| index.oid)
    }

    /// The operator class of that number.
    pub fn operator_class(&self, oid: i64) -> Option<&OperatorClass> {
        by_oid(&self.operator_classes, oid, |class| class.oid)
    }

    /// The definition of an index, where it was among the chosen.
    pub fn index_detail(&self, oid: i64) -> Option<&IndexDetail> {
        by_oid(&self.index_details, oid, |detail| detail.oid)
    }

    /// Bytes of an index now, or as last counted.
    pub fn index_bytes(&self, index: &Index) -> i64 {
        let now = by_oid(&self.index_sizes, index.oid, |size| size.oid);
        now.map_or(index.pages * BLOCK_BYTES, |size| size.bytes)
    }

    /// Counters of a table, where it was among the largest.
    pub fn activity(&self, table: i64) -> Option<&TableActivity> {
        by_oid(&self.table_activity, table, |activity| activity.oid)
    }
}

/// One of many that a source returned in the order of their oids.
fn by_oid<T>(all: &Observation<Vec<T>>, oid: i64, key: impl Fn(&T) -> i64) -> Option<&T> {
    let all = all.get().ok()?;
    all.get(all.binary_search_by_key(&oid, key).ok()?)
}
