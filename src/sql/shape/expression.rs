//! An expression: how it is spelled over the columns of tables, and which columns it comes from.

use crate::model::observation::{
    Applied, ColumnName, Compared, Distance, DistanceForm, KeyName, RelationUse, Subject,
};
use crate::model::{Hop, KeyOperators, quote_identifier};
use crate::sql::catalog::Column;
use crate::sql::path_to_string;
use crate::sql::understood::JsonStep;

/// Columns kept of one expression at most.
const COLUMNS_MAX: usize = 16;

/// Keys of documents kept of one expression at most.
const KEYS_MAX: usize = 16;

/// Operators within kept of one expression at most.
const APPLIED_MAX: usize = 16;

/// Steps kept of one path at most.
const STEPS_MAX: usize = 16;

/// A longer spelling is cut off.
const TEXT_BYTES_MAX: usize = 400;

/// An expression.
#[derive(Debug, Clone, Default)]
pub(super) struct Expr {
    /// How it is spelled.
    pub(super) text: String,
    /// Whether it needs no brackets within another.
    pub(super) atom: bool,
    pub(super) columns: Vec<ColumnName>,
    /// The references to relations that its columns are of.
    pub(super) instances: Vec<u32>,
    /// Whether it is a column alone.
    pub(super) plain: bool,
    /// The way from a column's document to it, where it is a value of one.
    pub(super) path: Option<Vec<JsonStep>>,
    /// By which operators, where the path is one of keys alone and was cast at most once.
    pub(super) reached: Option<KeyOperators>,
    /// Keys that it is computed of, where it is no value of a document itself.
    pub(super) within: Vec<KeyName>,
    /// Whether it is text for certain: a cast to text does nothing then.
    pub(super) is_text: bool,
    pub(super) cast: Option<String>,
    pub(super) applied: Vec<Applied>,
    pub(super) distance: Option<Distance>,
    /// What it is to a column that it is compared with.
    pub(super) nature: Compared,
}

impl Expr {
    /// A column of a table.
    pub(super) fn column(table: &RelationUse, column: &Column, instance: u32) -> Self {
        let of = ColumnName {
            schema: table.schema.clone(),
            table: table.name.clone(),
            column: column.name.clone(),
        };
        Self {
            columns: vec![of],
            instances: vec![instance],
            path: column.json.then(Vec::new),
            reached: column.json.then(KeyOperators::default),
            ..Self::any(&column.name)
        }
    }

    /// A column of a table that is not said; it may hold documents.
    pub(super) fn of_any_table(name: &str) -> Self {
        let table = String::new();
        let of = ColumnName { schema: String::new(), table, column: name.to_owned() };
        let (path, reached) = (Some(Vec::new()), Some(KeyOperators::default()));
        Self { columns: vec![of], path, reached, ..Self::any(name) }
    }

    /// A column, whichever it is.
    fn any(name: &str) -> Self {
        let text = quote_identifier(name).into_owned();
        Self { text, atom: true, plain: true, nature: Compared::Expression, ..Self::default() }
    }

    /// What comes from no column that is known.
    pub(super) fn opaque(text: &str) -> Self {
        Self {
            text: cut(text.to_owned()),
            atom: true,
            nature: Compared::Expression,
            ..Self::default()
        }
    }

    pub(super) fn value(nature: Compared) -> Self {
        Self { text: "$1".to_owned(), atom: true, nature, ..Self::default() }
    }

    /// What is computed of these, spelled so.
    pub(super) fn of<'e>(text: String, parts: impl IntoIterator<Item = &'e Self>) -> Self {
        let mut whole = Self { text: cut(text), ..Self::default() };
        for part in parts {
            whole.take(part);
        }
        whole
    }

    fn take(&mut self, part: &Self) {
        for column in &part.columns {
            if self.columns.len() < COLUMNS_MAX && !self.columns.contains(column) {
                self.columns.push(column.clone());
            }
        }
        for key in part.keys() {
            if self.within.len() < KEYS_MAX && !self.within.contains(&key) {
                self.within.push(key);
            }
        }
        for instance in &part.instances {
            if self.instances.len() < COLUMNS_MAX && !self.instances.contains(instance) {
                self.instances.push(*instance);
            }
        }
        for applied in &part.applied {
            self.apply(applied.clone());
        }
        if let (None, Some(distance)) = (&self.distance, &part.distance) {
            self.distance = Some(Distance { form: DistanceForm::Within, ..distance.clone() });
        }
        self.nature = self.nature.max(part.nature);
    }

    pub(super) fn apply(&mut self, applied: Applied) {
        if self.applied.len() < APPLIED_MAX && !self.applied.contains(&applied) {
            self.applied.push(applied);
        }
    }

    pub(super) fn atom(self) -> Self {
        Self { atom: true, ..self }
    }

    /// It is what these steps reach from a value.
    pub(super) fn step(&mut self, from: Self, hop: Hop, steps: Vec<JsonStep>) {
        let is_key = |step: &JsonStep| matches!(step, JsonStep::Key(_));
        let plain = from.cast.is_none() && !from.is_text && steps.iter().all(is_key);
        self.reached = from.reached.filter(|_| plain).map(|KeyOperators(mut hops)| {
            hops.push(hop);
            KeyOperators(hops)
        });
        self.path = from.path.map(|path| path.into_iter().chain(steps).take(STEPS_MAX).collect());
    }

    /// The one or the other.
    pub(super) fn or(self, other: &Self) -> Self {
        let text = if self.text == other.text { self.text.clone() } else { "…".to_owned() };
        let plain = self.plain && other.plain;
        let same = self.path == other.path;
        let path = if same { self.path.clone() } else { None };
        let is_text = self.is_text && other.is_text;
        Self { plain, path, is_text, ..Self::of(text, [&self, other]).atom() }
    }

    /// How it is spelled within another.
    pub(super) fn within(&self) -> String {
        if self.atom { self.text.clone() } else { format!("({})", self.text) }
    }

    /// Whether it comes from a column.
    pub(super) fn has_columns(&self) -> bool {
        !self.columns.is_empty()
    }

    /// Whether it comes from a column, also one of a relation that is not said.
    pub(super) fn has_columns_or_plain(&self) -> bool {
        self.has_columns() || self.plain || self.text.contains('\'')
    }

    /// What a column is compared with, if it is compared with this.
    pub(super) fn compared(&self) -> Compared {
        if self.has_columns() { Compared::Expression } else { self.nature }
    }

    /// Keys of documents that it is, or is computed of.
    fn keys(&self) -> Vec<KeyName> {
        let path = self.path.as_ref().filter(|path| !path.is_empty());
        match (path, self.columns.first()) {
            (Some(path), Some(column)) => {
                vec![KeyName { column: column.clone(), path: path_to_string(path) }]
            }
            _ => self.within.clone(),
        }
    }

    pub(super) fn subject(&self) -> Subject {
        let path = self.path.as_ref().filter(|path| !path.is_empty());
        Subject {
            columns: self.columns.clone(),
            expression: self.text.clone(),
            plain: self.plain,
            path: path.map(|path| path_to_string(path)),
            reached: self.reached.clone().filter(|_| path.is_some()),
            keys: self.keys(),
            cast: self.cast.clone(),
            applied: self.applied.clone(),
        }
    }
}

/// A spelling that is not too long.
pub(super) fn cut(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text.push('…');
    }
    text
}
