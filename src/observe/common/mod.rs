//! What several superpowers read, asked once for all of them.

use std::collections::BTreeSet;

use super::Interest;
use super::batch::{Batch, Slot};
use super::catalog::CatalogForest;
use super::gaps;
use super::look::Look;
use super::source::{NewerColumn, Source};
use crate::model::observation::{
    Common, Index, IndexDetail, IndexSize, OperatorClass, RoleSetting, Setting, TableActivity,
    WrittenSetting,
};
use crate::model::{Gap, Observation, Topic};

/// Indexes whose definitions are read.
const DETAILS_MAX: usize = 1000;

static INDEXES: Source = Source::new("indexes", include_str!("sql/indexes.sql")).newer(&[
    NewerColumn { since: 15, name: "nulls_not_distinct", value: "i.indnullsnotdistinct" },
    NewerColumn { since: 16, name: "last_scan", value: "pg_catalog.pg_stat_get_lastscan(c.oid)" },
    NewerColumn {
        since: 19,
        name: "counting_since",
        value: "pg_catalog.pg_stat_get_stat_reset_time(c.oid)",
    },
]);

pub(super) static LAYOUTS: Source = Source::new("layouts", include_str!("sql/layouts.sql"));

static OPERATOR_CLASSES: Source =
    Source::new("operator_classes", include_str!("sql/operator_classes.sql"));

static INDEX_DETAILS: Source = Source::new("index_details", include_str!("sql/index_details.sql"));

static INDEX_SIZES: Source = Source::new("index_sizes", include_str!("sql/index_sizes.sql"));

static SETTINGS: Source = Source::new("settings", include_str!("sql/settings.sql"));

static WRITTEN_SETTINGS: Source =
    Source::new("written_settings", include_str!("sql/written_settings.sql"));

static ROLE_SETTINGS: Source = Source::new("role_settings", include_str!("sql/role_settings.sql"));

static TABLE_ACTIVITY: Source =
    Source::new("table_activity", include_str!("sql/table_activity.sql")).newer(&[NewerColumn {
        since: 18,
        name: "frozen_pages",
        value: "c.relallfrozen::int8",
    }]);

/// The sources that several superpowers read.
pub(super) struct CommonLook {
    indexes: Slot<Index>,
    operator_classes: Slot<OperatorClass>,
    settings: Slot<Setting>,
    role_settings: Slot<RoleSetting>,
    table_activity: Slot<TableActivity>,
}

/// Definitions and sizes of the chosen indexes, and the file of settings: the second round trip.
pub(super) struct CommonDetail {
    /// Indexes to be read, by number.
    chosen: Vec<i64>,
    details: Slot<IndexDetail>,
    sizes: Slot<IndexSize>,
    written: Slot<WrittenSetting>,
}

/// Whether a visit reads each index.
pub(super) fn reads_indexes(interest: &Interest) -> bool {
    interest.in_any(&[Topic::INDEXES, Topic::INDEX_DETAILS, Topic::PLANS])
}

impl CommonLook {
    pub(super) fn new() -> Self {
        Self {
            indexes: Slot::unasked(&INDEXES),
            operator_classes: Slot::unasked(&OPERATOR_CLASSES),
            settings: Slot::unasked(&SETTINGS),
            role_settings: Slot::unasked(&ROLE_SETTINGS),
            table_activity: Slot::unasked(&TABLE_ACTIVITY),
        }
    }
}

impl Look for CommonLook {
    type Seen = Common;

    fn catalog(&mut self, batch: &mut Batch<'_>, interest: &Interest) {
        if reads_indexes(interest) {
            self.indexes = batch.query(&INDEXES, vec![]);
            self.operator_classes = batch.query_together(&OPERATOR_CLASSES);
        }
        if interest.in_any(&[Topic::SETTINGS]) {
            self.settings = batch.query_together(&SETTINGS);
            self.role_settings = batch.query_together(&ROLE_SETTINGS);
        }
        if interest.in_any(&[Topic::TABLE_ACTIVITY]) {
            self.table_activity = batch.query(&TABLE_ACTIVITY, vec![]);
        }
    }

    fn seen(self) -> Common {
        Common {
            indexes: self.indexes.rows(),
            operator_classes: self.operator_classes.rows(),
            settings: self.settings.rows(),
            role_settings: self.role_settings.rows(),
            table_activity: self.table_activity.rows(),
            index_details: Slot::unasked(&INDEX_DETAILS).rows(),
            index_sizes: Slot::unasked(&INDEX_SIZES).rows(),
        }
    }
}

/// What the second round trip showed.
pub(super) struct CommonDetails {
    chosen: Vec<i64>,
    index_details: Observation<Vec<IndexDetail>>,
    index_sizes: Observation<Vec<IndexSize>>,
    written: Observation<Vec<WrittenSetting>>,
}

impl CommonDetails {
    /// Indexes that were to be read and were not: those of tables that another session has locked are left out.
    pub(super) fn left_out(&self, first: &Common) -> Vec<Gap> {
        let Ok(details) = self.index_details.get() else { return Vec::new() };
        let seen: BTreeSet<i64> = details.iter().map(|detail| detail.oid).collect();
        let unseen = self.chosen.iter().filter(|oid| !seen.contains(oid));
        unseen.filter_map(|oid| first.index(*oid)).map(gaps::unseen_index).collect()
    }

    /// What the first one showed, with this.
    pub(super) fn complete(self, first: Common) -> Common {
        let Self { index_details, index_sizes, written, .. } = self;
        let settings = match (first.settings, written) {
            (Observation::Seen(settings), Observation::Seen(written)) => {
                let settings = settings.into_iter().map(|setting| setting.written_as(&written));
                Observation::Seen(settings.collect())
            }
            (settings, _) => settings,
        };
        Common { index_details, index_sizes, settings, ..first }
    }
}

impl Look for CommonDetail {
    type Seen = CommonDetails;

    fn detail(&mut self, batch: &mut Batch<'_>, catalog: &CatalogForest<'_>, interest: &Interest) {
        if interest.in_any(&[Topic::INDEX_DETAILS, Topic::PLANS]) {
            self.chosen = chosen(catalog, interest);
            self.details = batch.query_relations(&INDEX_DETAILS, &self.chosen);
            self.sizes = batch.query_relations(&INDEX_SIZES, &self.chosen);
        }
        let context = catalog.context.get();
        if interest.in_any(&[Topic::SETTINGS])
            && context.is_ok_and(|context| context.privileges.reads_configuration)
        {
            self.written = batch.query(&WRITTEN_SETTINGS, vec![]);
        }
    }

    fn seen(self) -> Self::Seen {
        CommonDetails {
            chosen: self.chosen,
            index_details: self.details.rows(),
            index_sizes: self.sizes.rows(),
            written: self.written.rows(),
        }
    }
}

impl CommonDetail {
    pub(super) fn new() -> Self {
        Self {
            chosen: Vec::new(),
            details: Slot::unasked(&INDEX_DETAILS),
            sizes: Slot::unasked(&INDEX_SIZES),
            written: Slot::unasked(&WRITTEN_SETTINGS),
        }
    }
}

/// Invalid indexes first, then those of access methods that a superpower looks into, then the largest; those of a
/// partitioned table follow its root.
fn chosen(catalog: &CatalogForest<'_>, interest: &Interest) -> Vec<i64> {
    let Ok(indexes) = catalog.common.indexes.get() else { return Vec::new() };
    let families = &catalog.families;
    let in_scope = |index: &&Index| {
        families.family(index.table_oid).is_some_and(|family| family.is_in(&interest.scope))
    };
    let mut chosen: Vec<&Index> = indexes.iter().filter(in_scope).collect();
    chosen.sort_by_key(|index| {
        let special = index.method != "btree";
        (index.is_valid, !special, !index.partitioned, std::cmp::Reverse(index.pages), index.oid)
    });
    chosen.into_iter().take(DETAILS_MAX).map(|index| index.oid).collect()
}
