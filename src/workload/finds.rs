//! How a statement finds rows by keys of documents, as PostgreSQL would match it with an index.

use serde::{Deserialize, Serialize};

use crate::model::observation::{
    ColumnName, CommonTable, Compared, JoinPair, KeyFilter, KeyFind, KeyName, KeyOrder, OrderKey,
    Predicate, QueryBlock, RelationUse, StatementShape, Subject, UsePlace,
};

/// Ways kept of one statement at most.
const FINDS_MAX: usize = 64;

/// A way in which a statement finds rows, and the keys it depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowLookup {
    /// The keys. None where it is by what the documents contain: then the keys are those that are asked for there.
    pub keys: Vec<KeyName>,
    /// The way.
    pub find: KeyFind,
}

/// All ways of a statement, those that find fewest rows first.
pub(super) fn finds(shape: &StatementShape) -> Vec<RowLookup> {
    let mut all: Vec<RowLookup> = Vec::new();
    for block in &shape.blocks {
        let found = of_block(block);
        all.extend(found.into_iter().filter(|found| !is_behind_fence(shape, block, found)));
    }
    all.sort_by(|one, other| one.find.cmp(&other.find));
    all.dedup();
    all.truncate(FINDS_MAX);
    all
}

/// Whether what is compared comes from a common table expression that the server computes first: no index on its table serves
/// a condition on its rows.
fn is_behind_fence(shape: &StatementShape, block: &QueryBlock, found: &RowLookup) -> bool {
    let is_of = |block: &QueryBlock| {
        let of = |column: &ColumnName| {
            let same = |one: &RelationUse| one.schema == column.schema && one.name == column.table;
            block.relations.iter().any(same)
        };
        found.keys.iter().any(|key| of(&key.column))
    };
    let materialized = |table: &&CommonTable| {
        let several = table.materialized.is_none() && (table.references > 1 || table.recursive);
        table.materialized == Some(true) || several
    };
    let mut fences = shape.ctes.iter().filter(materialized);
    !is_of(block) && fences.any(|table| shape.blocks.get(table.block).is_some_and(is_of))
}

fn of_block(block: &QueryBlock) -> Vec<RowLookup> {
    let beside: Vec<String> = block.predicates.iter().filter_map(equal).collect();
    let predicates = block.predicates.iter().filter_map(|one| of_predicate(one, block));
    let joins = block.joins.iter().filter_map(of_join).flatten();
    let order = block.order_by.first().and_then(|order| of_order(order, block));
    let extremes = block.extremes.iter().map(|of| found(of, KeyFilter::Extreme));
    let mut all: Vec<RowLookup> = predicates.chain(joins).chain(order).chain(extremes).collect();
    for RowLookup { find, .. } in &mut all {
        find.beside = beside.iter().filter(|one| **one != find.expression).cloned().collect();
    }
    all.retain(|found| !found.keys.is_empty() || by_document(found.find.filter));
    all
}

/// What every row of the result equals a value in.
fn equal(predicate: &Predicate) -> Option<String> {
    let equals = matches!(predicate.operator.as_str(), "=" | "in" | "= any");
    let filters = matches!(predicate.place, UsePlace::Where | UsePlace::Join);
    let alone = !predicate.under_or && !predicate.under_not;
    let value = !matches!(predicate.with, Compared::Nothing);
    (equals && filters && alone && value).then(|| predicate.subject.expression.clone())
}

/// Whether the keys are in what the document is asked for, and not in the expression.
fn by_document(filter: KeyFilter) -> bool {
    matches!(filter, KeyFilter::Contains | KeyFilter::Exists | KeyFilter::JsonPath)
}

fn of_predicate(predicate: &Predicate, block: &QueryBlock) -> Option<RowLookup> {
    let places = matches!(predicate.place, UsePlace::Where | UsePlace::Join);
    // What depends on the row is no value; what the optimizer makes of a stable function is one, and is not distinguished.
    if !places || predicate.with == Compared::Expression {
        return None;
    }
    let filter = filter(&predicate.operator, predicate.under_not)?;
    let alone = !predicate.under_or || arms_alike(predicate, block);
    alone.then(|| found(&predicate.subject, filter))
}

/// How an operator finds rows, or its negation.
fn filter(operator: &str, negated: bool) -> Option<KeyFilter> {
    Some(match (operator, negated) {
        ("=" | "in" | "= any", false) | ("<>" | "not in", true) => KeyFilter::Equality,
        ("<" | "<=" | ">" | ">=" | "between" | "not between", _) => KeyFilter::Range,
        ("@>", false) => KeyFilter::Contains,
        ("?" | "?|" | "?&", false) => KeyFilter::Exists,
        ("@?" | "@@", false) => KeyFilter::JsonPath,
        ("~~" | "^@" | "~", false) => KeyFilter::Pattern,
        ("is null" | "is not null" | "true" | "is true" | "is false", _) => KeyFilter::State,
        _ => return None,
    })
}

/// Whether all conditions under an OR are on the same expression, so that an index finds the rows of each.
fn arms_alike(predicate: &Predicate, block: &QueryBlock) -> bool {
    let arms: Vec<&Predicate> = block.predicates.iter().filter(|one| one.under_or).collect();
    let alike = |one: &&Predicate| {
        one.subject.expression == predicate.subject.expression
            && one.with != Compared::Expression
            && filter(&one.operator, one.under_not).is_some()
    };
    let joined = block.joins.iter().any(|pair| pair.under_or);
    !joined && arms.iter().all(alike)
}

fn of_join(pair: &JoinPair) -> Option<Vec<RowLookup>> {
    let places = matches!(pair.place, UsePlace::Where | UsePlace::Join);
    let plain = places && !pair.under_or && !pair.under_not;
    (plain && matches!(pair.operator.as_str(), "=" | "in" | "= any")).then(|| {
        let sides = [&pair.left, &pair.right];
        sides.map(|side| found(side, KeyFilter::Join)).to_vec()
    })
}

/// The first rows in an order: without a limit, or where rows are grouped, all are read.
fn of_order(order: &OrderKey, block: &QueryBlock) -> Option<RowLookup> {
    let first = block.limit.is_some() && block.group_by.is_empty() && block.distinct.is_empty();
    let OrderKey { subject, descending, nulls_first, .. } = order;
    first.then(|| {
        let nulls_first = nulls_first.unwrap_or(*descending);
        let mut found = found(subject, KeyFilter::Order);
        found.find.order = Some(KeyOrder { descending: *descending, nulls_first });
        found
    })
}

fn found(subject: &Subject, filter: KeyFilter) -> RowLookup {
    let find = KeyFind {
        filter,
        expression: subject.expression.clone(),
        reached: subject.reached.clone(),
        cast: subject.cast.clone(),
        ..KeyFind::default()
    };
    let keys = if subject.keys.is_empty() && by_document(filter) {
        let whole = |column| KeyName { column, path: String::new() };
        subject.columns.first().cloned().map(whole).into_iter().collect()
    } else {
        subject.keys.clone()
    };
    RowLookup { keys, find }
}
