//! `plan/redundant-index`, explained in the page beside this file.

use super::table::{IndexedTable, for_each_table};
use crate::checks::Check;
use crate::checks::existing::{ENFORCES_UNIQUENESS, existing, needed_by};
use crate::model::observation::{Index, IndexDetail};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Confidence, Declined, Finding, Gap, GapReason, Judgement, Severity, Superpower,
    Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::INDEXES, Topic::INDEX_DETAILS],
    uses: &[],
    requires: &[],
    thresholds: &[&TABLE_BYTES_MIN],
    page: include_str!("redundant_index.md"),
    judge,
};

const ID: &str = "plan/redundant-index";

/// How one index covers another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cover {
    /// Both have the same keys.
    Same,
    /// The other has the same keys and includes more columns.
    Wider,
    /// The other begins with the keys of this one.
    Prefix,
}

/// An index with the one that covers it.
#[derive(Clone, Copy)]
struct CoveredIndex<'i> {
    index: &'i Index,
    cover: Cover,
    other: &'i Index,
}

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let mut judgement = Judgement::default();
    for_each_table(case, |table| {
        for index in &table.indexes {
            if let Some(covered) = covered(table, index) {
                report(&mut judgement, table, covered, case);
            }
        }
    })?;
    Ok(judgement)
}

/// The index that makes this one superfluous, the same keys before a longer list of them.
fn covered<'a>(table: &'a IndexedTable<'_>, index: &'a Index) -> Option<CoveredIndex<'a>> {
    let all = table.indexes.iter().chain(&table.parts_of_others).copied();
    let others = all.filter(|other| other.oid != index.oid);
    let covers = others.filter_map(|other| {
        Some(CoveredIndex { index, cover: cover(table, index, other)?, other })
    });
    let stays = covers.filter(|CoveredIndex { cover, other, .. }| {
        // Of two with the same keys only one goes: the one that nothing needs, else one on which nothing was set, else the younger.
        *cover != Cover::Same || other.parent.is_some() || goes_before(table, index, other)
    });
    stays.min_by_key(|covered| (covered.cover != Cover::Same, covered.other.oid))
}

fn goes_before(table: &IndexedTable<'_>, index: &Index, other: &Index) -> bool {
    let rank = |index: &Index| {
        let detail = table.detail(index);
        let needed = detail.is_none_or(|detail| needed_by(index, detail).is_some());
        // What was set on one by hand would go with it: CLUSTER finds its order there, ANALYZE its targets.
        let targets =
            |detail: &IndexDetail| detail.parts.iter().any(|part| part.statistics_target.is_some());
        (!needed, !index.is_clustered, !detail.is_some_and(targets), index.oid)
    };
    rank(index) > rank(other)
}

/// How `other` covers `index`; absent where it does not.
fn cover(table: &IndexedTable<'_>, index: &Index, other: &Index) -> Option<Cover> {
    let alike = index.method == other.method
        && other.is_valid
        && index.is_valid
        && index.partitioned == other.partitioned
        && index.options.iter().all(|option| is_tuned_alike(option, other))
        && index.option("pages_per_range") == other.option("pages_per_range");
    if !alike || index.key_count > other.key_count {
        return None;
    }
    let keys = index.key_count;
    let same_columns = index.attributes.get(..keys)? == other.attributes.get(..keys)?
        && index.classes.get(..keys)? == other.classes.get(..keys)?
        && index.collations.get(..keys)? == other.collations.get(..keys)?
        && index.ordering.get(..keys)? == other.ordering.get(..keys)?;
    let special = index.has_expressions || index.is_partial || other.is_partial;
    if !same_columns
        || (special && !same_expressions(table.detail(index)?, table.detail(other)?, keys))
    {
        return None;
    }
    // Those of core's B-trees take no parameters.
    if index.method != "btree"
        && class_options(table, index, keys)? != class_options(table, other, keys)?
    {
        return None;
    }
    // A column that `index` includes must be in `other`, or index-only scans are lost.
    let included = index.attributes.get(keys..)?;
    if !included.iter().all(|column| *column != 0 && other.attributes.contains(column)) {
        return None;
    }
    if keys < other.key_count {
        return (index.method == "btree").then_some(Cover::Prefix);
    }
    let includes_all = other.attributes.get(keys..)?.iter().all(|column| included.contains(column));
    Some(if includes_all { Cover::Same } else { Cover::Wider })
}

/// Whether an option is no reason to keep an index beside the other: one that changes what a search or an insert costs is.
fn is_tuned_alike(option: &str, other: &Index) -> bool {
    let decides = ["fillfactor", "fastupdate", "gin_pending_list_limit", "buffering", "length"];
    !decides.iter().any(|name| option.starts_with(name))
        || other.options.iter().any(|o| o == option)
}

/// Parameters of the operator classes of the keys.
fn class_options<'a>(
    table: &'a IndexedTable<'_>,
    index: &Index,
    keys: usize,
) -> Option<Vec<&'a [String]>> {
    let parts = table.detail(index)?.parts.iter().take(keys);
    Some(parts.map(|part| part.options.as_slice()).collect())
}

fn same_expressions(one: &IndexDetail, other: &IndexDetail, keys: usize) -> bool {
    let sql = |detail: &IndexDetail| -> Vec<String> {
        detail.parts.iter().take(keys).map(|part| part.sql.clone()).collect()
    };
    one.predicate == other.predicate && sql(one) == sql(other)
}

fn report(
    judgement: &mut Judgement,
    table: &IndexedTable<'_>,
    covered: CoveredIndex<'_>,
    case: &Case<'_>,
) {
    let CoveredIndex { index, cover, other } = covered;
    let (object, by) = (table.object(index), table.object(other));
    let declined = |reason: &str, detail: String| Declined::new(ID, object.clone(), reason, detail);
    let Some(detail) = table.detail(index) else {
        let detail = format!("`{object}` has keys of `{by}`, and its definition was not read");
        judgement.gaps.push(Gap::new("index_details", GapReason::NotEnoughEvidence, detail));
        return;
    };
    if let Some(reason) = blocker(index, detail, other) {
        judgement.declined.push(declined(reason, format!("`{by}` begins with the same keys")));
        return;
    }
    let name = table.relation.qualified_name();
    let Some(mut old) = existing(index, &name, &object, case.snapshot) else {
        judgement.declined.push(declined("its parts were not read", format!("covered by `{by}`")));
        return;
    };
    let bytes = table.index_bytes(index);
    let (severity, confidence, how) = match cover {
        Cover::Same => (Severity::Medium, Confidence::High, "has the same keys as"),
        Cover::Wider => (Severity::Low, Confidence::Medium, "holds nothing that is not in"),
        Cover::Prefix => (Severity::Low, Confidence::Medium, "has the first keys of"),
    };
    if cover != Cover::Same {
        old.caveats.push(format!(
            "a query that uses it alone reads `{by}` instead, whose entries are longer"
        ));
    }
    let message = format!("`{object}` {how} `{by}` and takes {}", megabytes(bytes));
    judgement.findings.push(
        Finding::new(ID, object.clone(), table.severity(case, severity), message)
            .confidence(confidence)
            .statistic("index_sizes.index_bytes", bytes, Unit::Bytes)
            .statistic("indexes.scans", table.scans(index), Unit::Count)
            .action(Action::DropIndex(old)),
    );
}

/// Why the index stays although another covers it. A unique index may go where the other enforces the same.
fn blocker(index: &Index, detail: &IndexDetail, other: &Index) -> Option<&'static str> {
    let enforced = index.is_unique
        && other.is_unique
        && index.key_count == other.key_count
        && index.nulls_not_distinct == other.nulls_not_distinct
        && (other.is_immediate || !index.is_immediate);
    needed_by(index, detail).filter(|reason| !(enforced && *reason == ENFORCES_UNIQUENESS))
}

fn megabytes(bytes: i64) -> String {
    let bytes = crate::checks::number::float(bytes);
    if bytes < 1e6 { format!("{:.0} kB", bytes / 1e3) } else { format!("{:.0} MB", bytes / 1e6) }
}
