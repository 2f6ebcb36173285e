//! Which experiments prove what is to become of a key, and the statements they time. Pure.

use std::collections::BTreeMap;

use super::method::{Arm, laid_out};
use crate::model::observation::{KeyFilter, KeyShape, Relation, RelationKind};
use crate::model::{
    Action, KeyExpression, QualifiedName, Reached, Snapshot, key_text, quote_identifier,
    quote_literal, text_of,
};

/// As many shapes are timed, those with most calls: each costs some hundred executions.
const SHAPES_MAX: usize = 4;

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
    pub(super) shapes: Vec<KeyShape>,
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
    let trial = KeyTrial {
        relation: relation.qualified_name(),
        oid: relation.oid,
        document: document.clone(),
        path: path.clone(),
        type_sql: type_sql.clone(),
        stored: stored(relation, document, seen)?,
        shapes: shapes.iter().take(SHAPES_MAX).cloned().collect(),
        index: index.or_else(|| most_compared(document, path, (type_sql, shapes))),
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
    (type_sql, shapes): (&str, &[KeyShape]),
) -> Option<KeyExpression> {
    shapes.iter().find_map(|shape| {
        let reached = shape.reached?;
        let cast = match shape.cast.as_deref() {
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

    /// What a shape compares, and the cast of what it is compared with.
    pub(super) fn compared(&self, shape: &KeyShape, place: Place) -> (String, String) {
        if place.is_column() {
            return compared_column(&self.type_sql, shape.cast.as_deref());
        }
        let reached = shape.reached.unwrap_or(Reached::Arrows);
        let text = text_of("t.", &self.document, &self.path, reached);
        match shape.cast.as_deref().filter(|cast| CASTS.contains(cast)) {
            Some(cast) => (format!("({text})::pg_catalog.{cast}"), format!("::pg_catalog.{cast}")),
            None => (text, String::new()),
        }
    }

    /// The conditions of a shape, one for each value that it is timed with; one that is always true where it has no
    /// filter.
    pub(super) fn conditions(
        &self,
        shape: &KeyShape,
        place: Place,
        values: &Values,
    ) -> Vec<String> {
        let (compared, cast) = self.compared(shape, place);
        let literal = |value: &String| format!("{}{cast}", quote_literal(value));
        match shape.filter {
            None => vec!["true".to_owned()],
            Some(KeyFilter::Contains) if !place.is_column() => {
                values.points.iter().map(|value| self.contains(value)).collect()
            }
            Some(KeyFilter::Equality | KeyFilter::Contains) => values
                .points
                .iter()
                .map(|value| format!("{compared} = {}", literal(value)))
                .collect(),
            Some(KeyFilter::Range) => {
                let within = |(low, high): &(String, String)| {
                    format!("{compared} between {} and {}", literal(low), literal(high))
                };
                values.ranges.iter().map(within).collect()
            }
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

    /// What a call of the shape reads, of the rows that meet the condition. Rows are fetched: no statement of the
    /// workload is known to want the key alone.
    pub(super) fn statement(&self, shape: &KeyShape, place: Place, condition: &str) -> String {
        let mut wanted = vec!["count(t.ctid)".to_owned()];
        if shape.reads_key {
            let key = if place.is_column() { format!("t.{COLUMN}") } else { self.text() };
            wanted.push(format!("count({key})"));
        }
        if shape.reads_document {
            let document = quote_identifier(&self.document);
            wanted.push(format!("sum(pg_catalog.length(t.{document}::pg_catalog.text))"));
        }
        format!("select {} from {} as t where {condition}", wanted.join(", "), arm(place))
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
