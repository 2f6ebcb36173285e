//! The tables as the files of a run make them, statement by statement: what a statement reads under a lock is decided by
//! what the tables are when it runs, not by what a later file makes of them.

mod existing;
mod follow;
mod indexes;
mod judge;
mod proof;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use super::tables::{are_same, unqualified};
use crate::sql::{
    BoundClause, CheckCondition, ComparisonOperator, DdlStatement, IndexDefinition, LikeClause,
    RangeDatum, TableAction, TableDefinition,
};
use table::MigratedTable;

pub(super) use follow::{SchemaFindings, follow};

/// Tables that are gone through at most for one statement: partitions of partitions, and what a table inherits from.
const RELATED_MAX: usize = 1000;

/// Bytes of statements whose outcome is copied by LIKE and DETACH PARTITION in one run at most. Without it a few short statements
/// copy tables of copies until the memory is full.
const COPIED_MAX: usize = 16 * 1024 * 1024;

/// All tables so far.
#[derive(Default)]
struct MigratedSchema {
    tables: Vec<MigratedTable>,
    /// Their numbers by name without schema.
    by_name: HashMap<String, Vec<usize>>,
    /// The numbers of the tables that had an index of a name, without its schema; some have it no more.
    by_index: HashMap<String, Vec<usize>>,
    /// Bytes of statements whose outcome was copied so far.
    copied: usize,
}

impl MigratedSchema {
    /// The number of a table; none where no statement has named it.
    fn find(&self, name: &str) -> Option<usize> {
        let alike = self.by_name.get(unqualified(name))?;
        let exact = alike.iter().find(|number| self.tables[**number].name == name);
        let like = || alike.iter().find(|number| are_same(&self.tables[**number].name, name));
        exact.or_else(like).copied()
    }

    /// The number of a table, which is taken note of where no statement has named it.
    fn find_or_note(&mut self, name: &str) -> usize {
        self.find(name).unwrap_or_else(|| self.add(MigratedTable::named(name)))
    }

    fn add(&mut self, table: MigratedTable) -> usize {
        let number = self.tables.len();
        self.by_name.entry(unqualified(&table.name).to_owned()).or_default().push(number);
        self.tables.push(table);
        number
    }

    fn forget(&mut self, number: usize) {
        let name = unqualified(&self.tables[number].name).to_owned();
        if let Some(numbers) = self.by_name.get_mut(&name) {
            numbers.retain(|other| *other != number);
        }
        for parent in std::mem::take(&mut self.tables[number].parents) {
            self.tables[parent].children.retain(|child| *child != number);
        }
    }

    fn rename(&mut self, number: usize, new: String) {
        let old = unqualified(&self.tables[number].name).to_owned();
        if let Some(numbers) = self.by_name.get_mut(&old) {
            numbers.retain(|other| *other != number);
        }
        self.by_name.entry(unqualified(&new).to_owned()).or_default().push(number);
        self.tables[number].name = new;
    }

    /// A table with all that it inherits from.
    fn lineage(&self, number: usize) -> Vec<&MigratedTable> {
        let (mut numbers, mut at) = (vec![number], 0);
        let mut seen = HashSet::from([number]);
        while at < numbers.len() && numbers.len() < RELATED_MAX {
            let further = self.tables[numbers[at]].parents.iter().copied();
            numbers.extend(further.filter(|other| seen.insert(*other)));
            at += 1;
        }
        numbers.into_iter().map(|number| &self.tables[number]).collect()
    }

    /// The tables with rows that are part of a table: itself, unless it is partitioned, and its children's; and whether they
    /// are all known.
    fn parts(&self, number: usize) -> (Vec<usize>, bool) {
        let (mut parts, mut left) = (Vec::new(), vec![number]);
        let mut is_known = true;
        while let Some(number) = left.pop() {
            let table = &self.tables[number];
            if table.partitioned_by.is_none() {
                parts.push(number);
            }
            is_known &= table.is_known;
            left.extend(&table.children);
            if parts.len() + left.len() > RELATED_MAX {
                return (parts, false);
            }
        }
        (parts, is_known)
    }

    /// Whether a definition changes a partitioned table that is known to have no partition.
    fn is_without_rows(&self, definition: &DdlStatement) -> bool {
        let (DdlStatement::Altered { table, .. } | DdlStatement::Index { table, .. }) = definition
        else {
            return false;
        };
        let Some(number) = self.find(table) else { return false };
        let (parts, is_known) = self.parts(number);
        is_known && parts.is_empty()
    }

    /// What a statement of so many bytes makes of the tables.
    fn apply(&mut self, definition: DdlStatement, bytes: usize) {
        match definition {
            DdlStatement::Table(table) => self.make(*table, bytes),
            DdlStatement::Altered { table, actions } => {
                let number = self.find_or_note(&table);
                self.tables[number].weight += bytes;
                for change in actions.iter().flatten() {
                    self.change(number, change);
                }
            }
            DdlStatement::Index { table, index } => {
                let number = self.find_or_note(&table);
                self.tables[number].weight += bytes;
                if let Some(name) = &index.name {
                    self.note_index(name, number);
                }
                self.tables[number].add_index(index);
            }
            DdlStatement::DroppedTables(names) => {
                for name in names {
                    if let Some(number) = self.find(&name) {
                        self.forget(number);
                    }
                }
            }
            DdlStatement::DroppedIndexes(names) => {
                for name in names {
                    for number in self.tables_of_index(&name) {
                        self.tables[number].drop_index(&name);
                    }
                }
            }
            DdlStatement::RenamedTable { table, new } => {
                let number = self.find_or_note(&table);
                let schema = table.rsplit_once('.').map(|(schema, _)| schema);
                let new = schema.map_or(new.clone(), |schema| format!("{schema}.{new}"));
                self.rename(number, new);
            }
            DdlStatement::RenamedIndex { index, new } => {
                for number in self.tables_of_index(&index) {
                    self.tables[number].rename_index(&index, &new);
                    self.note_index(&new, number);
                }
            }
            DdlStatement::Moved { table, schema } => {
                let number = self.find_or_note(&table);
                self.rename(number, format!("{schema}.{}", unqualified(&table)));
            }
        }
    }

    fn make(&mut self, new: TableDefinition, bytes: usize) {
        if let Some(old) = self.find(&new.name) {
            if new.is_optional {
                return;
            }
            // The files begin before the one of that name that is there was made.
            let own = |name: &str| name.trim_start_matches("public.").to_owned();
            if own(&self.tables[old].name) == own(&new.name) {
                self.forget(old);
            }
        }
        let mut table = MigratedTable::named(&new.name);
        table.is_known = !new.is_optional;
        table.weight = bytes;
        table.partitioned_by = new.partitioned_by;
        for like in &new.copied {
            self.copy_like(&mut table, like);
        }
        let number = self.add(table);
        new.elements.iter().for_each(|element| self.change(number, element));
        let of = new.part_of.map(|(parent, bound)| {
            self.tables[number].bound = Some(bound);
            parent
        });
        for parent in new.parents.into_iter().chain(of) {
            let parent = self.find_or_note(&parent);
            self.tables[number].is_known &= self.tables[parent].is_known;
            self.join(parent, number);
        }
    }

    fn copy_like(&mut self, table: &mut MigratedTable, like: &LikeClause) {
        let of = self.find(&like.table).map(|of| self.lineage(of)).unwrap_or_default();
        let weight: usize = of.iter().map(|of| of.weight).sum();
        if of.is_empty() || self.copied + weight > COPIED_MAX {
            table.is_known = false;
            return;
        }
        for (nth, of) in of.into_iter().enumerate() {
            table.copy(of, like.checks, like.indexes && nth == 0);
            table.is_known &= of.is_known;
        }
        self.copied += weight;
    }

    fn join(&mut self, parent: usize, child: usize) {
        // A table is no part of itself, which the server would refuse.
        if self.lineage(parent).len() < RELATED_MAX && !self.is_above(child, parent) {
            self.tables[parent].children.push(child);
            self.tables[child].parents.push(parent);
        }
    }

    fn is_above(&self, above: usize, number: usize) -> bool {
        let above = std::ptr::from_ref(&self.tables[above]);
        self.lineage(number).into_iter().any(|table| std::ptr::eq(table, above))
    }

    fn part(&mut self, parent: usize, child: usize) {
        self.tables[parent].children.retain(|other| *other != child);
        self.tables[child].parents.retain(|other| *other != parent);
    }

    fn change(&mut self, number: usize, change: &TableAction) {
        match change {
            TableAction::Attach { partition, bound } => {
                let child = self.find_or_note(partition);
                self.tables[child].bound = Some(bound.clone());
                self.join(number, child);
            }
            TableAction::Detach { partition, is_concurrent } => {
                let Some(child) = self.find(partition) else { return };
                self.detach(number, child, *is_concurrent);
            }
            TableAction::Inherit(parent) => {
                let parent = self.find_or_note(parent);
                self.join(parent, number);
            }
            TableAction::Disinherit(parent) => {
                if let Some(parent) = self.find(parent) {
                    self.part(parent, number);
                }
            }
            change => {
                let (TableAction::Index(IndexDefinition { name: Some(name), .. })
                | TableAction::RenameConstraint { new: name, .. }) = change
                else {
                    return self.tables[number].change(change);
                };
                self.note_index(name, number);
                self.tables[number].change(change);
            }
        }
    }

    /// A partition keeps what it had from its parent.
    fn detach(&mut self, parent: usize, child: usize, keeps_bounds: bool) {
        if parent == child {
            return;
        }
        self.part(parent, child);
        let mut table = std::mem::take(&mut self.tables[child]);
        let of = &self.tables[parent];
        let keys = of.partitioned_by.as_deref().unwrap_or_default();
        let bound = table.bound.take();
        if let Some(condition) =
            bound.filter(|_| keeps_bounds).and_then(|bound| bound_condition(&bound, keys))
        {
            table.change(&TableAction::Check { name: None, condition, is_valid: true });
        }
        if self.copied + of.weight > COPIED_MAX {
            table.is_known = false;
        } else {
            self.copied += of.weight;
            table.copy(of, true, true);
        }
        self.tables[child] = table;
    }
}

/// The CHECK constraint that DETACH PARTITION CONCURRENTLY leaves, where the key is one column.
fn bound_condition(bound: &BoundClause, keys: &[Option<String>]) -> Option<CheckCondition> {
    let [Some(column)] = keys else { return None };
    let compares = |how: ComparisonOperator, datum: Option<&RangeDatum>| match datum {
        Some(RangeDatum::Value(value)) => {
            CheckCondition::Compares(column.clone(), how, value.clone())
        }
        _ => CheckCondition::Other,
    };
    let own = match bound {
        BoundClause::Range { from, to } => CheckCondition::All(vec![
            compares(ComparisonOperator::AtLeast, from.first()),
            compares(ComparisonOperator::Less, to.first()),
        ]),
        BoundClause::List(values) => CheckCondition::OneOf(
            column.clone(),
            values.iter().cloned().collect::<Option<Vec<_>>>()?,
        ),
        BoundClause::Default | BoundClause::Hash => return None,
    };
    Some(CheckCondition::All(vec![CheckCondition::NotNull(column.clone()), own]))
}
