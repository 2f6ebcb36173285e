//! `plan/unpruned-partitions`, explained in the page beside this file.

use super::tree::condition;
use super::tree::{
    TIME_MS_MIN, TIME_SHARE_MIN, Tree, clipped, count, figure, for_each_executed, or_counted,
    removed, rows, workload,
};
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::explain::Node;
use crate::model::observation::{
    PartitionKey, Predicate, QueryBlock, Relation, StatementKind, StatementProfile, Subject,
    Workload,
};
use crate::model::{
    Case, Confidence, Finding, Gap, Judgement, Object, Severity, Superpower, Threshold, Topic,
    Unit, grouped,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::High,
    needs: &[Topic::PLANS, Topic::RELATIONS, Topic::WAL_PARTITIONS, Topic::STATEMENTS],
    uses: &[],
    requires: &[],
    thresholds: &[
        &PARTITIONS_MIN,
        &EMPTY_SHARE_MIN,
        &TIME_SHARE_MIN,
        &TIME_MS_MIN,
        &UNPRUNED_CALLS_MIN,
    ],
    page: include_str!("unpruned_partitions.md"),
    judge,
};

const ID: &str = "plan/unpruned-partitions";

static PARTITIONS_MIN: Threshold = Threshold {
    name: "partitions_min",
    default: 4.0,
    unit: Unit::Count,
    reason: "with three partitions or fewer, pruning saves little",
};

static EMPTY_SHARE_MIN: Threshold = Threshold {
    name: "empty_share_min",
    default: 0.5,
    unit: Unit::Ratio,
    reason: "where most partitions hold rows that are wanted, the condition does not go by the partition key",
};

static UNPRUNED_CALLS_MIN: Threshold = Threshold {
    name: "unpruned_calls_min",
    default: 100.0,
    unit: Unit::Count,
    reason: "a report that reads the whole table now and then is meant to",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    or_counted(case, by_plans(case), by_statements)
}

/// Statements of the workload that read a partitioned table and name its partition key nowhere.
fn by_statements(case: &Case<'_>) -> Result<Judgement, Gap> {
    let keys = case.snapshot.wal.partition_keys.get()?;
    let families = case.families()?;
    let divided = keys.iter().filter_map(|key| {
        let family = families.family(key.oid).filter(|family| family.root.oid == key.oid)?;
        let many = float(family.leaves().count()) >= case.policy.get(&PARTITIONS_MIN);
        let column = key.first_column.as_deref()?;
        let table = DividedTable { root: family.root, key, column };
        Some(table).filter(|_| many && case.wants(family))
    });
    let divided: Vec<DividedTable<'_>> = divided.collect();
    if divided.is_empty() {
        return Ok(Judgement::default());
    }
    let workload = workload(case)?;
    let found = divided.iter().filter_map(|table| without_key(case, workload, table));
    Ok(Judgement { findings: found.collect(), ..Judgement::default() })
}

/// A partitioned table, with the first column of its partition key.
struct DividedTable<'a> {
    root: &'a Relation,
    key: &'a PartitionKey,
    column: &'a str,
}

fn without_key(case: &Case<'_>, workload: &Workload, table: &DividedTable<'_>) -> Option<Finding> {
    let DividedTable { root, column, .. } = table;
    let lacking: Vec<&StatementProfile> = workload
        .statements_of(&root.schema, &root.name)
        .filter(|statement| table.is_read_without_key(statement))
        .collect();
    let calls: u64 = lacking.iter().map(|statement| statement.calls).sum();
    let calls = float(calls);
    if calls < case.policy.get(&UNPRUNED_CALLS_MIN) {
        return None;
    }
    let total_ms: f64 = lacking.iter().map(|statement| statement.total_ms).sum();
    let object = Object::Table { schema: root.schema.clone(), table: root.name.clone() };
    let message = format!(
        "{} calls read `{object}` without comparing its partition key `{column}` itself: they visit every partition",
        grouped(calls)
    );
    Some(
        Finding::new(ID, object, Severity::Low, message)
            .confidence(Confidence::Medium)
            .statistic("workload.calls", whole(calls), Unit::Count)
            .statistic("workload.total_ms", total_ms, Unit::Ms)
            .statistic("workload.statements", float(lacking.len()), Unit::Count),
    )
}

/// Operators that lead to one part of a table divided by hashes.
const EQUALITY: &[&str] = &["=", "in", "= any", "is null"];

impl DividedTable<'_> {
    /// Whether a statement reads the table and nothing in it could lead to a part of it. What was not understood whole is left alone.
    fn is_read_without_key(&self, statement: &StatementProfile) -> bool {
        let Self { root, key, column } = *self;
        let shape = &statement.shape;
        let reads = |block: &QueryBlock| {
            block.relations.iter().any(|relation| {
                relation.schema == root.schema && relation.name == root.name && !relation.ambiguous
            })
        };
        let names_key = |subject: &Subject| {
            subject.columns.iter().any(|name| {
                name.schema == root.schema && name.table == root.name && name.column == column
            })
        };
        // The key itself is compared; a function of it leads nowhere, and ranges lead nowhere among hashes.
        let prunes = |predicate: &Predicate| {
            // The server looks through the cast of varchar to text.
            let relabelled = predicate.subject.cast.as_deref() == Some("text")
                && key.first_type.as_deref() == Some("varchar");
            names_key(&predicate.subject)
                && (predicate.subject.plain || relabelled)
                && (key.strategy != 'h' || EQUALITY.contains(&&*predicate.operator))
        };
        let has_key = |block: &QueryBlock| {
            block.predicates.iter().any(prunes)
                || block.joins.iter().any(|join| names_key(&join.left) || names_key(&join.right))
        };
        let reading = matches!(
            shape.kind,
            StatementKind::Select | StatementKind::Update | StatementKind::Delete
        );
        reading
            && shape.unresolved == 0
            && !shape.truncated
            && shape.blocks.iter().any(reads)
            && !shape.blocks.iter().any(has_key)
    }
}

fn by_plans(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| {
        let appends = tree.nodes().iter().filter(|node| node.node_type.ends_with("Append"));
        judgement.findings.extend(appends.filter_map(|node| find(tree, node, case)));
    })
}

fn find(tree: &Tree<'_>, append: &Node, case: &Case<'_>) -> Option<Finding> {
    let partitions: Vec<&Node> = append
        .children
        .iter()
        .map(|id| tree.node(*id))
        .filter(|node| !node.never_executed)
        .collect();
    if float(partitions.len()) < case.policy.get(&PARTITIONS_MIN) || !are_partitions(&partitions) {
        return None;
    }
    let pruning_is_off = tree.setting("enable_partition_pruning") == Some("off");
    // Before 18, rows are rounded for each loop: none in a hundred loops may be forty.
    let read_for_nothing = |node: &&&Node| {
        rows(node) == 0.0
            && count(node.actual_loops) <= 1.0
            && (removed(node, "filter") > 0.0 || node.condition("index_cond").is_some())
            && (pruning_is_off || could_hide_key(node))
    };
    let empty: Vec<&&Node> = partitions.iter().filter(read_for_nothing).collect();
    let share = float(empty.len()) / float(partitions.len());
    let stake = tree.stake(empty.iter().map(|node| node.id));
    // Where none returned a row, nothing says that the condition goes by partitions.
    if share < case.policy.get(&EMPTY_SHARE_MIN)
        || partitions.iter().all(|node| rows(node) == 0.0)
        || !stake.matters(case)
    {
        return None;
    }
    let condition = empty.iter().map(|node| removed(node, "filter")).sum::<f64>();
    let message = format!(
        "{} reads {} partitions, and {} of them (as `{}`) hold no row that is wanted: {:.0} % of the time",
        tree.title(append.id),
        partitions.len(),
        empty.len(),
        clipped(empty.first()?.relation.as_deref()?),
        stake.share * 100.0
    );
    Some(
        tree.finding(ID, stake.at(append.id), message)
            // Whether the condition goes by the partition key is not in the plan.
            .confidence(Confidence::Medium)
            .evidence(figure("partitions", i64::try_from(partitions.len()).ok()?, Unit::Count))
            .evidence(figure("empty_partitions", i64::try_from(empty.len()).ok()?, Unit::Count))
            .evidence(figure("removed_rows", whole(condition), Unit::Rows)),
    )
}

/// Whether a condition of the scan may be on the partition key. A column that is compared itself with a constant is another
/// one: by the key, the server would have pruned.
fn could_hide_key(scan: &Node) -> bool {
    let conditions = scan.conditions.iter().filter(|c| matches!(c.kind, "filter" | "index_cond"));
    let mut clauses = conditions.flat_map(|c| condition::clauses(&c.text));
    clauses.any(|clause| {
        let of_column = condition::comparison(clause).is_some()
            || condition::says(clause, &[" IS NULL", " IS NOT NULL", " ~~", " <> "])
                && condition::wrapped(clause).is_none()
            || condition::column(clause.strip_prefix("NOT ").unwrap_or(clause)).is_some();
        !of_column
    })
}

/// Whether they are parts of one table, and not of a UNION ALL: their aliases are one name with numbers.
pub(super) fn are_partitions(scans: &[&Node]) -> bool {
    let stem = |node: &Node| {
        let alias = node.alias.as_deref().filter(|_| node.relation.is_some())?;
        let (stem, number) = alias.rsplit_once('_')?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| stem.to_owned())
    };
    let stems: Vec<Option<String>> = scans.iter().map(|node| stem(node)).collect();
    stems.first().is_some_and(Option::is_some) && stems.windows(2).all(|pair| pair[0] == pair[1])
}
