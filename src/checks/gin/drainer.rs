//! Who drains a pending list, and why it has not been drained yet.
//!
//! An insert drains it when it is longer than its limit; every vacuum of the table does; so does an analyze, if an autovacuum
//! worker runs it, but not a manual one (measured: 85 pages stayed). The xmin horizon does not matter.

use super::index::LeafIndex;
use super::limit::off;
use crate::checks::number::float;
use crate::model::observation::{Common, Setting, TableActivity};

/// Why autovacuum has not drained the list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Drainer {
    /// It is off for the server.
    OffForServer,
    /// It is off for the table.
    OffForTable,
    /// It is due, and comes by itself.
    Due,
    /// The table has not changed enough for it.
    NotDue {
        /// Rows inserted since the last vacuum.
        inserted: f64,
        /// Inserted rows that it waits for; absent where inserts alone never bring it.
        trigger: Option<f64>,
    },
    /// The counters of the table were not read.
    Unknown,
}

/// What autovacuum waits for, with the options of the table before the settings.
pub(super) struct Autovacuum<'a> {
    activity: &'a TableActivity,
    common: &'a Common,
    rows: f64,
    /// The share of the pages that are not frozen: from 18 on inserts are compared with the rows of these.
    unfrozen: f64,
}

impl Autovacuum<'_> {
    fn number(&self, name: &str) -> Option<f64> {
        let own = self.activity.option(name).and_then(|value| value.parse().ok());
        own.or_else(|| self.common.setting(name).and_then(Setting::number))
    }

    /// Threshold plus the share of the rows.
    fn trigger(&self, threshold: &str, scale_factor: &str) -> Option<f64> {
        let threshold = self.number(threshold)?;
        Some(threshold + self.number(scale_factor)? * self.rows)
    }

    fn inserts(&self) -> Option<f64> {
        let threshold = "autovacuum_vacuum_insert_threshold";
        self.number(threshold).filter(|rows| *rows >= 0.0)?;
        let scale = self.number("autovacuum_vacuum_insert_scale_factor")?;
        Some(self.number(threshold)? + scale * self.rows * self.unfrozen)
    }

    fn dead(&self) -> Option<f64> {
        let most = self.number("autovacuum_vacuum_max_threshold").filter(|most| *most >= 0.0);
        let trigger =
            self.trigger("autovacuum_vacuum_threshold", "autovacuum_vacuum_scale_factor")?;
        Some(trigger.min(most.unwrap_or(f64::INFINITY)))
    }

    fn analyze(&self) -> Option<f64> {
        self.trigger("autovacuum_analyze_threshold", "autovacuum_analyze_scale_factor")
    }

    fn is_due(&self) -> bool {
        let past = |changed: i64, trigger: Option<f64>| {
            trigger.is_some_and(|trigger| float(changed) > trigger)
        };
        past(self.activity.inserted_since_vacuum, self.inserts())
            || past(self.activity.dead_rows, self.dead())
            || past(self.activity.changed_since_analyze, self.analyze())
    }
}

/// Why autovacuum has not drained the list of an index.
pub(super) fn drainer(leaf: &LeafIndex<'_>, common: &Common) -> Drainer {
    let Some(activity) = leaf.activity else { return Drainer::Unknown };
    if common.setting("autovacuum").is_some_and(|setting| !setting.is_on()) {
        return Drainer::OffForServer;
    }
    if activity.option("autovacuum_enabled").is_some_and(off) {
        return Drainer::OffForTable;
    }
    let (frozen, pages) = (float(activity.frozen_pages.unwrap_or(0)), float(leaf.table.pages));
    let unfrozen = 1.0 - (frozen / pages.max(1.0)).min(1.0);
    let rows = leaf.table.rows_now(None);
    let autovacuum = Autovacuum { activity, common, rows, unfrozen };
    if autovacuum.is_due() {
        return Drainer::Due;
    }
    let inserted = float(activity.inserted_since_vacuum);
    Drainer::NotDue { inserted, trigger: autovacuum.inserts() }
}

impl Drainer {
    /// The same in words.
    pub(super) fn reason(self) -> String {
        match self {
            Self::OffForServer => "autovacuum is off".to_owned(),
            Self::OffForTable => "autovacuum is off for the table".to_owned(),
            Self::Due => "autovacuum is due".to_owned(),
            Self::NotDue { inserted, trigger: Some(trigger) } => format!(
                "autovacuum waits for {trigger:.0} inserted rows and has seen {inserted:.0}"
            ),
            Self::NotDue { trigger: None, .. } => "inserts alone never bring autovacuum".to_owned(),
            Self::Unknown => "the counters of the table were not read".to_owned(),
        }
    }
}
