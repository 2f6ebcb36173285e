//! Which relations and columns a name may mean at one point of a statement.

use std::rc::Rc;

use super::Walker;
use super::expression::Expr;
use crate::model::observation::RelationUse;
use crate::sql::catalog::Column;

/// Columns that every table has, and that are no data.
const SYSTEM_COLUMNS: &[&str] = &["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];

/// The columns of a query.
#[derive(Debug, Clone, Default)]
pub(super) struct ShapeColumns {
    pub(super) list: Vec<(String, Expr)>,
    /// Whether there may be more, of unknown names.
    pub(super) open: bool,
}

/// A relation of a `FROM`.
pub(super) struct ShapeRelation<'c> {
    pub(super) name: String,
    pub(super) schema: String,
    pub(super) of: Of<'c>,
    /// Names that an alias gives the first columns.
    pub(super) renamed: Vec<String>,
}

/// Where its columns come from.
pub(super) enum Of<'c> {
    /// A table: which reference to a relation this is, and its columns.
    Table { table: RelationUse, columns: &'c [Column], instance: u32 },
    /// A query.
    Query(Rc<ShapeColumns>),
    /// A relation that the catalog does not know.
    Unknown,
    /// A function's result: its columns are no table's.
    Function,
    /// Any column is one of it, as it is spelled.
    Any,
}

/// The relations of one `FROM`.
#[derive(Default)]
pub(super) struct ShapeScope<'c> {
    pub(super) sources: Vec<ShapeRelation<'c>>,
    /// Columns that `USING` or `NATURAL` made one of two.
    pub(super) merged: Vec<String>,
}

/// What a name means in one source.
enum NameMatch {
    Column(Box<Expr>),
    /// Maybe one of its columns, which are not known.
    Perhaps,
    No,
}

/// Columns that a query yields at most: as in PostgreSQL, which refuses more.
const COLUMNS_MAX: usize = 1664;

impl ShapeColumns {
    /// Keeps what PostgreSQL would: views whose columns double with each step yield no more.
    pub(super) fn bound(&mut self) {
        if self.list.len() > COLUMNS_MAX {
            self.list.truncate(COLUMNS_MAX);
            self.open = true;
        }
    }

    /// The same columns under the names of an alias's list, which may be shorter.
    pub(super) fn renamed(mut self, names: &[String]) -> Self {
        for ((column, _), name) in self.list.iter_mut().zip(names) {
            column.clone_from(name);
        }
        self
    }

    /// The rows of both: each column comes from either.
    pub(super) fn or(self, other: Self) -> Self {
        let mut others = other.list.into_iter().map(|(_, expr)| expr);
        let either = |(name, expr): (String, Expr)| match others.next() {
            Some(other) => (name, expr.or(&other)),
            None => (name, expr),
        };
        Self { list: self.list.into_iter().map(either).collect(), open: self.open || other.open }
    }
}

impl ShapeScope<'_> {
    /// A scope in which every name is that of a column.
    pub(super) fn any() -> Self {
        let (name, schema) = (String::new(), String::new());
        Self {
            sources: vec![ShapeRelation { name, schema, of: Of::Any, renamed: Vec::new() }],
            merged: Vec::new(),
        }
    }
}

impl ShapeRelation<'_> {
    /// How many columns are looked at to find one.
    fn width(&self) -> usize {
        match &self.of {
            Of::Table { columns, .. } => columns.len() + 1,
            Of::Query(columns) => columns.list.len() + 1,
            Of::Unknown | Of::Function | Of::Any => 1,
        }
    }

    fn find(&self, name: &str) -> NameMatch {
        match &self.of {
            Of::Table { table, columns, instance } => {
                let renamed = self.renamed.iter().position(|renamed| renamed == name);
                let at = renamed.or_else(|| {
                    let shown = columns.iter().skip(self.renamed.len());
                    let at = shown.into_iter().position(|column| column.name == name)?;
                    Some(at + self.renamed.len())
                });
                match at.and_then(|at| columns.get(at)) {
                    Some(column) => {
                        NameMatch::Column(Box::new(Expr::column(table, column, *instance)))
                    }
                    None if SYSTEM_COLUMNS.contains(&name) => {
                        NameMatch::Column(Box::new(Expr::opaque(name)))
                    }
                    None => NameMatch::No,
                }
            }
            Of::Query(columns) => match columns.list.iter().find(|(column, _)| column == name) {
                Some((_, expr)) => NameMatch::Column(Box::new(expr.clone())),
                None if columns.open => NameMatch::Perhaps,
                None => NameMatch::No,
            },
            Of::Any => NameMatch::Column(Box::new(Expr::of_any_table(name))),
            Of::Unknown | Of::Function => NameMatch::Perhaps,
        }
    }

    /// All columns, as `*` lists them.
    fn all(&self) -> ShapeColumns {
        match &self.of {
            Of::Table { table, columns, instance } => {
                let renamed = self.renamed.iter().map(String::as_str);
                let rest = columns.iter().skip(self.renamed.len()).map(|one| one.name.as_str());
                let names = renamed.chain(rest);
                let expr = |column| Expr::column(table, column, *instance);
                let list = names.zip(*columns).map(|(name, one)| (name.to_owned(), expr(one)));
                ShapeColumns { list: list.collect(), open: false }
            }
            Of::Query(columns) => ShapeColumns::clone(columns),
            Of::Unknown | Of::Function | Of::Any => ShapeColumns { list: Vec::new(), open: true },
        }
    }
}

impl Walker<'_> {
    /// What a name of a column means. A name that means none is counted.
    pub(super) fn named(&mut self, names: &[&str]) -> Expr {
        let (schema, relation, column) = match *names {
            [column] => ("", "", column),
            [relation, column] => ("", relation, column),
            [.., schema, relation, column] => (schema, relation, column),
            [] => return Expr::opaque("…"),
        };
        let width = self.scopes.iter().flat_map(|scope| &scope.sources).map(ShapeRelation::width);
        self.lookups = self.lookups.saturating_add(width.sum());
        if self.lookups > super::LOOKUPS_MAX {
            self.shape.truncated = true;
            return Expr::opaque(column);
        }
        for scope in self.scopes.iter().rev() {
            let mut known = scope.sources.iter().filter(|source| {
                relation.is_empty()
                    || (source.name == relation && (schema.is_empty() || source.schema == schema))
            });
            let mut perhaps = None;
            let found = known.find_map(|source| match source.find(column) {
                NameMatch::Column(expr) => Some(*expr),
                NameMatch::Perhaps => {
                    perhaps = Some(matches!(source.of, Of::Unknown | Of::Query(_)));
                    None
                }
                NameMatch::No => None,
            });
            if let Some(expr) = found {
                return expr;
            }
            // The name alone of a relation is its row.
            if relation.is_empty() && scope.sources.iter().any(|source| source.name == column) {
                return Expr::opaque(column);
            }
            if let Some(unresolved) = perhaps {
                self.shape.unresolved += u32::from(unresolved);
                return Expr::opaque(column);
            }
        }
        self.shape.unresolved += 1;
        Expr::opaque(column)
    }

    /// Whether the innermost query reads a column of this name.
    pub(super) fn reads(&mut self, name: &str) -> bool {
        let sources = self.scopes.last().map_or(&[][..], |scope| &scope.sources);
        let width: usize = sources.iter().map(ShapeRelation::width).sum();
        self.lookups = self.lookups.saturating_add(width);
        if self.lookups > super::LOOKUPS_MAX {
            return true;
        }
        sources.iter().any(|source| matches!(source.find(name), NameMatch::Column(_)))
    }

    /// The columns that `*` or `relation.*` lists.
    pub(super) fn star(&mut self, qualifier: &[&str]) -> ShapeColumns {
        let mut all = ShapeColumns::default();
        if self.lookups > super::LOOKUPS_MAX {
            self.shape.truncated = true;
            return ShapeColumns { list: Vec::new(), open: true };
        }
        let Some(relation) = qualifier.last() else {
            let Some(scope) = self.scopes.last() else { return all };
            let mut merged: Vec<&String> = Vec::new();
            for source in &scope.sources {
                let columns = source.all();
                all.open |= columns.open;
                for (name, expr) in columns.list {
                    if let Some(name) = scope.merged.iter().find(|merged| **merged == name) {
                        if merged.contains(&name) {
                            continue;
                        }
                        merged.push(name);
                    }
                    all.list.push((name, expr));
                }
                all.bound();
                if all.list.len() == COLUMNS_MAX {
                    all.open = true;
                    break;
                }
            }
            self.lookups = self.lookups.saturating_add(all.list.len());
            return all;
        };
        let mut scopes = self.scopes.iter().rev();
        let source =
            scopes.find_map(|scope| scope.sources.iter().find(|source| source.name == **relation));
        all = source.map_or(ShapeColumns { list: Vec::new(), open: true }, ShapeRelation::all);
        self.lookups = self.lookups.saturating_add(all.list.len());
        all
    }
}
