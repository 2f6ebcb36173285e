//! `plan/stale-statistics`, explained in the page beside this file.

use jiff::Timestamp;

use crate::checks::number::float;
use crate::checks::{Check, Requirement};
use crate::model::observation::{Relation, TableActivity};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Family, Finding, Gap, GapReason, Judgement, Maintenance, MaintenanceVerb, Object,
    QualifiedName, Severity, Superpower, Threshold, Topic, Unit, counted, percent,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::TABLE_ACTIVITY],
    uses: &[],
    requires: &[Requirement::WriteCounters],
    thresholds: &[&STALE_SHARE_MAX, &STALE_AGE_S_MIN, &TABLE_BYTES_MIN],
    page: include_str!("stale_statistics.md"),
    judge,
};

const ID: &str = "plan/stale-statistics";

static STALE_SHARE_MAX: Threshold = Threshold {
    name: "stale_share_max",
    default: 0.2,
    unit: Unit::Ratio,
    reason: "autovacuum analyzes a table when a tenth of its rows changed: at twice that share it does not keep up",
};

static STALE_AGE_S_MIN: Threshold = Threshold {
    name: "stale_age_s_min",
    default: 600.0,
    unit: Unit::S,
    reason: "autovacuum has its turn within minutes; rows loaded just before an ANALYZE may be counted after it",
};

/// Bytes of a usual row: what a table without counted pages is taken to have for each of its rows.
const ROW_BYTES_USUAL: i64 = 100;

/// A table that no ANALYZE or VACUUM has seen has no pages in the catalog: its rows show its size.
fn bytes(family: &Family<'_>) -> f64 {
    let of_leaf = |leaf: &Relation| match leaf.rows {
        None if leaf.pages == 0 => leaf.total_bytes().max(leaf.live_rows * ROW_BYTES_USUAL),
        _ => leaf.total_bytes(),
    };
    float(family.leaves().map(of_leaf).sum::<i64>())
}

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let seen = case.snapshot;
    seen.common.table_activity.get()?;
    let families = case.families()?;
    let mut judgement = Judgement::default();
    let mut not_read = 0;
    let large = |family: &&Family<'_>| {
        bytes(family) >= case.policy.get(&TABLE_BYTES_MIN) && case.wants(family)
    };
    for family in families.iter().filter(large) {
        match stale(family, case) {
            Some(stale) => judgement.findings.extend(stale.finding(family)),
            None => not_read += 1,
        }
    }
    if not_read > 0 {
        let detail = format!(
            "counters of {} were not read; the largest came first",
            counted(not_read, "smaller table", "smaller tables")
        );
        judgement.gaps.push(
            Gap::new("table_activity", GapReason::BudgetSpent, detail)
                .lifted_by("narrow the analysis with `schema` or `table`"),
        );
    }
    Ok(judgement)
}

/// What of a table has no statistics, or old ones.
struct StaleTable {
    /// Tables that no ANALYZE has ever seen.
    never: Vec<QualifiedName>,
    /// Tables of which a large share of rows changed since.
    changed: Vec<QualifiedName>,
    changed_rows: i64,
    /// The largest share of changed rows among them.
    share: f64,
}

/// Absent where the counters of a leaf were not read.
fn stale(family: &Family<'_>, case: &Case<'_>) -> Option<StaleTable> {
    let common = &case.snapshot.common;
    let now = case.snapshot.context.get().ok()?.now;
    let mut stale =
        StaleTable { never: Vec::new(), changed: Vec::new(), changed_rows: 0, share: 0.0 };
    for leaf in family.leaves() {
        let activity = common.activity(leaf.oid)?;
        if activity.live_rows == 0 {
            continue;
        }
        let share = float(activity.changed_since_analyze) / float(activity.live_rows);
        if !was_analyzed(activity) && leaf.rows.is_none() {
            stale.never.push(leaf.qualified_name());
        } else if analyzed_ago(activity, now) >= case.policy.get(&STALE_AGE_S_MIN)
            && share > case.policy.get(&STALE_SHARE_MAX)
            && activity.changed_since_analyze > 1000
        {
            stale.changed.push(leaf.qualified_name());
            stale.changed_rows += activity.changed_since_analyze;
            stale.share = stale.share.max(share);
        }
    }
    // Autovacuum analyzes partitions and never the table above them.
    if family.is_partitioned() && family.root.rows.is_none() {
        stale.never.insert(0, family.root.qualified_name());
    }
    Some(stale)
}

/// Seconds since the last analyze.
fn analyzed_ago(activity: &TableActivity, now: Timestamp) -> f64 {
    let last = activity.last_analyze.max(activity.last_autoanalyze);
    last.map_or(f64::INFINITY, |last| float(now.as_second() - last.as_second()))
}

fn was_analyzed(activity: &TableActivity) -> bool {
    activity.last_analyze.is_some() || activity.last_autoanalyze.is_some()
}

impl StaleTable {
    fn finding(self, family: &Family<'_>) -> Option<Finding> {
        let root = family.root.qualified_name();
        let object = Object::Table { schema: root.schema.clone(), table: root.name.clone() };
        let (message, severity) = if self.never.contains(&root) && family.is_partitioned() {
            let message = format!(
                "`{object}` was never analyzed as a whole: autovacuum analyzes its partitions alone"
            );
            (message, Severity::Medium)
        } else if !self.never.is_empty() {
            (format!("`{object}` has rows and was never analyzed"), Severity::Medium)
        } else if !self.changed.is_empty() {
            let message = format!(
                "{} of `{object}` changed since the last ANALYZE, {} of what it holds",
                counted(self.changed_rows, "row", "rows"),
                percent(self.share.min(9.99))
            );
            (message, Severity::Low)
        } else {
            return None;
        };
        // ANALYZE of the root reads a sample of each partition, too.
        let tables = if self.never.contains(&root) {
            vec![root]
        } else {
            [self.never, self.changed].concat()
        };
        let action = Action::Maintain(Maintenance {
            object: object.clone(),
            verb: MaintenanceVerb::Analyze,
            tables,
            preconditions: Vec::new(),
            caveats: Vec::new(),
        });
        // Of what was never analyzed, every row is news.
        let is_known = self.changed_rows != 0;
        let finding = Finding::new(ID, object, severity, message)
            .known_statistic(
                "table_activity.changed_rows",
                is_known.then_some(self.changed_rows),
                Unit::Rows,
            )
            .known_statistic(
                "table_activity.changed_share",
                is_known.then_some(self.share),
                Unit::Ratio,
            );
        Some(finding.action(action))
    }
}
