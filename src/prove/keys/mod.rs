//! What becomes of a key of documents: the statements that the workload runs, with the key where it is, with an index on it,
//! and as a column. Pure.

mod arm;

use super::storage::laid_out;
use super::trial::{ColumnStorage, Name, ROWS_MAX, TrialPlan, TrialRows, arm_table, holder};
use crate::model::observation::{KeyFilter, KeyFind, KeyShape, Relation};
use crate::model::{
    Families, IndexedKey, KeyExpression, Promotion, ProofKey, QualifiedName, Snapshot, Unit,
    key_text,
};
use arm::OnArm;

/// Shapes that are timed, those with most calls: each costs some hundred executions.
const SHAPES_MAX: usize = 4;

/// Why there is no experiment.
const NOT_RUN: &str = "no statement of the workload can be run on a copy as it is spelled: it depends on a function or on \
     rows of another table";

const REPORTED: &[(Name, Unit)] = &[
    ("call_ms", Unit::Ms),
    ("filter_ms", Unit::Ms),
    ("read_key_ms", Unit::Ms),
    ("write_ms", Unit::Ms),
    ("heap_bytes", Unit::Bytes),
    ("toast_bytes", Unit::Bytes),
    ("index_bytes", Unit::Bytes),
];

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum KeyChange<'a> {
    /// A column.
    Column(&'a Promotion),
    /// It is indexed where it is.
    Index(&'a IndexedKey),
}

/// Where a statement finds the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyPlacement {
    /// In the document, as today.
    Today,
    /// In the document, with an index on the expression.
    Indexed,
    /// In a column of its own.
    Column,
    /// In a column with an index.
    IndexedColumn,
}

impl KeyPlacement {
    const ALL: [Self; 4] = [Self::Today, Self::Indexed, Self::Column, Self::IndexedColumn];

    /// Whether the key is a column there.
    fn is_column(self) -> bool {
        matches!(self, Self::Column | Self::IndexedColumn)
    }

    /// What it is, where no one advised it.
    fn name(self) -> &'static str {
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
struct Timed {
    shape: KeyShape,
    /// How they find rows by the key; absent where they read the key of every row.
    find: Option<KeyFind>,
}

impl Timed {
    /// None of statements that find rows in a way of which the key alone is not the whole: by a function, or by rows
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

    /// What a call of it is counted as.
    fn kind(&self) -> Name {
        if self.find.is_some() { "filter_ms" } else { "read_key_ms" }
    }
}

/// What is to become of a key, on the rows of one relation.
#[derive(Debug, Clone, PartialEq)]
struct KeyExperiment {
    /// The table that the key is reported of.
    table: QualifiedName,
    subject: TrialRows,
    path: Vec<String>,
    /// The column's type.
    type_sql: String,
    /// How the document is stored.
    stored: ColumnStorage,
    /// What is timed.
    shapes: Vec<Timed>,
    /// What an index on the key where it is would be on; none where nothing compares it so.
    index: Option<KeyExpression>,
    /// What was advised, by where it puts the key.
    advised: Vec<(KeyPlacement, ProofKey)>,
}

/// The experiments on these changes, one for each key.
pub(super) fn trials(
    changes: &[(&ProofKey, KeyChange<'_>)],
    snapshot: &Snapshot,
) -> Vec<TrialPlan> {
    let mut experiments: Vec<KeyExperiment> = Vec::new();
    for (key, change) in changes {
        let Some(experiment) = experiment(key, *change, snapshot) else { continue };
        let shared = experiments.iter_mut().find(|known| {
            (&known.table, &known.subject.column, &known.path, &known.shapes)
                == (
                    &experiment.table,
                    &experiment.subject.column,
                    &experiment.path,
                    &experiment.shapes,
                )
        });
        match shared {
            None => experiments.push(experiment),
            Some(known) => {
                known.advised.extend(experiment.advised);
                if let KeyChange::Index(_) = change {
                    known.index = experiment.index;
                }
            }
        }
    }
    experiments.iter().map(KeyExperiment::trial).collect()
}

fn experiment(key: &ProofKey, change: KeyChange<'_>, snapshot: &Snapshot) -> Option<KeyExperiment> {
    let (placement, table, document, path, type_sql, shapes) = match change {
        KeyChange::Column(Promotion { table, document, path, type_sql, shapes, .. }) => {
            (KeyPlacement::IndexedColumn, table, document, path, type_sql, shapes)
        }
        KeyChange::Index(IndexedKey { table, expression, type_sql, shapes, .. }) => {
            let KeyExpression { document, path, .. } = expression;
            (KeyPlacement::Indexed, table, document, path, type_sql, shapes)
        }
    };
    if shapes.is_empty() {
        return None;
    }
    let relation = holder(table, snapshot)?;
    let timed = shapes.iter().filter_map(|shape| Timed::of(shape, path));
    let timed: Vec<Timed> = timed.take(SHAPES_MAX).collect();
    let subject = TrialRows {
        relation: relation.qualified_name(),
        oid: relation.oid,
        column: document.clone(),
        rows_max: ROWS_MAX,
    };
    let index = match change {
        KeyChange::Index(indexed) => Some(indexed.expression.clone()),
        KeyChange::Column(_) => most_compared(document, path, type_sql, &timed),
    };
    Some(KeyExperiment {
        table: table.clone(),
        subject,
        path: path.clone(),
        type_sql: type_sql.clone(),
        stored: stored(relation, document, snapshot)?,
        shapes: timed,
        index,
        advised: vec![(placement, key.clone())],
    })
}

/// A partition that was not looked at is taken for one like its root.
fn stored(relation: &Relation, document: &str, snapshot: &Snapshot) -> Option<ColumnStorage> {
    let families = Families::of(snapshot.relations.get().ok()?);
    let root = families.root(relation.oid)?;
    let of = |oid| laid_out(oid, document, snapshot);
    of(relation.oid).or_else(|| of(relation.parent?)).or_else(|| of(root.oid))
}

/// What most calls compare with a value.
fn most_compared(
    document: &str,
    path: &[String],
    type_sql: &str,
    shapes: &[Timed],
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

/// Types of `pg_catalog` that text is cast to in a proof. Another type may be a user's, and be missing in a lab.
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

impl KeyExperiment {
    fn trial(&self) -> TrialPlan {
        let mut trial = TrialPlan::new(self.subject.clone(), REPORTED);
        trial.refused = self.shapes.is_empty().then_some(NOT_RUN);
        let exists = |place: &KeyPlacement| *place != KeyPlacement::Indexed || self.index.is_some();
        let placements: Vec<KeyPlacement> = KeyPlacement::ALL.into_iter().filter(exists).collect();
        // Values are those that the column takes.
        let filled = arm_table(placements.len() - 1);
        for (position, place) in placements.into_iter().enumerate() {
            let on = OnArm { experiment: self, place, table: arm_table(position), filled: &filled };
            trial.arms.push(on.arm(position));
        }
        trial
    }

    /// The key's text in the document of a row `t`.
    fn text(&self) -> String {
        key_text("t.", &self.subject.column, &self.path)
    }
}
