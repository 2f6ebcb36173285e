//! `gin/unservable-operator`, explained in the page beside this file.

use std::collections::{BTreeMap, BTreeSet};

use super::any_of_array;
use super::index::{GinTree, trees};
use super::ledger::{
    SEARCH_CALLS_MIN, Sought, ambiguous, certain, column_usage, finds_rows, workload,
};
use super::serving::may_serve;
use crate::checks::Check;
use crate::checks::existing::free_suffix;
use crate::checks::number::float;
use crate::model::observation::{ColumnUsage, Common, OperatorUse, Predicate, Workload};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Confidence, Finding, Gap, IndexKey, Judgement, KeyPart, NewIndex, Observation,
    QualifiedName, Severity, Superpower, Topic, Unit, catalog_spelling, counted,
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
    thresholds: &[&SEARCH_CALLS_MIN, &TABLE_BYTES_MIN],
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
    case.snapshot.common.index_details.get().map_err(Clone::clone)?;
    let mut judgement = Judgement::default();
    // Two indexes on one column are both passed by: that is said once.
    let mut columns = BTreeSet::new();
    for tree in trees(case)?.iter().filter(|tree| tree.root.is_valid) {
        let column = (tree.table.oid, tree.root.attributes.first().copied());
        match find(tree, workload, case) {
            Some(Ok(found)) if columns.insert(column) => judgement.findings.push(found),
            Some(Err(gap)) if columns.insert(column) => judgement.gaps.push(gap),
            _ => {}
        }
    }
    Ok(judgement)
}

/// The expression over the column that most calls find rows by, and that no index serves.
fn find(tree: &GinTree<'_>, workload: &Workload, case: &Case<'_>) -> Option<Result<Finding, Gap>> {
    let common = &case.snapshot.common;
    let class = common.operator_class(*tree.root.classes.first()?)?;
    let (column, usage) = column_usage(tree, case, workload)?;
    if class.name == "array_ops" {
        return any_of_array(tree, usage, workload, case).map(Ok);
    }
    if !matches!(class.name.as_str(), "jsonb_ops" | "jsonb_path_ops") {
        return None;
    }
    let passes_by = |one: &&OperatorUse| {
        let ordered = one.operator.as_deref().is_some_and(|operator| ORDERED.contains(&operator));
        // A key that is a parameter in the text is known to no one; under OR one index is not enough.
        let known = one.expression.as_ref().is_some_and(|expression| {
            (["->>", "#>>", "["].iter().any(|taken| expression.contains(taken)))
                && !expression.contains('$')
        });
        (ordered || is_pattern(one)) && known && finds_rows(one) && !one.within && !one.under_or
    };
    let sought = Sought::new(tree.table, tree.heap_bytes, common);
    let mut by_expression: BTreeMap<(&str, bool), (u64, &OperatorUse)> = BTreeMap::new();
    for one in usage.uses.iter().filter(passes_by) {
        let expression = one.expression.as_deref().unwrap_or_default();
        if is_indexed((expression, one), tree, (&sought, workload), case) {
            continue;
        }
        by_expression.entry((expression, is_pattern(one))).or_insert((0, one)).0 += one.calls;
    }
    let unserved = by_expression.into_iter().map(|((expression, patterns), (calls, one))| {
        let uses = |predicate: &Predicate| {
            predicate.subject.expression == expression
                && PATTERNS.contains(&predicate.operator.as_str()) == patterns
        };
        let serves = |predicate: &Predicate| {
            sought.column(predicate) == Some(column)
                && SERVED.contains(&predicate.operator.as_str())
        };
        let otherwise = sought.calls_found_otherwise(workload, &uses, &serves);
        (expression, (calls.saturating_sub(otherwise), one))
    });
    let (expression, (calls, one)) = unserved.max_by_key(|(_, (calls, _))| *calls)?;
    if let Some(gap) = ambiguous(usage, calls, case) {
        return Some(Err(gap));
    }
    let calls = certain(usage, calls);
    let enough = float(i64::try_from(calls).ok()?) >= case.policy.get(&SEARCH_CALLS_MIN);
    enough.then(|| Ok(finding(tree, (column, expression), (calls, one), case)))
}

/// Searches of an array by `= ANY`, which pass its index by.
fn any_of_array(
    tree: &GinTree<'_>,
    usage: &ColumnUsage,
    workload: &Workload,
    case: &Case<'_>,
) -> Option<Finding> {
    let layouts = case.snapshot.layouts.get().ok()?;
    let layout = layouts.iter().find(|layout| layout.oid == tree.table.oid)?;
    let rewrite = any_of_array::rewrite(layout.column(&usage.column)?)?;
    let sought = Sought::new(tree.table, tree.heap_bytes, &case.snapshot.common);
    let uses = |one: &Predicate| {
        sought.column(one) == Some(&*usage.column) && any_of_array::is_any(&one.operator)
    };
    let serves = |one: &Predicate| {
        sought.column(one) == Some(&*usage.column) && matches!(&*one.operator, "@>" | "&&")
    };
    let otherwise = sought.calls_found_otherwise(workload, &uses, &serves);
    let calls = certain(usage, any_of_array::calls(usage).saturating_sub(otherwise));
    let enough = float(i64::try_from(calls).ok()?) >= case.policy.get(&SEARCH_CALLS_MIN);
    let object = tree.object(&tree.leaves.iter().collect::<Vec<_>>());
    let message = format!(
        "`{object}` serves none of {} that find rows by `= ANY`: `@>` finds the same rows by it",
        counted(calls, "call", "calls")
    );
    let small = tree.table_bytes < case.policy.get(&TABLE_BYTES_MIN);
    let severity = if small { Severity::Low } else { Severity::Medium };
    let finding = with_calls(Finding::new(ID, object, severity, message), calls, 0.0);
    enough.then(|| finding.statistic("rewrite.condition", &*rewrite, Unit::Name))
}

/// Whether an index of the table, or of one of its partitions, has the expression as a key, and serves the operator.
fn is_indexed(
    (expression, one): (&str, &OperatorUse),
    tree: &GinTree<'_>,
    (sought, workload): (&Sought<'_>, &Workload),
    case: &Case<'_>,
) -> bool {
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
                && may_serve(detail, (sought, workload), &uses, one.calls)
        }
        None => true,
    })
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

/// Types as statements may spell them, and as the server prints them, without blanks.
const TYPES: [(&str, &str); 10] = [
    ("int2", "smallint"),
    ("int4", "integer"),
    ("int", "integer"),
    ("int8", "bigint"),
    ("float4", "real"),
    ("float8", "doubleprecision"),
    ("bool", "boolean"),
    ("decimal", "numeric"),
    ("timestamptz", "timestampwithtimezone"),
    ("varchar", "charactervarying"),
];

/// An expression without what the server adds when it prints one, and its types as the server calls them.
pub(super) fn plain(sql: &str) -> String {
    let bare: String =
        sql.chars().filter(|c| !c.is_whitespace() && !matches!(c, '(' | ')')).collect();
    let mut parts = bare.split("::");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let part = part.strip_prefix("pg_catalog.").unwrap_or(part);
        let end = part.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        let printed = TYPES.iter().find(|(spelled, _)| *spelled == name);
        let is_implied = matches!(name, "text" | "regconfig");
        if !is_implied {
            plain.push_str("::");
            plain.push_str(printed.map_or(name, |(_, printed)| printed));
        }
        plain.push_str(if is_implied { rest.trim_start_matches("[]") } else { rest });
    }
    plain
}

fn finding(
    tree: &GinTree<'_>,
    (column, expression): (&str, &str),
    (calls, one): (u64, &OperatorUse),
    case: &Case<'_>,
) -> Finding {
    let object = tree.object(&tree.leaves.iter().collect::<Vec<_>>());
    let small = tree.table_bytes < case.policy.get(&TABLE_BYTES_MIN);
    let operator = one.operator.as_deref().unwrap_or("=");
    let message = format!(
        "`{object}` serves none of {} that find rows by `{expression} {operator}`: GIN has no such operator, nor any other index",
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
    let (method, class, mut caveats) = match fitting(tree, (column, expression), one, case) {
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
    tree: &GinTree<'_>,
    names: (&str, &str),
    one: &OperatorUse,
    case: &Case<'_>,
) -> Result<FittingIndex, &'static str> {
    let mut caveats =
        vec!["used only by statements that spell the expression like this".to_owned()];
    if is_pattern(one) {
        let none = "patterns need one of trigrams, by the extension pg_trgm";
        let class = trigrams(&case.snapshot.common).ok_or(none)?;
        caveats.push(
            "a pattern without three letters or digits in a row reads the whole index".to_owned(),
        );
        return Ok(("gin", Some(class), caveats));
    }
    let longest = longest_value(tree, names, case);
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

/// Bytes of the longest value of an expression in the sample of the documents; absent where none was taken.
fn longest_value(
    tree: &GinTree<'_>,
    (column, expression): (&str, &str),
    case: &Case<'_>,
) -> Option<u64> {
    let workload = case.snapshot.workload.get().ok()?;
    let statements = workload.statements_of(&tree.table.schema, &tree.table.name);
    let mut predicates = statements
        .flat_map(|statement| &statement.shape.blocks)
        .flat_map(|block| &block.predicates);
    let path =
        predicates.find(|one| one.subject.expression == expression)?.subject.path.as_ref()?;
    let documents = case.snapshot.documents.get().ok()?;
    let of = documents.iter().find(|of| of.oid == tree.table.oid && of.column == column)?;
    let Observation::Seen(sample) = &of.sample else { return None };
    let key = sample.keys.iter().find(|key| key.path == *path)?;
    Some(key.value_bytes_max)
}

fn with_calls(finding: Finding, calls: u64, total_ms: f64) -> Finding {
    let calls = i64::try_from(calls).unwrap_or(i64::MAX);
    let finding = finding.confidence(Confidence::Medium).statistic(
        "workload.unserved_calls",
        calls,
        Unit::Count,
    );
    // Lists and some logs say no times.
    if total_ms > 0.0 {
        finding.statistic("workload.unserved_ms", total_ms, Unit::Ms)
    } else {
        finding
    }
}

/// The keys of an expression, for a name.
pub(super) fn words(expression: &str, column: &str) -> String {
    let rest = expression.replacen(column, "", 1);
    let words = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty()).take(3).collect::<Vec<_>>().join("_").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_the_same_however_the_server_prints_it() {
        assert_eq!(plain("(d ->> 'k'::text)"), plain("d ->> 'k'"));
        assert_eq!(plain("((d ->> 'k'::text))::integer"), plain("(d ->> 'k')::integer"));
        assert_ne!(plain("d ->> 'k'"), plain("d -> 'k'"));
        assert_eq!(plain("((d ->> 'a'::text))::integer"), plain("(d ->> 'a')::int4"));
        assert_eq!(plain("(d ->> 'a')::double precision"), plain("(d ->> 'a')::float8"));
        let search = plain("to_tsvector('english'::regconfig, (body)::text)");
        assert_eq!(search, plain("to_tsvector('english', body)"));
        assert_ne!(plain("(d ->> 'a')::bigint"), plain("(d ->> 'a')::int4"));
    }

    #[test]
    fn an_index_is_named_after_the_keys() {
        assert_eq!(words("d ->> 'userId'", "d"), "userid");
        assert_eq!(words("(d -> 'a' ->> 'b')::integer", "d"), "a_b_integer");
    }
}
