//! When autovacuum comes to a table: the chain of settings, and the formula of the major version.

use super::tables::LeafTable;
use crate::model::observation::Common;

/// The first major version that caps the threshold.
const CAPPED_SINCE: u32 = 18;

/// When autovacuum comes for dead rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct VacuumTrigger {
    /// Dead rows that it waits for; absent where it never comes.
    pub(super) dead_rows: Option<f64>,
    /// The same where it is on.
    pub(super) waits_for: f64,
    /// The scale factor in force.
    pub(super) scale_factor: f64,
    /// The threshold in force.
    pub(super) threshold: f64,
    /// Whether it is off for this table alone.
    pub(super) off_here: bool,
}

impl VacuumTrigger {
    /// By the table's own parameters, then the server's settings. A parameter of -1 counts as not set.
    pub(super) fn of(leaf: &LeafTable<'_>, common: &Common, major: u32) -> Option<Self> {
        let own = |name: &str, least: f64| {
            let value: f64 = leaf.activity.option(name)?.parse().ok()?;
            (value >= least).then_some(value)
        };
        let server = |name: &str| common.setting(name)?.number();
        let number = |name: &str| own(name, 0.0).or_else(|| server(name));
        let threshold = number("autovacuum_vacuum_threshold")?;
        let scale_factor = number("autovacuum_vacuum_scale_factor")?;
        // A cap of -1 is none, and the table may say so itself.
        let cap = own("autovacuum_vacuum_max_threshold", -1.0)
            .or_else(|| server("autovacuum_vacuum_max_threshold"));
        let cap = cap.filter(|cap| major >= CAPPED_SINCE && *cap >= 0.0);
        let off_here = leaf.activity.option("autovacuum_enabled").is_some_and(is_off);
        let on = common.setting("autovacuum")?.is_on() && !off_here;
        let rows = leaf.relation.rows.unwrap_or(0.0);
        let waits_for = (threshold + scale_factor * rows).min(cap.unwrap_or(f64::INFINITY));
        let dead_rows = on.then_some(waits_for);
        Some(Self { dead_rows, waits_for, scale_factor, threshold, off_here })
    }
}

/// Whether a boolean parameter is off, in any of the spellings that the server takes and keeps as they are.
pub(super) fn is_off(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let begins = |word: &str, least: usize| value.len() >= least && word.starts_with(&value);
    begins("off", 2) || begins("false", 1) || begins("no", 1) || value == "0"
}

#[cfg(test)]
mod tests {
    use super::super::testing::{set, snapshot, table};
    use super::*;
    use crate::model::Snapshot;

    fn trigger(seen: &mut Snapshot, rows: i64, options: &[&str], major: u32) -> VacuumTrigger {
        let (relation, activity) = table(seen, 1, "t", (rows, 0));
        activity.options = options.iter().map(|option| (*option).to_owned()).collect();
        let (relation, activity) = (relation.clone(), activity.clone());
        let leaf = LeafTable { relation: &relation, activity: &activity };
        VacuumTrigger::of(&leaf, &seen.common, major).unwrap_or_else(|| unreachable!("all is set"))
    }

    fn waits(rows: i64, options: &[&str], major: u32) -> Option<f64> {
        trigger(&mut snapshot(), rows, options, major).dead_rows
    }

    #[test]
    fn the_table_s_own_parameters_come_before_the_server_s() {
        assert_eq!(waits(1000, &[], 17), Some(250.0));
        assert_eq!(waits(1000, &["autovacuum_vacuum_scale_factor=0.02"], 17), Some(70.0));
        assert_eq!(waits(100, &["autovacuum_vacuum_scale_factor=0.02"], 17), Some(52.0));
        assert_eq!(waits(1000, &["autovacuum_vacuum_threshold=500"], 17), Some(700.0));
        assert_eq!(waits(1000, &["autovacuum_vacuum_scale_factor=-1"], 17), Some(250.0));
        for off in ["false", "off", "no", "0", "f", "OFF"] {
            assert_eq!(waits(1000, &[&format!("autovacuum_enabled={off}")], 18), None, "{off}");
        }
    }

    #[test]
    fn from_18_on_the_threshold_is_capped_unless_the_cap_is_taken_away() {
        let billion = 1_000_000_000;
        assert_eq!(waits(billion, &[], 17), Some(200_000_050.0));
        assert_eq!(waits(billion, &[], 18), Some(100_000_000.0));
        let own = ["autovacuum_vacuum_max_threshold=-1"];
        assert_eq!(waits(billion, &own, 19), Some(200_000_050.0));
        let own = ["autovacuum_vacuum_max_threshold=5000"];
        assert_eq!(waits(billion, &own, 18), Some(5000.0));
    }

    #[test]
    fn where_autovacuum_is_off_it_never_comes() {
        let mut seen = snapshot();
        set(&mut seen, "autovacuum", "off");
        let trigger = trigger(&mut seen, 1000, &[], 18);
        assert_eq!((trigger.dead_rows, trigger.off_here), (None, false));
    }
}
