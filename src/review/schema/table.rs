//! A table as the statements so far have made it.

use std::collections::HashMap;

use crate::sql::{BoundClause, CheckCondition, ForeignKeyDefinition, IndexDefinition, TableAction};

/// CHECKs, indexes and foreign keys kept of one table at most, of each kind: each is compared with every statement.
const KEPT_MAX: usize = 64;

/// A table.
#[derive(Debug, Clone, Default)]
pub(super) struct MigratedTable {
    pub(super) name: String,
    /// Whether all of it is known: what is not here is not there.
    pub(super) is_known: bool,
    /// Bytes of the statements that made it, and of those that made what it copied.
    pub(super) weight: usize,
    types: HashMap<String, String>,
    /// The columns that are NOT NULL.
    not_null: HashMap<String, NotNullConstraint>,
    checks: Vec<CheckConstraint>,
    /// Whether a constraint became valid of which the files do not say what it is.
    pub(super) has_unknown_valid: bool,
    pub(super) indexes: Vec<IndexDefinition>,
    pub(super) foreign_keys: Vec<ForeignKeyDefinition>,
    /// The columns that its partitions go by; none for an expression.
    pub(super) partitioned_by: Option<Vec<Option<String>>>,
    /// Its partitions, and the tables that inherit from it, by number.
    pub(super) children: Vec<usize>,
    /// What it is a partition of or inherits from, by number.
    pub(super) parents: Vec<usize>,
    /// The rows that it takes as a partition.
    pub(super) bound: Option<BoundClause>,
}

/// That a column is NOT NULL.
#[derive(Debug, Clone)]
struct NotNullConstraint {
    name: Option<String>,
    is_valid: bool,
}

/// A CHECK constraint.
#[derive(Debug, Clone)]
struct CheckConstraint {
    name: Option<String>,
    condition: CheckCondition,
    is_valid: bool,
}

impl MigratedTable {
    pub(super) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// The type of a column, where it is known.
    pub(super) fn type_of(&self, column: &str) -> Option<&str> {
        self.types.get(column).map(String::as_str)
    }

    /// Whether every row is known to have a value in a column that is NOT NULL.
    pub(super) fn is_filled(&self, column: &str) -> bool {
        self.not_null.get(column).is_some_and(|one| one.is_valid)
    }

    /// The conditions that every row is known to obey.
    pub(super) fn valid_checks(&self) -> impl Iterator<Item = &CheckCondition> {
        self.checks.iter().filter(|check| check.is_valid).map(|check| &check.condition)
    }

    /// Takes over what LIKE gives to a new table, and DETACH PARTITION leaves to one.
    pub(super) fn copy(&mut self, of: &Self, checks: bool, indexes: bool) {
        self.weight += of.weight;
        self.types.extend(of.types.clone());
        for (column, one) in &of.not_null {
            self.set_not_null(column, one.name.clone(), one.is_valid);
        }
        if checks {
            of.checks.iter().for_each(|check| self.add_check(check.clone()));
        }
        if indexes {
            // The copies have names of their own.
            let unnamed = |own: &IndexDefinition| IndexDefinition { name: None, ..own.clone() };
            of.indexes.iter().for_each(|own| self.add_index(unnamed(own)));
        }
    }

    /// A change that is about this table alone.
    pub(super) fn change(&mut self, change: &TableAction) {
        match change {
            TableAction::Column { name, type_name }
            | TableAction::Type { column: name, type_name } => {
                self.types.insert(name.clone(), type_name.clone());
            }
            TableAction::DropColumn(column) => self.drop_column(column),
            TableAction::NotNull { column, name, is_valid } => {
                self.set_not_null(column, name.clone(), *is_valid);
            }
            TableAction::Nullable(column) => {
                self.not_null.remove(column);
            }
            TableAction::Check { name, condition, is_valid } => {
                let (name, condition) = (name.clone(), condition.clone());
                self.add_check(CheckConstraint { name, condition, is_valid: *is_valid });
            }
            TableAction::Index(index) => self.add_index(index.clone()),
            TableAction::UseIndex { index, is_primary } => self.use_index(index, *is_primary),
            TableAction::ForeignKey(key) => {
                self.is_known &= keep(&mut self.foreign_keys, key.clone());
            }
            TableAction::Validate(name) => self.validate(name),
            TableAction::DropConstraint(name) => self.drop_constraint(name),
            TableAction::RenameConstraint { old, new } => self.rename_constraint(old, new),
            TableAction::RenameColumn { old, new } => self.rename_column(old, new),
            TableAction::Attach { .. }
            | TableAction::Detach { .. }
            | TableAction::Inherit(_)
            | TableAction::Disinherit(_) => {}
        }
    }

    fn set_not_null(&mut self, column: &str, name: Option<String>, is_valid: bool) {
        let new = || NotNullConstraint { name, is_valid: false };
        self.not_null.entry(column.to_owned()).or_insert_with(new).is_valid |= is_valid;
    }

    fn add_check(&mut self, check: CheckConstraint) {
        self.is_known &= keep(&mut self.checks, check);
    }

    pub(super) fn add_index(&mut self, index: IndexDefinition) {
        if index.is_primary {
            index.keys.iter().for_each(|column| self.set_not_null(column, None, true));
        }
        self.is_known &= keep(&mut self.indexes, index);
    }

    /// The index of a name.
    pub(super) fn index(&self, name: &str) -> Option<&IndexDefinition> {
        self.indexes.iter().find(|index| is_index(&self.name, index, name))
    }

    pub(super) fn drop_index(&mut self, name: &str) {
        let own = self.name.clone();
        self.indexes.retain(|index| !is_index(&own, index, name));
    }

    pub(super) fn rename_index(&mut self, name: &str, new: &str) {
        let own = self.name.clone();
        for index in self.indexes.iter_mut().filter(|index| is_index(&own, index, name)) {
            index.name = Some(new.to_owned());
        }
    }

    fn use_index(&mut self, name: &str, is_primary: bool) {
        let own = self.name.clone();
        let used = self.indexes.iter_mut().find(|index| is_index(&own, index, name));
        let Some(index) = used else { return };
        index.is_of_constraint = true;
        index.is_primary = is_primary;
        let keys = if is_primary { index.keys.clone() } else { Vec::new() };
        for column in &keys {
            self.set_not_null(column, None, true);
        }
    }

    fn validate(&mut self, name: &str) {
        let own = &self.name;
        let mut is_here = false;
        let mut validate = |is_valid: &mut bool, one: &Option<String>, kind: &str| {
            let is_meant = is_named(one.as_deref(), own, kind, name);
            *is_valid |= is_meant;
            is_here |= is_meant;
        };
        for check in &mut self.checks {
            validate(&mut check.is_valid, &check.name, "_check");
        }
        for key in &mut self.foreign_keys {
            validate(&mut key.is_valid, &key.name, "_fkey");
        }
        for one in self.not_null.values_mut() {
            validate(&mut one.is_valid, &one.name, "_not_null");
        }
        self.has_unknown_valid |= !is_here;
    }

    fn drop_constraint(&mut self, name: &str) {
        let own = self.name.clone();
        self.checks.retain(|check| !is_named(check.name.as_deref(), &own, "_check", name));
        self.foreign_keys.retain(|key| !is_named(key.name.as_deref(), &own, "_fkey", name));
        self.not_null.retain(|_, one| one.name.as_deref() != Some(name));
        self.indexes.retain(|index| !(index.is_of_constraint && is_index(&own, index, name)));
    }

    fn rename_constraint(&mut self, old: &str, new: &str) {
        let own = self.name.clone();
        for check in &mut self.checks {
            if is_named(check.name.as_deref(), &own, "_check", old) {
                check.name = Some(new.to_owned());
            }
        }
        self.rename_index(old, new);
    }

    fn drop_column(&mut self, column: &str) {
        self.types.remove(column);
        self.not_null.remove(column);
        self.checks.retain(|check| !check.condition.names(column));
        let names = |index: &IndexDefinition| {
            index.keys.iter().chain(&index.included).any(|own| own == column)
        };
        self.indexes.retain(|index| !names(index));
        self.foreign_keys.retain(|key| !key.columns.iter().any(|own| own == column));
    }

    fn rename_column(&mut self, old: &str, new: &str) {
        let rename = |name: &mut String| {
            if name == old {
                new.clone_into(name);
            }
        };
        if let Some(type_name) = self.types.remove(old) {
            self.types.insert(new.to_owned(), type_name);
        }
        if let Some(one) = self.not_null.remove(old) {
            self.not_null.insert(new.to_owned(), one);
        }
        for check in &mut self.checks {
            check.condition =
                std::mem::replace(&mut check.condition, CheckCondition::Other).renamed(old, new);
        }
        for index in &mut self.indexes {
            index.keys.iter_mut().chain(&mut index.included).for_each(rename);
        }
        for key in &mut self.foreign_keys {
            key.columns.iter_mut().for_each(rename);
        }
        for key in self.partitioned_by.iter_mut().flatten().flatten() {
            rename(key);
        }
    }
}

/// Keeps one more, and returns whether there was space for it.
fn keep<T>(kept: &mut Vec<T>, one: T) -> bool {
    let has_room = kept.len() < KEPT_MAX;
    if has_room {
        kept.push(one);
    }
    has_room
}

/// Whether a constraint or an index of a table has a name, given to it or chosen by the server: that begins with the table's
/// and holds a word for the kind.
fn is_named(own: Option<&str>, table: &str, kind: &str, name: &str) -> bool {
    let table = table.rsplit_once('.').map_or(table, |(_, own)| own);
    match own {
        Some(own) => own == name,
        None => name.starts_with(table) && name.contains(kind),
    }
}

fn is_index(table: &str, index: &IndexDefinition, name: &str) -> bool {
    let kind = match (index.is_of_constraint, index.is_primary, index.is_unique) {
        (true, true, _) => "_pkey",
        (true, false, true) => "_key",
        (true, false, false) => "_excl",
        (false, ..) => "_idx",
    };
    let name = name.rsplit_once('.').map_or(name, |(_, own)| own);
    is_named(index.name.as_deref(), table, kind, name)
}
