//! One statement being read: what names mean where it stands, and what was seen so far.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::catalog::{Catalog, CatalogRelation, Column};
use super::scope::{Columns, FromScope, Named};
use super::understood::{Clause, Comparison, KeyUse};
use super::value::{Origin, TracedValue};
use crate::model::QualifiedName;

/// Uses kept of one statement at most; further ones count as unresolved.
const USES_MAX: usize = 4096;

/// Columns looked at in one statement at most, all together, to find what its names mean; a statement with a hundred
/// tables and a thousand names looks at a tenth. Further names are unknown.
const COLUMNS_LOOKED_AT_MAX: usize = 10_000_000;

/// Columns that `*` lists in one statement at most, all together.
const STAR_COLUMNS_MAX: usize = 100_000;

/// As deep may views stand on one another.
const VIEWS_DEPTH_MAX: usize = 8;

/// A statement being read.
pub(super) struct StatementReader<'a> {
    catalog: &'a Catalog,
    /// What may be named, the innermost query last.
    pub(super) scopes: Vec<FromScope>,
    /// Common table expressions, the innermost last.
    pub(super) with: Vec<(String, Rc<Columns>)>,
    /// Relations of the catalog that were named. Views that are being read are unknown.
    relations: BTreeMap<QualifiedName, Rc<Columns>>,
    views_depth: usize,
    star_columns: usize,
    columns_looked_at: Cell<usize>,
    pub(super) tables: BTreeSet<QualifiedName>,
    pub(super) uses: BTreeSet<KeyUse>,
    pub(super) unresolved: u32,
}

impl<'a> StatementReader<'a> {
    /// Nothing read yet.
    pub(super) fn new(catalog: &'a Catalog) -> Self {
        Self {
            catalog,
            scopes: Vec::new(),
            with: Vec::new(),
            relations: BTreeMap::new(),
            views_depth: 0,
            star_columns: 0,
            columns_looked_at: Cell::new(0),
            tables: BTreeSet::new(),
            uses: BTreeSet::new(),
            unresolved: 0,
        }
    }

    /// A value is consumed here: each document in it is used.
    pub(super) fn take(
        &mut self,
        value: &TracedValue,
        place: Clause,
        comparison: Option<&Comparison>,
    ) {
        for origin in value.origins() {
            self.note(origin, place, comparison);
        }
    }

    /// A document is used.
    pub(super) fn note(&mut self, origin: &Origin, place: Clause, comparison: Option<&Comparison>) {
        if self.uses.len() >= USES_MAX {
            return self.unresolved();
        }
        self.uses.insert(KeyUse {
            table: origin.base.table.clone(),
            column: origin.base.column.clone(),
            path: origin.path.clone(),
            access: origin.access,
            place,
            cast: origin.cast.clone(),
            comparison: comparison.filter(|_| origin.direct).cloned(),
        });
    }

    /// A document could not be followed to a column.
    pub(super) fn unresolved(&mut self) {
        self.unresolved = self.unresolved.saturating_add(1);
    }

    /// The columns of a relation that a query names.
    pub(super) fn relation(&mut self, schema: Option<&str>, name: &str) -> Rc<Columns> {
        let common = self.with.iter().rfind(|(known, _)| schema.is_none() && known == name);
        if let Some((_, columns)) = common {
            return Rc::clone(columns);
        }
        let Some((name, relation)) = self.catalog.find(schema, name) else {
            return Rc::new(Columns::unknown());
        };
        if let Some(columns) = self.relations.get(&name) {
            return Rc::clone(columns);
        }
        let columns = match relation {
            CatalogRelation::Table(columns) => {
                self.tables.insert(name.clone());
                Rc::new(stored(&name, columns))
            }
            CatalogRelation::View(definition) => self.view(&name, definition),
            CatalogRelation::Partition(_) => Rc::new(Columns::unknown()),
        };
        self.relations.insert(name, Rc::clone(&columns));
        columns
    }

    /// The columns of a view, followed to tables. What it does itself is part of the statement.
    fn view(&mut self, name: &QualifiedName, definition: &str) -> Rc<Columns> {
        let unknown = Rc::new(Columns::unknown());
        self.relations.insert(name.clone(), Rc::clone(&unknown));
        if self.views_depth == VIEWS_DEPTH_MAX {
            return unknown;
        }
        // A view sees nothing of the query that names it.
        let (scopes, with) = (std::mem::take(&mut self.scopes), std::mem::take(&mut self.with));
        self.views_depth += 1;
        let parsed = super::parse::parse(definition).unwrap_or_default();
        let columns = parsed.first().map_or(unknown, |select| Rc::new(self.rows(&select.tree)));
        self.views_depth -= 1;
        (self.scopes, self.with) = (scopes, with);
        columns
    }

    /// The columns of a table by the name of its type, as `NULL::features` has it.
    pub(super) fn row_type(&self, schema: Option<&str>, name: &str) -> Option<Vec<String>> {
        match self.catalog.find(schema, name)?.1 {
            CatalogRelation::Table(columns) => {
                Some(columns.iter().map(|column| column.name.clone()).collect())
            }
            CatalogRelation::View(_) | CatalogRelation::Partition(_) => None,
        }
    }

    /// What a name means: a column, or a relation as a row.
    pub(super) fn named(&self, names: &[&str]) -> TracedValue {
        if self.is_exhausted() {
            return TracedValue::Unknown;
        }
        match *names {
            [name] => self.unqualified(name),
            [relation, column] => self.qualified(None, relation, column),
            [schema, relation, column] | [_, schema, relation, column] => {
                self.qualified(Some(schema), relation, column)
            }
            _ => TracedValue::Unknown,
        }
    }

    /// Whether too many columns were looked at already. One more name is about to look at all that may be named.
    fn is_exhausted(&self) -> bool {
        let columns = self.scopes.iter().map(|scope| scope.columns).sum::<usize>();
        self.columns_looked_at.set(self.columns_looked_at.get().saturating_add(columns));
        self.columns_looked_at.get() > COLUMNS_LOOKED_AT_MAX
    }

    /// Whether the innermost query reads a column of this name.
    pub(super) fn reads(&self, name: &str) -> bool {
        !self.is_exhausted() && self.scopes.last().is_some_and(|scope| scope.has(name))
    }

    fn unqualified(&self, name: &str) -> TracedValue {
        self.scopes
            .iter()
            .rev()
            .find_map(|scope| scope.unqualified(name))
            .unwrap_or(TracedValue::Unknown)
    }

    fn qualified(&self, schema: Option<&str>, relation: &str, column: &str) -> TracedValue {
        let source = self.scopes.iter().rev().find_map(|scope| scope.source(schema, relation));
        source.map_or(TracedValue::Unknown, |source| {
            source.read.set(true);
            source.columns.value(column)
        })
    }

    /// The columns that `*` or `relation.*` lists.
    pub(super) fn star(&mut self, qualifier: &[&str]) -> Columns {
        if self.is_exhausted() || self.star_columns > STAR_COLUMNS_MAX {
            return Columns::unknown();
        }
        let (schema, name) = match *qualifier {
            [name] => (None, Some(name)),
            [schema, name] | [_, schema, name] => (Some(schema), Some(name)),
            _ => (None, None),
        };
        let columns = match name {
            None => self.scopes.last().map_or_else(Columns::unknown, FromScope::star),
            Some(name) => {
                let source = self.scopes.iter().rev().find_map(|scope| scope.source(schema, name));
                source.map_or_else(Columns::unknown, |source| {
                    source.read.set(true);
                    Columns::clone(&source.columns)
                })
            }
        };
        self.star_columns += columns.list.len();
        if columns.list.len() > STAR_COLUMNS_MAX { Columns::unknown() } else { columns }
    }

    /// A query's names are no longer to be had. What functions of its `FROM` read and no one named was read all the same.
    pub(super) fn close_scope(&mut self) {
        let Some(scope) = self.scopes.pop() else { return };
        for source in scope.sources.iter().filter(|source| !source.read.get()) {
            if let Some(value) = &source.reads {
                self.take(value, Clause::From, None);
            }
        }
    }
}

/// The columns of a table of the catalog.
fn stored(table: &QualifiedName, columns: &[Column]) -> Columns {
    let named = columns.iter().map(|column| Named {
        name: column.name.clone(),
        value: if column.json {
            TracedValue::Documents(vec![Origin::document(table, &column.name)])
        } else {
            TracedValue::Plain
        },
    });
    Columns { list: named.collect(), open: false }
}
