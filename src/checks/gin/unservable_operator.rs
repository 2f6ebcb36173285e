//! `gin/unservable-operator`, explained in the page beside this file.

use std::collections::{BTreeMap, BTreeSet};

use super::any_of_array;
use super::index::{GinTree, trees};
use super::ledger::{
    ROWS_LEFT_MAX, SEARCH_CALLS_MIN, Sought, ambiguous, certain, column_usage, finds_rows, workload,
};
use super::serving::may_serve;
use super::spelling::{plain, words};
use crate::checks::Check;
use crate::checks::existing::free_suffix;
use crate::checks::number::float;
use crate::model::observation::{
    ColumnDocuments, ColumnUsage, Common, OperatorUse, Predicate, Workload,
};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Confidence, Finding, Gap, GapReason, IndexKey, Judgement, KeyPart, NewIndex,
    Object, Observation, QualifiedName, Severity, Superpower, Topic, Unit, catalog_spelling,
    counted,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Gin,
    worst: Severity::Medium,
    needs: &[
        Topic::CONTEXT,
        Topic::RELATIONS,
        Topic::INDEXES,
        Topic::INDEX_DETAILS,
        Topic::GIN,
        Topic::STATEMENTS,
    ],
    uses: &[Topic::DOCUMENTS, Topic::LAYOUTS],
    requires: &[],
    thresholds: &[&SEARCH_CALLS_MIN, &ROWS_LEFT_MAX, &TABLE_BYTES_MIN],
    page: include_str!("unservable_operator.md"),
    judge,
};

const ID: &str = "gin/unservable-operator";

/// Operators that the class serves; which of them depends on the class.
const SERVED: [&str; 6] = ["@>", "?", "?|", "?&", "@?", "@@"];
/// Operators that a B-tree on the expression serves.
const ORDERED: [&str; 8] = ["=", "in", "= any", "between", "<", "<=", ">", ">="];

/// Operators that compare with a pattern: a GIN index of trigrams on the expression serves them.
const PATTERNS: [&str; 4] = ["~~", "~~*", "~", "~*"];

fn is_pattern(one: &OperatorUse) -> bool {
    one.operator.as_deref().is_some_and(|operator| PATTERNS.contains(&operator))
}

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let workload = workload(case)?;
    case.snapshot.common.index_details.get()?;
    let mut judgement = Judgement::default();
    // Two indexes on one column are both passed by: that is said once.
    let mut columns = BTreeSet::new();
    for tree in trees(case)?.iter().filter(|tree| tree.root.is_valid) {
        let column = (tree.table.oid, tree.root.attributes.first().copied());
        let found = find(tree, workload, case);
        if found.is_empty() || !columns.insert(column) {
            continue;
        }
        for one in found {
            match one {
                Ok(finding) => judgement.findings.push(finding),
                Err(gap) => judgement.gaps.push(gap),
            }
        }
    }
    Ok(judgement)
}

/// Expressions of one index that are found at most, those with most calls first: each asks for an index of its own, which every
/// write pays for.
const EXPRESSIONS_MAX: usize = 3;

/// The expressions over the column that enough calls find rows by, and that no index serves.
fn find<'a>(
    tree: &GinTree<'a>,
    workload: &'a Workload,
    case: &Case<'a>,
) -> Vec<Result<Finding, Gap>> {
    let class = tree.root.classes.first().and_then(|oid| case.snapshot.common.operator_class(*oid));
    let (Some(class), Some((column, usage))) = (class, column_usage(tree, case, workload)) else {
        return Vec::new();
    };
    if !matches!(class.name.as_str(), "array_ops" | "jsonb_ops" | "jsonb_path_ops") {
        return Vec::new();
    }
    let sought = Sought::new(tree.table, tree.heap_bytes, workload, case);
    let field = IndexedField { tree, column, usage, sought, case };
    if class.name == "array_ops" {
        return any_of_array(&field).map(Ok).into_iter().collect();
    }
    let unserved = field.unserved();
    let most = unserved.first().map_or(0, |one| one.calls);
    if let Some(gap) = ambiguous(usage, most, case) {
        return vec![Err(gap)];
    }
    let least = case.policy.get(&SEARCH_CALLS_MIN);
    let enough = unserved.into_iter().filter(|one| float(certain(usage, one.calls)) >= least);
    let (mut findings, mut objects, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for one in enough {
        let found = finding(&field, &one);
        // By one key rows are found in one way most often.
        if objects.contains(&found.object) {
            continue;
        }
        objects.push(found.object.clone());
        if objects.len() <= EXPRESSIONS_MAX {
            findings.push(Ok(found));
        } else {
            others.push(one.expression);
        }
    }
    findings.extend(unlisted(usage, &others).map(Err));
    findings
}

/// What else enough calls find rows by.
fn unlisted(usage: &ColumnUsage, others: &[&str]) -> Option<Gap> {
    let first = others.first()?;
    let more =
        if others.len() > 1 { format!(" and {} more", others.len() - 1) } else { String::new() };
    let detail = format!(
        "searches of `{}.{}.{}` by `{first}`{more} are served by no index either, and are left out: {EXPRESSIONS_MAX} expressions of a column are reported, those with most calls",
        usage.schema, usage.table, usage.column
    );
    let gap = Gap::new("workload.statements", GapReason::BudgetSpent, detail);
    Some(gap.lifted_by("build the indexes that are reported, and analyse again"))
}

/// The column of an index, with the statements that search it.
struct IndexedField<'f, 'a> {
    tree: &'f GinTree<'a>,
    column: &'f str,
    usage: &'f ColumnUsage,
    sought: Sought<'a>,
    case: &'f Case<'a>,
}

/// An expression that no index serves.
struct UnservedKey<'u> {
    expression: &'u str,
    calls: u64,
    /// One of its uses.
    sample: &'u OperatorUse,
}

impl<'f> IndexedField<'f, '_> {
    /// The expressions that no index serves, the one with most calls first.
    fn unserved(&self) -> Vec<UnservedKey<'f>> {
        let passes_by = |one: &&OperatorUse| {
            let ordered =
                one.operator.as_deref().is_some_and(|operator| ORDERED.contains(&operator));
            // A key that is a parameter in the text is known to no one; under OR one index is not enough.
            let known = one.expression.as_ref().is_some_and(|expression| {
                (["->>", "#>>", "["].iter().any(|taken| expression.contains(taken)))
                    && !expression.contains('$')
            });
            (ordered || is_pattern(one)) && known && finds_rows(one) && !one.within && !one.under_or
        };
        let mut by_expression: BTreeMap<(&str, bool), (u64, &OperatorUse)> = BTreeMap::new();
        for one in self.usage.uses.iter().filter(passes_by) {
            let expression = one.expression.as_deref().unwrap_or_default();
            if self.has_index_on(expression, one) {
                continue;
            }
            by_expression.entry((expression, is_pattern(one))).or_insert((0, one)).0 += one.calls;
        }
        let unserved =
            by_expression.into_iter().map(|((expression, patterns), (calls, sample))| {
                let uses = |predicate: &Predicate| {
                    predicate.subject.expression == expression
                        && PATTERNS.contains(&predicate.operator.as_str()) == patterns
                };
                let serves = |predicate: &Predicate| {
                    self.sought.column(predicate) == Some(self.column)
                        && SERVED.contains(&predicate.operator.as_str())
                };
                let otherwise = self.sought.calls_found_otherwise(&uses, &serves);
                UnservedKey { expression, calls: calls.saturating_sub(otherwise), sample }
            });
        let mut all: Vec<UnservedKey<'f>> = unserved.collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.calls));
        all
    }

    /// Whether an index of the table, or of one of its partitions, has the expression as a key, and serves the operator.
    fn has_index_on(&self, expression: &str, one: &OperatorUse) -> bool {
        let Self { tree, sought, case, .. } = self;
        let common = &case.snapshot.common;
        let indexes = common.indexes.get().map(Vec::as_slice).unwrap_or_default();
        let tables: BTreeSet<i64> = tree.leaves.iter().map(|leaf| leaf.table.oid).collect();
        let wanted = plain(expression);
        let uses = |predicate: &Predicate| predicate.subject.expression == expression;
        let of_table = indexes.iter().filter(|index| {
            (index.table_oid == tree.table.oid || tables.contains(&index.table_oid))
                && index.is_valid
                && index.has_expressions
                && orders(&index.method, one)
        });
        of_table.into_iter().any(|index| match common.index_detail(index.oid) {
            Some(detail) => {
                detail.parts.iter().any(|part| plain(&part.sql) == wanted)
                    && may_serve(detail, sought, &uses, one.calls)
            }
            None => true,
        })
    }

    /// Bytes of the longest value of an expression in the sample of the documents; absent where none was taken.
    fn longest_value(&self, expression: &str) -> Option<u64> {
        let path = self.key_path(expression)?;
        let documents = self.case.snapshot.documents.get().ok()?;
        let of_column =
            |of: &&ColumnDocuments| of.oid == self.tree.table.oid && of.column == self.column;
        let of = documents.iter().find(of_column)?;
        let Observation::Seen(sample) = &of.sample else { return None };
        let key = sample.keys.iter().find(|key| key.path == *path)?;
        Some(key.value_bytes_max)
    }

    /// The key that an expression is of, as the known statements have it.
    fn key_path(&self, expression: &str) -> Option<&'f String> {
        let table = self.tree.table;
        let workload = self.case.snapshot.workload.get().ok()?;
        let condition = workload.condition_on(&table.schema, &table.name, expression)?;
        condition.subject.path.as_ref()
    }
}

/// Searches of an array by `= ANY`, which pass its index by.
fn any_of_array(field: &IndexedField<'_, '_>) -> Option<Finding> {
    let IndexedField { tree, usage, sought, case, .. } = field;
    let layouts = case.snapshot.layouts.get().ok()?;
    let layout = layouts.iter().find(|layout| layout.oid == tree.table.oid)?;
    let rewrite = any_of_array::rewrite(layout.column(&usage.column)?)?;
    let uses = |one: &Predicate| {
        sought.column(one) == Some(&*usage.column) && any_of_array::is_any(&one.operator)
    };
    let serves = |one: &Predicate| {
        sought.column(one) == Some(&*usage.column) && matches!(&*one.operator, "@>" | "&&")
    };
    let otherwise = sought.calls_found_otherwise(&uses, &serves);
    let calls = certain(usage, any_of_array::calls(usage).saturating_sub(otherwise));
    let enough = float(calls) >= case.policy.get(&SEARCH_CALLS_MIN);
    let object = tree.whole_object();
    let message = format!(
        "`{object}` serves none of {} that find rows by `= ANY`: `@>` finds the same rows by it",
        counted(calls, "call", "calls")
    );
    let small = tree.table_bytes < case.policy.get(&TABLE_BYTES_MIN);
    let severity = if small { Severity::Low } else { Severity::Medium };
    let finding = with_calls(Finding::new(ID, object, severity, message), calls, 0.0);
    enough.then(|| finding.statistic("rewrite.condition", &*rewrite, Unit::Name))
}

/// Whether indexes of a method may serve an operator on their key.
fn orders(method: &str, one: &OperatorUse) -> bool {
    let is_equality = matches!(one.operator.as_deref(), Some("=" | "in" | "= any"));
    match method {
        "hash" => is_equality,
        "gin" => is_pattern(one) || is_equality,
        _ => true,
    }
}

fn finding(field: &IndexedField<'_, '_>, key: &UnservedKey<'_>) -> Finding {
    let IndexedField { tree, column, usage, case, .. } = field;
    let UnservedKey { expression, sample: one, .. } = *key;
    let calls = certain(usage, key.calls);
    let index = tree.whole_object();
    let object = match field.key_path(expression) {
        Some(key) => Object::Key {
            schema: tree.table.schema.clone(),
            table: tree.table.name.clone(),
            column: (*column).to_owned(),
            key: key.clone(),
        },
        None => index.clone(),
    };
    let small = tree.table_bytes < case.policy.get(&TABLE_BYTES_MIN);
    let operator = one.operator.as_deref().unwrap_or("=");
    let message = format!(
        "`{index}` serves none of {} that find rows by `{expression} {operator}`: GIN has no such operator, nor any other index",
        counted(calls, "call", "calls")
    );
    let severity = if small { Severity::Low } else { Severity::Medium };
    let not_advised = |why: &str| {
        let message = format!("{message}; an index on it is not advised: {why}");
        with_calls(Finding::new(ID, object.clone(), severity, message), calls, one.total_ms)
    };
    let Some(key) = catalog_spelling(expression) else {
        return not_advised("what it calls or casts may depend on the session");
    };
    let (method, class, mut caveats) = match fitting(field, expression, one) {
        Ok(index) => index,
        Err(why) => return not_advised(why),
    };
    if operator == "=" {
        caveats.push(format!(
            "instead, `{column} @> …` uses the index that is there; it finds the same rows only if each value is of the JSON type that you compare with: compare both results first"
        ));
    }
    with_calls(Finding::new(ID, object.clone(), severity, message), calls, one.total_ms).action(
        Action::BuildIndex(NewIndex {
            object,
            table: tree.table.qualified_name(),
            partitions: tree.partitions(case),
            suffix: free_suffix(
                case.snapshot,
                &tree.table.qualified_name(),
                &tree.partitions(case),
                &format!("{column}_{}", words(expression, column)),
            ),
            method: method.to_owned(),
            keys: vec![IndexKey { on: KeyPart::Expression(key), class, ordering: String::new() }],
            include: Vec::new(),
            unique: false,
            options: Vec::new(),
            predicate: None,
            purpose: "expression index".to_owned(),
            instead_of: None,
            caveats,
        }),
    )
}

/// An access method, its class where it is not the default, and what to know of it.
type FittingIndex = (&'static str, Option<QualifiedName>, Vec<String>);

/// The index that serves a condition and takes its values, or why none is advised.
fn fitting(
    field: &IndexedField<'_, '_>,
    expression: &str,
    one: &OperatorUse,
) -> Result<FittingIndex, &'static str> {
    let mut caveats =
        vec!["used only by statements that spell the expression like this".to_owned()];
    if is_pattern(one) {
        let none = "patterns need one of trigrams, by the extension pg_trgm";
        let class = trigrams(&field.case.snapshot.common).ok_or(none)?;
        caveats.push(
            "a pattern without three letters or digits in a row reads the whole index".to_owned(),
        );
        return Ok(("gin", Some(class), caveats));
    }
    let longest = field.longest_value(expression);
    let Some(bytes) = longest.filter(|bytes| *bytes > ENTRY_BYTES_MAX) else {
        if one.cast.is_none() && longest.is_none() {
            caveats.push(LONG_VALUES.to_owned());
        }
        return Ok(("btree", None, caveats));
    };
    if !matches!(one.operator.as_deref(), Some("=" | "in" | "= any")) {
        return Err("values are longer than a B-tree entry may be");
    }
    caveats.push(format!(
        "a hash index serves equality alone; values take up to {bytes} bytes, and a B-tree entry takes 2,704 at most"
    ));
    Ok(("hash", None, caveats))
}

/// The class of trigrams, where the database has the extension.
fn trigrams(common: &Common) -> Option<QualifiedName> {
    let classes = common.operator_classes.get().ok()?;
    let class = classes.iter().find(|class| class.name == "gin_trgm_ops")?;
    Some(QualifiedName { schema: class.schema.clone(), name: class.name.clone() })
}

/// Bytes of an entry that no B-tree takes.
const ENTRY_BYTES_MAX: u64 = 2704;

const LONG_VALUES: &str = "B-tree entries are limited to 2,704 bytes. A longer value makes CREATE INDEX fail and leaves an \
     invalid index to drop; later, its INSERT fails";

fn with_calls(finding: Finding, calls: u64, total_ms: f64) -> Finding {
    let calls = i64::try_from(calls).unwrap_or(i64::MAX);
    finding
        .confidence(Confidence::Medium)
        .statistic("workload.unserved_calls", calls, Unit::Count)
        // Lists and some logs say no times.
        .known_statistic("workload.unserved_ms", (total_ms > 0.0).then_some(total_ms), Unit::Ms)
}
