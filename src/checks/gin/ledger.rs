//! What statements do with the columns of GIN indexes.

use std::collections::{BTreeMap, BTreeSet};

use super::index::GinTree;
use crate::checks::number::float;
use crate::model::observation::{
    ColumnUsage, Layout, OperatorUse, Predicate, QueryBlock, Relation, StatementProfile, UsePlace,
    Workload,
};
use crate::model::{Case, Gap, GapReason, Object, Threshold, Unit};

/// Calls below which an index is not worth its writes.
pub(super) static SEARCH_CALLS_MIN: Threshold = Threshold {
    name: "search_calls_min",
    default: 100.0,
    unit: Unit::Count,
    reason: "a GIN index costs every insert; fewer searches than that in the workload do not pay for one",
};

/// The column that statements search.
pub(super) fn column_object(usage: &ColumnUsage) -> Object {
    Object::Column {
        schema: usage.schema.clone(),
        table: usage.table.clone(),
        column: usage.column.clone(),
        partition: None,
    }
}

/// The workload with its columns, or what makes it visible.
pub(super) fn workload<'a>(case: &Case<'a>) -> Result<&'a Workload, Gap> {
    let workload = case.snapshot.workload.get()?;
    if !workload.usage.is_empty() {
        return Ok(workload);
    }
    let detail = "no statement is known that names a column of this database";
    let gap = Gap::new("workload.statements", GapReason::NotEnoughEvidence, detail);
    Err(gap.lifted_by("CREATE EXTENSION pg_stat_statements; or send statements: POST /v1/targets/{target}/workload, or --workload FILE"))
}

/// How statements use the column of an index of one column, and its name; none where it has more, or an expression.
pub(super) fn column_usage<'a>(
    tree: &GinTree<'_>,
    case: &'a Case<'_>,
    workload: &'a Workload,
) -> Option<(&'a str, &'a ColumnUsage)> {
    let detail = case.snapshot.common.index_detail(tree.root.oid)?;
    let [part] = detail.parts.as_slice() else { return None };
    let column = part.column.as_deref()?;
    let usage = workload.usage_of(&tree.table.schema, &tree.table.name, column)?;
    Some((column, usage))
}

/// Calls that search a column for certain. A statement that names the table without its schema, where several schemas have one
/// of that name, may search another.
pub(super) fn certain(usage: &ColumnUsage, calls: u64) -> u64 {
    calls.saturating_sub(usage.ambiguous_calls)
}

/// Where `certain` calls are too few and all together would not be, that is why nothing is found.
pub(super) fn ambiguous(usage: &ColumnUsage, calls: u64, case: &Case<'_>) -> Option<Gap> {
    let least = case.policy.get(&SEARCH_CALLS_MIN);
    let enough = |calls: u64| float(calls) >= least;
    (enough(calls) && !enough(certain(usage, calls))).then(|| {
        let table = &usage.table;
        let detail = format!(
            "{} calls search `{table}.{}` without its schema, and several schemas have a `{table}`: which they search is not known",
            usage.ambiguous_calls, usage.column
        );
        Gap::new("workload.columns", GapReason::NotEnoughEvidence, detail)
            .lifted_by("send statements that name the schema")
    })
}

/// Bytes of a table that nothing reads in a millisecond: 4 GB a second is what memory gives.
const READ_BYTES_PER_MS: f64 = 4e6;

/// Rows that another index may leave for a search to compare one by one.
pub(super) static ROWS_LEFT_MAX: Threshold = Threshold {
    name: "rows_left_max",
    default: 1000.0,
    unit: Unit::Rows,
    reason: "a search that a B-tree index leaves 1,000 rows took 1.7 ms, and 0.2 ms with a GIN index beside it, whose writes that does not pay for",
};

/// A table, to show how statements find its rows.
pub(super) struct Sought<'a> {
    table: &'a Relation,
    pub(super) workload: &'a Workload,
    bytes: f64,
    /// Columns that an index begins with and that leave one row, or few, where each equals a value.
    keys: Vec<BTreeSet<&'a str>>,
    /// Columns that an index begins with and of which it is not known how many rows equality leaves.
    unknown: BTreeMap<&'a str, WhyUnknown>,
}

/// Why it is not known how many rows an index leaves a search.
#[derive(Clone, Copy)]
enum WhyUnknown {
    NoStatistics,
    /// Which partition statements name is not kept: an index of some may be all that they need.
    OnPartitions,
}

impl<'a> Sought<'a> {
    /// Of a table of so many bytes, TOAST included.
    pub(super) fn new(
        table: &'a Relation,
        bytes: f64,
        workload: &'a Workload,
        case: &Case<'a>,
    ) -> Self {
        let common = &case.snapshot.common;
        let indexes = common.indexes.get().map(Vec::as_slice).unwrap_or_default();
        let family = case.families().ok().and_then(|all| all.family(table.oid));
        let parts: BTreeSet<i64> = family
            .into_iter()
            .flat_map(|family| &family.members)
            .map(|member| member.oid)
            .collect();
        let equality = indexes.iter().filter(|index| {
            (index.table_oid == table.oid
                || index.parent.is_none() && parts.contains(&index.table_oid))
                && matches!(index.method.as_str(), "btree" | "hash")
                && index.is_valid
                && !index.is_partial
        });
        let left = RowsLeft::of(table, case);
        let most = case.policy.get(&ROWS_LEFT_MAX);
        let (mut keys, mut unknown) = (Vec::new(), BTreeMap::new());
        for index in equality {
            let Some(detail) = common.index_detail(index.oid) else { continue };
            let parts = detail.parts.iter().take(index.key_count);
            let columns: Vec<&str> = parts.map_while(|part| part.column.as_deref()).collect();
            let is_whole = index.table_oid == table.oid;
            if is_whole && index.is_unique && columns.len() == index.key_count {
                keys.push(columns.iter().copied().collect());
            }
            let Some(first) = columns.first() else { continue };
            match left.as_ref().filter(|left| left.is_known(first)) {
                Some(left) if is_whole => keys.extend(left.least_prefix(&columns, most)),
                Some(_) => drop(unknown.entry(*first).or_insert(WhyUnknown::OnPartitions)),
                None => drop(unknown.insert(*first, WhyUnknown::NoStatistics)),
            }
        }
        Self { table, workload, bytes, keys, unknown }
    }

    /// Why it is not known whether calls of statements find their rows by an index, where enough of them may.
    pub(super) fn unknown_rows(
        &self,
        uses: &dyn Fn(&Predicate) -> bool,
        least: f64,
    ) -> Option<Gap> {
        let (mut calls, mut named) = (0_u64, None);
        for statement in self.statements() {
            let mut blocks = statement.shape.blocks.iter();
            let found = blocks.find_map(|block| {
                let searches = block.predicates.iter().any(uses) && !self.has_known_key(block);
                let equal = self.equal(block);
                let mut unknown = self.unknown.iter().filter(|(name, _)| equal.contains(*name));
                unknown.next().filter(|_| searches)
            });
            calls = calls.saturating_add(found.map_or(0, |_| statement.calls));
            named = named.or(found);
        }
        let enough = float(calls) >= least;
        let name = self.table.qualified_name().to_sql();
        let (column, why) = named.filter(|_| enough)?;
        let gap = |why: &str| {
            let detail = format!(
                "how many rows an index leaves a search with equality on `{column}` of `{name}` is not known: {why}"
            );
            Gap::new("column_statistics", GapReason::NotEnoughEvidence, detail)
        };
        Some(match why {
            // Autovacuum does not analyze partitioned tables.
            WhyUnknown::NoStatistics => gap("no statistics of the whole table were read")
                .lifted_by(format!("ANALYZE {name}")),
            WhyUnknown::OnPartitions => gap("it is an index of some partitions alone"),
        })
    }

    /// Statements that read the table.
    pub(super) fn statements(&self) -> impl Iterator<Item = &'a StatementProfile> {
        self.workload.statements_of(&self.table.schema, &self.table.name)
    }

    /// Calls of statements whose rows are found otherwise than by the conditions that `uses` holds for: by an index
    /// that leaves few, by what `serves` holds for, or so fast that the table cannot have been read.
    pub(super) fn calls_found_otherwise(
        &self,
        uses: &dyn Fn(&Predicate) -> bool,
        serves: &dyn Fn(&Predicate) -> bool,
    ) -> u64 {
        let found = self.statements().filter(|statement| {
            let mut blocks = statement
                .shape
                .blocks
                .iter()
                .filter(|block| block.predicates.iter().any(uses))
                .peekable();
            blocks.peek().is_some()
                && (self.is_too_fast(statement)
                    || blocks
                        .all(|block| self.has_key(block) || block.predicates.iter().any(serves)))
        });
        found.map(|statement| statement.calls).fold(0, u64::saturating_add)
    }

    fn is_too_fast(&self, statement: &StatementProfile) -> bool {
        let calls = float(statement.calls).max(1.0);
        statement.total_ms > 0.0 && statement.total_ms / calls < self.bytes / READ_BYTES_PER_MS
    }

    /// Calls that search a column by operators and find their rows by nothing else.
    pub(super) fn calls_left(&self, usage: &ColumnUsage, operators: &[&str]) -> u64 {
        let uses = |one: &Predicate| {
            self.column(one) == Some(&*usage.column) && operators.contains(&one.operator.as_str())
        };
        let all = usage.calls_where(|one| searches(one, operators) && !one.under_or);
        all.saturating_sub(self.calls_found_otherwise(&uses, &|_: &Predicate| false))
    }

    /// Whether a query asks each column of such a key to equal something, or of one that may be.
    fn has_key(&self, block: &QueryBlock) -> bool {
        self.has_known_key(block)
            || self.equal(block).iter().any(|column| self.unknown.contains_key(column))
    }

    fn has_known_key(&self, block: &QueryBlock) -> bool {
        let equal = self.equal(block);
        self.keys.iter().any(|key| !key.is_empty() && key.is_subset(&equal))
    }

    /// The columns that a query asks to equal something.
    fn equal<'b>(&self, block: &'b QueryBlock) -> BTreeSet<&'b str> {
        let equal = block.predicates.iter().filter(|one| one.operator == "=");
        equal.filter_map(|one| self.column(one)).collect()
    }

    /// The columns of the table that a query has conditions on.
    pub(super) fn columns<'b>(&self, block: &'b QueryBlock) -> impl Iterator<Item = &'b str> {
        let all = block.predicates.iter().flat_map(|one| &one.subject.columns);
        let own = all
            .filter(|column| column.schema == self.table.schema && column.table == self.table.name);
        own.map(|column| &*column.column)
    }

    /// The column of a condition that every row of the result satisfies.
    pub(super) fn column<'p>(&self, one: &'p Predicate) -> Option<&'p str> {
        let [column] = one.subject.columns.as_slice() else { return None };
        let own = column.schema == self.table.schema && column.table == self.table.name;
        (own && one.subject.plain && !one.under_or && !one.under_not).then_some(&*column.column)
    }
}

/// How many rows equality leaves, by the statistics of the planner.
struct RowsLeft<'a> {
    rows: f64,
    layout: &'a Layout,
}

impl<'a> RowsLeft<'a> {
    fn of(table: &Relation, case: &Case<'a>) -> Option<Self> {
        let layouts = case.snapshot.layouts.get().ok()?;
        let layout = layouts.iter().find(|layout| layout.oid == table.oid)?;
        Some(Self { rows: case.families().ok()?.family(table.oid)?.rows(), layout })
    }

    fn is_known(&self, name: &str) -> bool {
        self.layout.column(name).is_some_and(|column| column.distinct.is_some())
    }

    /// The fewest leading columns of an index that leave at most so many rows where each equals a value of average frequency.
    fn least_prefix<'c>(&self, columns: &[&'c str], most: f64) -> Option<BTreeSet<&'c str>> {
        let mut left = self.rows;
        for (position, name) in columns.iter().enumerate() {
            let column = self.layout.column(name)?;
            let distinct = column.distinct?;
            let distinct = if distinct < 0.0 { -distinct * self.rows } else { distinct };
            left *= (1.0 - column.null_share.unwrap_or(0.0)) / distinct.max(1.0);
            if left <= most {
                return Some(columns.iter().take(position + 1).copied().collect());
            }
        }
        None
    }
}

/// Whether a use of the column itself finds rows by an operator.
pub(super) fn searches(one: &OperatorUse, operators: &[&str]) -> bool {
    one.expression.is_none()
        && !one.within
        && finds_rows(one)
        && one.operator.as_deref().is_some_and(|operator| operators.contains(&operator))
}

/// Whether a use finds rows.
pub(super) fn finds_rows(one: &OperatorUse) -> bool {
    matches!(one.place, UsePlace::Where | UsePlace::Join) && !one.under_not
}

/// Calls of searches of a column by operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JsonbSearches {
    /// `@>`.
    pub(super) contains: u64,
    /// `?`, `?|` and `?&`.
    pub(super) keys: u64,
    /// `@?` and `@@`: whether a class serves them depends on the path.
    pub(super) paths: u64,
}

impl JsonbSearches {
    pub(super) fn of(usage: &ColumnUsage) -> Self {
        let calls = |operators: &[&str]| usage.calls_where(|one| searches(one, operators));
        Self {
            contains: calls(&["@>"]),
            keys: calls(&["?", "?|", "?&"]),
            paths: calls(&["@?", "@@"]),
        }
    }

    pub(super) fn all(self) -> u64 {
        self.contains + self.keys + self.paths
    }
}
