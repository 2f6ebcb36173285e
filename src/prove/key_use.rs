//! Which experiments prove what is to become of a key, and the statements they time. Pure.

use std::collections::BTreeMap;

use super::method::{Arm, laid_out};
use crate::model::observation::{KeyFilter, KeyFind, KeyShape, Relation, RelationKind};
use crate::model::{
    Action, KeyExpression, QualifiedName, Reached, Snapshot, key_text, quote_identifier,
    quote_literal, text_of,
};

/// As many shapes are timed, those with most calls: each costs some hundred executions.
const SHAPES_MAX: usize = 4;

/// Rows that are asked for in an order: a page of a list. How many the workload asks for is not told apart.
const FIRST_ROWS: u32 = 20;

/// The column that the key becomes, in the copy.
pub(super) const COLUMN: &str = "dbopt_key";

/// Where a statement finds the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// In the document, as today.
    Today,
    /// In the document, with an index on the expression.
    Indexed,
    /// In a column of its own.
    Column,
    /// In a column with an index.
    IndexedColumn,
}

impl Place {
    pub(super) const ALL: [Self; 4] =
        [Self::Today, Self::Indexed, Self::Column, Self::IndexedColumn];

    /// Whether the key is a column there.
    pub(super) fn is_column(self) -> bool {
        matches!(self, Self::Column | Self::IndexedColumn)
    }

    /// What it is, where nobody advised it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Today => "the document as it is",
            Self::Indexed => "an index on the expression",
            Self::Column => "a column without an index",
            Self::IndexedColumn => "a column with an index",
        }
    }
}

/// Statements of one shape that can be run on a copy as the application spells them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Timed {
    pub(super) shape: KeyShape,
    /// How they find rows by the key; absent where they read the key of every row.
    pub(super) find: Option<KeyFind>,
}

impl Timed {
    /// None of statements that find rows in a way of which the key alone does not tell the whole: by a function, or by rows
    /// of another table. An experiment on another statement proves nothing.
    fn of(shape: &KeyShape, path: &[String]) -> Option<Self> {
        let runs = |find: &&KeyFind| match find.filter {
            KeyFilter::Equality | KeyFilter::Range | KeyFilter::Order | KeyFilter::Extreme => {
                let cast = find.cast.as_deref();
                let known = cast.is_none_or(|cast| CASTS.contains(&cast));
                known && find.reached.as_ref().is_some_and(|one| one.is_text_of(path.len()))
            }
            KeyFilter::Contains => !find.expression.contains(' '),
            _ => false,
        };
        let find = shape.finds.iter().find(runs).cloned();
        let timed = find.is_some() || shape.finds.is_empty();
        timed.then(|| Self { shape: shape.clone(), find })
    }

    pub(super) fn is_range(&self) -> bool {
        self.find.as_ref().is_some_and(|find| find.filter == KeyFilter::Range)
    }
}

/// What is to become of a key, tried out on the same rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KeyTrial {
    /// The relation the rows are taken from: the largest that holds some.
    pub(super) relation: QualifiedName,
    pub(super) oid: i64,
    pub(super) document: String,
    pub(super) path: Vec<String>,
    /// The column's type.
    pub(super) type_sql: String,
    /// How the document is stored.
    pub(super) stored: Arm,
    /// What is timed.
    pub(super) shapes: Vec<Timed>,
    /// What an index on the key where it is would be on; none where nothing compares it so.
    pub(super) index: Option<KeyExpression>,
    /// What was advised, by where it puts the key.
    pub(super) actions: BTreeMap<Place, Action>,
}

/// The experiments that prove these actions, one for each key.
pub(super) fn key_trials(actions: &[Action], seen: &Snapshot) -> Vec<KeyTrial> {
    let mut trials: Vec<(QualifiedName, KeyTrial)> = Vec::new();
    for action in actions {
        let Some((table, trial)) = key_trial(action, seen) else { continue };
        let shared = trials.iter_mut().find(|(other, known)| {
            (other, &known.document, &known.path, &known.shapes)
                == (&table, &trial.document, &trial.path, &trial.shapes)
        });
        match shared {
            None => trials.push((table, trial)),
            Some((_, known)) => {
                known.actions.extend(trial.actions);
                if let Action::IndexKey { indexed, .. } = action {
                    known.index = Some(indexed.expression.clone());
                }
            }
        }
    }
    trials.into_iter().map(|(_, trial)| trial).collect()
}

fn key_trial(action: &Action, seen: &Snapshot) -> Option<(QualifiedName, KeyTrial)> {
    let (place, table, document, path) = match action {
        Action::PromoteKey { promotion: p, .. } => {
            (Place::IndexedColumn, &p.table, &p.document, &p.path)
        }
        Action::IndexKey { indexed, .. } => {
            let KeyExpression { document, path, .. } = &indexed.expression;
            (Place::Indexed, &indexed.table, document, path)
        }
        _ => return None,
    };
    let (type_sql, shapes, index) = match action {
        Action::PromoteKey { promotion: p, .. } => (&p.type_sql, &p.shapes, None),
        Action::IndexKey { indexed, .. } => {
            (&indexed.type_sql, &indexed.shapes, Some(indexed.expression.clone()))
        }
        _ => return None,
    };
    if shapes.is_empty() {
        return None;
    }
    let relation = holder(table, seen)?;
    let timed = shapes.iter().filter_map(|shape| Timed::of(shape, path));
    let timed: Vec<Timed> = timed.take(SHAPES_MAX).collect();
    let trial = KeyTrial {
        relation: relation.qualified_name(),
        oid: relation.oid,
        document: document.clone(),
        path: path.clone(),
        type_sql: type_sql.clone(),
        stored: stored(relation, document, seen)?,
        index: index.or_else(|| most_compared(document, path, (type_sql, &timed))),
        shapes: timed,
        actions: BTreeMap::from([(place, action.clone())]),
    };
    Some((table.clone(), trial))
}

/// The relation itself, or the largest partition.
fn holder<'a>(table: &QualifiedName, seen: &'a Snapshot) -> Option<&'a Relation> {
    let relations = seen.relations.get().ok()?;
    let root = relations.iter().find(|relation| relation.qualified_name() == *table)?;
    if root.kind != RelationKind::PartitionedTable {
        return Some(root);
    }
    let leaves = relations.iter().filter(|relation| {
        let mut above = relation.parent;
        while let Some(oid) = above.filter(|oid| *oid != root.oid) {
            above = relations.iter().find(|one| one.oid == oid).and_then(|one| one.parent);
        }
        above.is_some() && relation.kind == RelationKind::Table
    });
    leaves.max_by_key(|leaf| leaf.pages)
}

/// A partition that was not looked at is taken for one like its root.
fn stored(relation: &Relation, document: &str, seen: &Snapshot) -> Option<Arm> {
    let mut oid = Some(relation.oid);
    let relations = seen.relations.get().ok()?;
    while let Some(one) = oid {
        if let Some(arm) = laid_out(one, document, seen) {
            return Some(arm);
        }
        oid = relations.iter().find(|relation| relation.oid == one)?.parent;
    }
    None
}

/// What most calls compare with a value.
fn most_compared(
    document: &str,
    path: &[String],
    (type_sql, shapes): (&str, &[Timed]),
) -> Option<KeyExpression> {
    shapes.iter().filter_map(|timed| timed.find.as_ref()).find_map(|find| {
        let reached = find.reached.clone()?;
        let cast = match find.cast.as_deref() {
            None | Some("text") => None,
            Some(name) => Some(KeyExpression::cast_of(name, type_sql)?.to_owned()),
        };
        Some(KeyExpression { document: document.to_owned(), path: path.to_vec(), reached, cast })
    })
}

/// Types of the catalog that text is cast to here, too. Another one may be anybody's, and be missing in a lab.
const CASTS: &[&str] = &[
    "int2",
    "int4",
    "int8",
    "float4",
    "float8",
    "numeric",
    "bool",
    "uuid",
    "text",
    "varchar",
    "bpchar",
    "date",
    "timestamp",
    "timestamptz",
];

impl KeyTrial {
    /// The key's text in the document of a row `t`.
    pub(super) fn text(&self) -> String {
        key_text("t.", &self.document, &self.path)
    }

    /// What a statement compares, and the cast of what it is compared with: as the application spells it, or the column.
    pub(super) fn compared(&self, find: &KeyFind, place: Place) -> (String, String) {
        let cast = find.cast.as_deref();
        if place.is_column() {
            return compared_column(&self.type_sql, cast);
        }
        let arrows = || Reached::arrows(self.path.len());
        let reached = find.reached.clone().unwrap_or_else(arrows);
        let text = text_of("t.", &self.document, &self.path, &reached);
        match cast.filter(|cast| CASTS.contains(cast)) {
            Some(cast) => (format!("({text})::pg_catalog.{cast}"), format!("::pg_catalog.{cast}")),
            None => (text, String::new()),
        }
    }

    /// The conditions of a shape, one for each value that it is timed with; one that is always true where it has no
    /// filter.
    pub(super) fn conditions(&self, timed: &Timed, place: Place, values: &Values) -> Vec<String> {
        let always = || vec!["true".to_owned()];
        let Some(find) = &timed.find else { return always() };
        let (compared, cast) = self.compared(find, place);
        let literal = |value: &String| format!("{}{cast}", quote_literal(value));
        match find.filter {
            KeyFilter::Contains if !place.is_column() => {
                values.points.iter().map(|value| self.contains(value)).collect()
            }
            KeyFilter::Equality | KeyFilter::Contains => values
                .points
                .iter()
                .map(|value| format!("{compared} = {}", literal(value)))
                .collect(),
            KeyFilter::Range => {
                let within = |(low, high): &(String, String)| {
                    format!("{compared} between {} and {}", literal(low), literal(high))
                };
                values.ranges.iter().map(within).collect()
            }
            _ => always(),
        }
    }

    /// A document that holds the value.
    fn contains(&self, value: &str) -> String {
        let plain = matches!(self.type_sql.as_str(), "bigint" | "numeric" | "boolean");
        let number = plain.then(|| serde_json::from_str(value).ok()).flatten();
        let value = number.unwrap_or_else(|| serde_json::Value::from(value));
        let document =
            self.path.iter().rev().fold(value, |inner, key| serde_json::json!({ key: inner }));
        let document = quote_literal(&document.to_string());
        format!("t.{} @> {document}::pg_catalog.jsonb", quote_identifier(&self.document))
    }

    /// What a call of the shape reads from a table, of the rows that meet the condition. Rows are fetched: no statement of
    /// the workload is known to want the key alone.
    pub(super) fn statement(
        &self,
        timed: &Timed,
        (table, place): (&str, Place),
        condition: &str,
    ) -> String {
        let column = || format!("t.{COLUMN}");
        let find = timed.find.as_ref();
        let compared = |find: &KeyFind| self.compared(find, place).0;
        if let Some(find) = find.filter(|find| find.filter == KeyFilter::Extreme) {
            return format!("select pg_catalog.min({}) from {table} as t", compared(find));
        }
        let (mut wanted, mut listed) =
            (vec!["count(t.ctid)".to_owned()], vec!["t.ctid".to_owned()]);
        if timed.shape.reads_key {
            let key = if place.is_column() { column() } else { self.text() };
            wanted.push(format!("count({key})"));
            listed.push(key);
        }
        if timed.shape.reads_document {
            let document = quote_identifier(&self.document);
            let text = format!("t.{document}::pg_catalog.text");
            wanted.push(format!("sum(pg_catalog.length({text}))"));
            listed.push(text);
        }
        let ordered = find.and_then(|find| Some((find, find.order?)));
        let Some((find, order)) = ordered else {
            return format!("select {} from {table} as t where {condition}", wanted.join(", "));
        };
        let direction = if order.descending { "desc" } else { "asc" };
        let nulls = if order.nulls_first { "first" } else { "last" };
        format!(
            "select {} from {table} as t order by {} {direction} nulls {nulls} limit {FIRST_ROWS}",
            listed.join(", "),
            compared(find)
        )
    }
}

/// What a statement compares once it names the column, and the cast of what it is compared with. Its own cast goes only
/// where values of the column's type are what it made of the text: else it stays, and no index on the column serves it.
fn compared_column(type_sql: &str, cast: Option<&str>) -> (String, String) {
    let stands_for = |cast: &str| match cast {
        "text" | "varchar" | "bpchar" => true,
        "timestamptz" => type_sql == "timestamp with time zone",
        cast => KeyExpression::cast_of(cast, type_sql).is_some(),
    };
    match cast.filter(|cast| CASTS.contains(cast) && !stands_for(cast)) {
        Some(cast) => (format!("(t.{COLUMN})::pg_catalog.{cast}"), format!("::pg_catalog.{cast}")),
        None => (format!("t.{COLUMN}"), format!("::{type_sql}")),
    }
}

/// What a shape compares the key with.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Values {
    pub(super) points: Vec<String>,
    pub(super) ranges: Vec<(String, String)>,
}

/// The table of an arm.
pub(super) fn arm(place: Place) -> String {
    format!("pg_temp.dbopt_arm_{}", place as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cast_stays_where_the_column_is_of_another_type() {
        let of = |type_sql, cast| compared_column(type_sql, cast).0;
        let plain = format!("t.{COLUMN}");
        for (type_sql, cast) in [
            ("text", None),
            ("text", Some("text")),
            ("bigint", None),
            ("bigint", Some("int4")),
            ("numeric", Some("float8")),
            ("timestamp with time zone", Some("timestamptz")),
        ] {
            assert_eq!(of(type_sql, cast), plain, "{type_sql} {cast:?}");
        }
        assert_eq!(of("text", Some("float8")), format!("({plain})::pg_catalog.float8"));
        assert_eq!(of("text", Some("date")), format!("({plain})::pg_catalog.date"));
        assert_eq!(
            of("timestamp with time zone", Some("date")),
            format!("({plain})::pg_catalog.date")
        );
    }
}
