//! Which relations and columns a name may mean at one point of a statement.

use std::cell::Cell;
use std::rc::Rc;

use super::value::TracedValue;

/// The columns of a relation.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    pub(super) list: Vec<Named>,
    /// Whether there may be more, of unknown names.
    pub(super) open: bool,
}

/// A column and what it holds.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) value: TracedValue,
}

impl Columns {
    /// Columns of which nothing is known.
    pub(super) fn unknown() -> Self {
        Self { list: Vec::new(), open: true }
    }

    /// One column.
    pub(super) fn one(name: &str, value: TracedValue) -> Self {
        Self { list: vec![Named { name: name.to_owned(), value }], open: false }
    }

    /// The column of this name.
    pub(super) fn get(&self, name: &str) -> Option<&TracedValue> {
        self.list.iter().find(|column| column.name == name).map(|column| &column.value)
    }

    /// The column of this name. One that is not known may be newer than the catalog.
    pub(super) fn value(&self, name: &str) -> TracedValue {
        self.get(name).cloned().unwrap_or(TracedValue::Unknown)
    }

    /// The same columns under the names of an alias's list, which may be shorter.
    pub(super) fn renamed(mut self, names: &[String]) -> Self {
        if self.open && !names.is_empty() {
            // Which column is the first is not known where there may be more.
            let unknown = |name: &String| Named { name: name.clone(), value: TracedValue::Unknown };
            self.list = names.iter().map(unknown).collect();
            return self;
        }
        for (column, name) in self.list.iter_mut().zip(names) {
            column.name.clone_from(name);
        }
        self
    }

    /// The rows of both: each column comes from either.
    pub(super) fn or(self, other: Self) -> Self {
        if self.open || other.open {
            let unknown = |column: Named| Named { value: TracedValue::Unknown, ..column };
            return Self { list: self.list.into_iter().map(unknown).collect(), open: true };
        }
        let mut others = other.list.into_iter().map(|column| column.value);
        let merge = |column: Named| Named {
            value: column.value.or(others.next().unwrap_or(TracedValue::Plain)),
            ..column
        };
        Self { list: self.list.into_iter().map(merge).collect(), open: false }
    }

    /// All of it as one row.
    pub(super) fn row(&self) -> TracedValue {
        let origins = self.list.iter().flat_map(|column| column.value.origins()).cloned();
        TracedValue::Row(origins.collect())
    }
}

/// A relation of a `FROM` clause.
#[derive(Debug)]
pub(super) struct FromRelation {
    pub(super) name: String,
    /// The schema it was named with, if it has no alias.
    pub(super) schema: Option<String>,
    pub(super) columns: Rc<Columns>,
    /// A function that returns one value a row: its name means that value.
    pub(super) scalar: bool,
    /// Whether any of its columns was named.
    pub(super) read: Cell<bool>,
    /// What it reads itself, even if none of its columns is named.
    pub(super) reads: Option<TracedValue>,
}

impl FromRelation {
    /// A relation whose name is that of an alias.
    pub(super) fn new(name: &str, columns: impl Into<Rc<Columns>>) -> Self {
        Self {
            name: name.to_owned(),
            schema: None,
            columns: columns.into(),
            scalar: false,
            read: Cell::new(false),
            reads: None,
        }
    }

    /// What its name alone means: its row, or its one value.
    fn whole(&self) -> TracedValue {
        self.read.set(true);
        match self.columns.list.first() {
            Some(first) if self.scalar => first.value.clone(),
            _ if self.columns.open => TracedValue::Unknown,
            _ => self.columns.row(),
        }
    }
}

/// A column that a join made one of two.
#[derive(Debug, Clone)]
pub(super) struct Merged {
    pub(super) name: String,
    /// Whether it may hold what the right side has: an outer join of that side.
    pub(super) either: bool,
}

/// The relations of one `FROM` clause.
#[derive(Debug, Default)]
pub(super) struct FromScope {
    pub(super) sources: Vec<FromRelation>,
    /// Columns that `USING` or `NATURAL` made one of two.
    pub(super) merged: Vec<Merged>,
    /// How many columns there are, the unknown ones of each source as one.
    pub(super) columns: usize,
}

impl FromScope {
    /// A scope of these relations.
    pub(super) fn of(sources: Vec<FromRelation>) -> Self {
        let columns = sources.iter().map(|source| source.columns.list.len() + 1).sum();
        Self { sources, merged: Vec::new(), columns }
    }

    /// One more relation.
    pub(super) fn add(&mut self, source: FromRelation) {
        self.columns += source.columns.list.len() + 1;
        self.sources.push(source);
    }

    /// What an unqualified name means here; none where it means nothing here.
    pub(super) fn unqualified(&self, name: &str) -> Option<TracedValue> {
        let mut found = None;
        for source in &self.sources {
            let Some(value) = source.columns.get(name) else { continue };
            source.read.set(true);
            found = match (found, self.merged(name)) {
                (None, _) => Some(value.clone()),
                (Some(left), Some(merged)) if merged.either => Some(left.or(value.clone())),
                (Some(left), Some(_)) => Some(left),
                // PostgreSQL would refuse it: the catalog is not the one it sees.
                (Some(_), None) => return Some(TracedValue::Unknown),
            };
        }
        if found.is_some() {
            return found;
        }
        if let Some(source) = self.sources.iter().find(|source| source.name == name) {
            return Some(source.whole());
        }
        self.sources.iter().any(|source| source.columns.open).then_some(TracedValue::Unknown)
    }

    fn merged(&self, name: &str) -> Option<&Merged> {
        self.merged.iter().find(|merged| merged.name == name)
    }

    /// The relation of this name.
    pub(super) fn source(&self, schema: Option<&str>, name: &str) -> Option<&FromRelation> {
        self.sources.iter().find(|source| {
            let matches = schema.is_none() || source.schema.as_deref() == schema;
            matches && source.name == name
        })
    }

    /// Whether a column of this name is known here.
    pub(super) fn has(&self, name: &str) -> bool {
        self.sources.iter().any(|source| source.columns.get(name).is_some())
    }

    /// All columns, as `*` lists them.
    pub(super) fn star(&self) -> Columns {
        let mut all = Columns::default();
        for source in &self.sources {
            source.read.set(true);
            all.open |= source.columns.open;
            for column in &source.columns.list {
                if self.merged(&column.name).is_none() {
                    all.list.push(column.clone());
                } else if all.get(&column.name).is_none() {
                    let value = self.unqualified(&column.name).unwrap_or(TracedValue::Unknown);
                    all.list.push(Named { name: column.name.clone(), value });
                }
            }
        }
        all
    }
}
