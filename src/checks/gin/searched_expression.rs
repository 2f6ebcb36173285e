//! Searches of an expression over a column: `payload -> 'tags' @> …`, `to_tsvector('english', body) @@ …`. An index serves
//! them where it is on the expression, spelled like this; one on the column does not.

use std::collections::BTreeMap;

use super::indexed::{Indexed, LEFT_OUT, SearchKey, indexed};
use super::ledger::{SEARCH_CALLS_MIN, ambiguous, certain, column_object, finds_rows};
use super::missing_containment_index::{FieldOfSearch, ID, index, inherited, partly};
use super::spelling::words;
use crate::checks::number::float;
use crate::model::observation::{ColumnUsage, LayoutColumn, OperatorUse, Predicate};
use crate::model::{
    Action, Confidence, Declined, Finding, Gap, GapReason, IndexKey, Judgement, KeyPart, Object,
    QualifiedName, Severity, Unit, catalog_spelling, counted, text_search_spelling,
};

/// Operators of `jsonb` that an index by keys serves.
const OF_DOCUMENTS: [&str; 6] = ["@>", "?", "?|", "?&", "@?", "@@"];

/// An expression that is searched, with its calls by operator.
struct Searched<'a> {
    expression: &'a str,
    by_operator: BTreeMap<&'a str, u64>,
    calls: u64,
    total_ms: f64,
}

/// Judge each expression over the column that statements search.
pub(super) fn judge(judgement: &mut Judgement, field: &FieldOfSearch<'_, '_>) {
    let FieldOfSearch { usage, layout, case, .. } = *field;
    // A system column, or one that was dropped since: no index is on it.
    let Some(column) = layout.column(&usage.column) else { return };
    let by_rows = searched(usage, column);
    // Statements may search a column by several configurations: what is found is about the column, and is said once.
    let mut texts: Vec<&Searched<'_>> = by_rows.iter().filter(|one| one.is_text_search()).collect();
    texts.sort_by_key(|one| std::cmp::Reverse(one.calls));
    let of_keys = by_rows.iter().filter(|one| !one.is_text_search());
    for one in texts.into_iter().take(1).chain(of_keys) {
        if !one.begins_with_column_of(field) {
            continue;
        }
        let Some(calls) = unserved(judgement, field, one) else { continue };
        let enough = float(calls) >= case.policy.get(&SEARCH_CALLS_MIN);
        if enough && layout.inheritance {
            judgement.declined.push(inherited(usage));
        } else if enough {
            match finding(field, one, calls) {
                Ok(finding) => judgement.findings.push(finding),
                Err(Unadvised::Unseen(gap)) => judgement.gaps.push(gap),
                Err(Unadvised::Declined(declined)) => judgement.declined.push(declined),
            }
        }
    }
}

fn searched<'a>(usage: &'a ColumnUsage, column: &LayoutColumn) -> Vec<Searched<'a>> {
    let is_search = |expression: &str, operator: &str| {
        if expression.contains("to_tsvector(") {
            return operator == "@@";
        }
        column.type_name == "jsonb" && column.built_in && OF_DOCUMENTS.contains(&operator)
    };
    let mut found: BTreeMap<&str, Searched<'_>> = BTreeMap::new();
    for one in usage.uses.iter().filter(|one| finds_rows(one) && !one.within && !one.under_or) {
        let OperatorUse { expression: Some(expression), operator: Some(operator), .. } = one else {
            continue;
        };
        if !is_search(expression, operator) || one.joins {
            continue;
        }
        let (by_operator, calls, total_ms) = (BTreeMap::new(), 0, 0.0);
        let new = || Searched { expression, by_operator, calls, total_ms };
        let searched = found.entry(expression).or_insert_with(new);
        *searched.by_operator.entry(operator).or_default() += one.calls;
        searched.calls = searched.calls.saturating_add(one.calls).min(usage.calls);
        searched.total_ms += one.total_ms;
    }
    found.into_values().collect()
}

/// Calls that find rows by the expression alone and that no index serves.
fn unserved(
    judgement: &mut Judgement,
    field: &FieldOfSearch<'_, '_>,
    one: &Searched<'_>,
) -> Option<u64> {
    let FieldOfSearch { usage, family, sought, case, .. } = *field;
    let key = SearchKey::Expression(one.expression);
    let uses = |predicate: &Predicate| {
        key.is_of(sought, predicate) && one.by_operator.contains_key(&*predicate.operator)
    };
    let otherwise = sought.calls_found_otherwise(&uses, &|_: &Predicate| false);
    let calls = one.calls.saturating_sub(otherwise);
    match indexed(field, key, one.calls) {
        Indexed::Nowhere => {}
        Indexed::ByPaths if one.needs_keys() => {}
        Indexed::ByPaths | Indexed::Everywhere => return None,
        Indexed::Partly(without) => {
            judgement.declined.push(partly(usage, family, &without));
            return None;
        }
    }
    judgement.gaps.extend(ambiguous(usage, calls, case));
    Some(certain(usage, calls))
}

impl Searched<'_> {
    fn is_text_search(&self) -> bool {
        self.expression.contains("to_tsvector(")
    }

    /// The columns of the expression, as the known statements have it.
    fn columns<'f>(&self, field: &FieldOfSearch<'f, '_>) -> Vec<&'f str> {
        let FieldOfSearch { usage, sought, .. } = *field;
        let found = sought.workload.condition_on(&usage.schema, &usage.table, self.expression);
        let columns = found.map(|one| one.subject.columns.iter()).into_iter().flatten();
        columns.map(|column| &*column.column).collect()
    }

    /// Whether it is about this column: of several joined ones, about the first.
    fn begins_with_column_of(&self, field: &FieldOfSearch<'_, '_>) -> bool {
        self.columns(field).first().is_none_or(|first| *first == field.usage.column)
    }

    /// Whether all its columns are of text: others are joined by operators that an index refuses.
    fn is_of_text(&self, field: &FieldOfSearch<'_, '_>) -> bool {
        let columns = self.columns(field);
        let is_text = |name: &&str| field.layout.column(name).is_some_and(LayoutColumn::is_text);
        columns.len() < 2 && !self.expression.contains("||") || columns.iter().all(is_text)
    }

    /// Why no index on the expression is written.
    fn unwritten(&self, field: &FieldOfSearch<'_, '_>) -> &'static str {
        if self.expression.matches("to_tsvector(").count() > 1 {
            "it puts vectors together, which dbopt does not write: an index on the expression, spelled like this, can serve them"
        } else if self.is_of_text(field) {
            "it calls or casts by what may depend on the session, and an index refuses that"
        } else {
            "it joins columns that are not of text, which depends on the session, and an index refuses that"
        }
    }

    /// The operators, as prose names them.
    fn operators(&self) -> String {
        self.by_operator.keys().copied().collect::<Vec<_>>().join(", ")
    }

    /// Whether keys are searched for, which an index by paths does not hold.
    fn needs_keys(&self) -> bool {
        self.by_operator.keys().any(|operator| *operator != "@>")
    }

    /// The key of the index that serves the searches.
    fn key(&self) -> Option<IndexKey> {
        let written = if self.is_text_search() {
            text_search_spelling(self.expression)
        } else {
            catalog_spelling(self.expression)
        };
        let by_paths = !self.is_text_search() && !self.needs_keys();
        let class = by_paths.then(|| QualifiedName {
            schema: "pg_catalog".to_owned(),
            name: "jsonb_path_ops".to_owned(),
        });
        Some(IndexKey { on: KeyPart::Expression(written?), class, ordering: String::new() })
    }

    /// That no index on the expression is advised for so many calls.
    fn declined(&self, object: Object, calls: u64, why: &str) -> Unadvised {
        let detail = format!(
            "`{} {}` finds rows in {}, and no index serves them; {why}",
            self.expression,
            self.operators(),
            counted(calls, "call", "calls")
        );
        let reason = "no index is advised on the expression";
        Unadvised::Declined(Declined::new(ID, object, reason, detail))
    }
}

/// Why nothing is advised for searches that no index serves.
enum Unadvised {
    Unseen(Gap),
    Declined(Declined),
}

/// What the searches ask for.
fn finding(
    field: &FieldOfSearch<'_, '_>,
    one: &Searched<'_>,
    calls: u64,
) -> Result<Finding, Unadvised> {
    let FieldOfSearch { usage, family, .. } = *field;
    let expression = one.expression;
    let Some(object) = object(field, one) else {
        let why = "which key of the documents it searches is not known";
        return Err(one.declined(column_object(usage), calls, why));
    };
    let message = format!(
        "`{object}` is searched by `{expression} {}` in {}, and no index serves them: each reads up to {:.0} MB",
        one.operators(),
        counted(calls, "call", "calls"),
        float(family.bytes()) / 1e6
    );
    let finding = |message: String| {
        let calls = i64::try_from(calls).unwrap_or(i64::MAX);
        Finding::new(ID, object.clone(), Severity::Medium, message)
            .confidence(Confidence::Medium)
            .statistic("workload.search_calls", calls, Unit::Count)
            .statistic("relations.table_bytes", family.bytes(), Unit::Bytes)
            .known_statistic(
                "workload.search_ms",
                (one.total_ms > 0.0).then_some(one.total_ms),
                Unit::Ms,
            )
    };
    if let Some(key) = one.key().filter(|_| one.is_of_text(field)) {
        let suffix = format!("{}_{}_gin", usage.column, words(expression, &usage.column));
        let mut new = index(field, &suffix, key, object.clone());
        let caveat = "used only by statements that spell the expression like this";
        new.caveats.insert(0, caveat.to_owned());
        return Ok(finding(message).action(Action::BuildIndex(new)));
    }
    if expression.contains("to_tsvector($") {
        let of = format!("`{object}` by `to_tsvector`");
        return Err(left_out(&of, calls, "the text search configuration"));
    }
    let name = quoted(&usage.column);
    if expression == format!("to_tsvector({name})") {
        let rewrite =
            format!("to_tsvector('english', {name}), with the configuration of your texts");
        let message = format!(
            "{message}; none can: without a configuration `to_tsvector` depends on the session"
        );
        return Ok(finding(message).statistic("rewrite.expression", &*rewrite, Unit::Name));
    }
    if expression.contains("to_tsvector('") && expression.contains(LEFT_OUT) {
        let message = format!(
            "{message}; an index has to spell the expression with the constants of the statements, which dbopt does not keep"
        );
        return Ok(finding(message));
    }
    if expression.contains(LEFT_OUT) {
        let of = format!("`{}` by `{expression} {}`", column_object(usage), one.operators());
        return Err(left_out(&of, calls, "the key or constant"));
    }
    Err(one.declined(object, calls, one.unwritten(field)))
}

/// Texts of `pg_stat_statements` hold no constants, and an index has to.
fn left_out(of: &str, calls: u64, what: &str) -> Unadvised {
    let detail = format!(
        "searches of {of} make {}, and their texts do not show {what}, which an index has to name",
        counted(calls, "call", "calls")
    );
    let gap = Gap::new("workload.statements", GapReason::NotEnoughEvidence, detail);
    Unadvised::Unseen(gap.lifted_by("send a log or a list of statements: --workload FILE"))
}

fn quoted(column: &str) -> String {
    crate::model::quote_identifier(column).into_owned()
}

/// The column, or the key of its documents; absent where that is not known.
fn object(field: &FieldOfSearch<'_, '_>, one: &Searched<'_>) -> Option<Object> {
    let FieldOfSearch { usage, sought, .. } = *field;
    if one.is_text_search() {
        return Some(column_object(usage));
    }
    let statements = sought.workload.statements_of(&usage.schema, &usage.table);
    let mut predicates = statements.flat_map(|statement| statement.shape.predicates());
    let subject = predicates.find(|predicate| predicate.subject.expression == one.expression)?;
    let (schema, table) = (usage.schema.clone(), usage.table.clone());
    let key = subject.subject.path.clone()?;
    Some(Object::Key { schema, table, column: usage.column.clone(), key })
}
