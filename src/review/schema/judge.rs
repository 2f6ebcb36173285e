//! What statements read while others wait: columns that become NOT NULL, and partitions that are attached or made.

use squawk_syntax::SyntaxNode;

use super::MigratedSchema;
use super::follow::action_places;
use super::proof::{Implication, ProofGoal, RowConstraints, all, outside, proves, within};
use super::table::MigratedTable;
use crate::model::{Confidence, Severity};
use crate::review::file::code;
use crate::review::tables::are_same;
use crate::review::{BlockedTable, LocatedFinding};
use crate::sql::{
    BoundClause, CheckCondition, ConstantValue, DdlStatement, ForeignKeyDefinition,
    IndexDefinition, RangeDatum, TableAction,
};

const NOT_NULL: &str = "migration/adding-not-nullable-field";
const ATTACH: &str = "migration/attach-partition-scan";

/// A table with what it inherits.
struct InheritedRows<'a>(Vec<&'a MigratedTable>);

impl RowConstraints for InheritedRows<'_> {
    fn is_filled(&self, column: &str) -> bool {
        self.0.iter().any(|table| table.is_filled(column))
    }

    fn type_of(&self, column: &str) -> Option<&str> {
        self.0.iter().find_map(|table| table.type_of(column))
    }

    fn conditions(&self) -> Vec<&CheckCondition> {
        self.0.iter().flat_map(|table| table.valid_checks()).collect()
    }
}

/// What is found, before it has a place.
struct TableRead {
    check: &'static str,
    /// The table that is read.
    table: String,
    /// Whether all that was made of it stands in the files.
    is_known: bool,
    proof: Implication,
    message: String,
}

impl MigratedSchema {
    /// What a definition reads of what is there before it.
    pub(super) fn judge(
        &self,
        definition: &DdlStatement,
        statement: &SyntaxNode,
    ) -> Vec<LocatedFinding> {
        match definition {
            DdlStatement::Altered { table, actions } => {
                let places = action_places(statement);
                let own = code(statement);
                let place = |nth: usize| match places.get(nth) {
                    Some(at) if places.len() == actions.len() => *at,
                    _ => own,
                };
                let mut found = Vec::new();
                for (nth, changes) in actions.iter().enumerate() {
                    // What is said of a new column is judged with it.
                    if matches!(changes.first(), Some(TableAction::Column { .. })) {
                        continue;
                    }
                    let readings = changes.iter().flat_map(|change| self.altered(table, change));
                    found.extend(readings.map(|reading| reading.found(place(nth))));
                }
                found
            }
            DdlStatement::Table(table) => {
                let Some((parent, bound)) = &table.part_of else { return Vec::new() };
                let reading = self.default_partition(parent, bound, "CREATE TABLE … PARTITION OF");
                reading.into_iter().map(|reading| reading.found(code(statement))).collect()
            }
            _ => Vec::new(),
        }
    }

    fn altered(&self, table: &str, change: &TableAction) -> Vec<TableRead> {
        match change {
            TableAction::NotNull { column, is_valid: true, .. } => {
                self.filled(table, column, "SET NOT NULL").into_iter().collect()
            }
            TableAction::UseIndex { index, is_primary: true } => {
                let keys = self.find(table).and_then(|own| self.tables[own].index(index));
                let keys = keys.map(|index| index.keys.as_slice()).unwrap_or_default();
                let reading = |column: &String| self.filled(table, column, "a primary key");
                keys.iter().find_map(reading).into_iter().collect()
            }
            TableAction::Attach { partition, bound } => self.attached(table, partition, bound),
            _ => Vec::new(),
        }
    }

    fn lineage_of(&self, number: usize) -> InheritedRows<'_> {
        InheritedRows(self.lineage(number))
    }

    /// Whether all that was made of a table stands in the files.
    fn is_known(&self, table: &str) -> bool {
        self.find(table).is_some_and(|number| self.tables[number].is_known)
    }

    /// What is not proved may be, where a constraint became valid of which the files do not say what it is.
    fn doubted(&self, table: &str, proof: Implication) -> Implication {
        let is_in_doubt = self.find(table).is_some_and(|own| self.tables[own].has_unknown_valid);
        if is_in_doubt && proof == Implication::Unproved { Implication::Unknown } else { proof }
    }

    /// A table that is read to see whether a column of it is NULL somewhere.
    fn filled(&self, table: &str, column: &str, what: &str) -> Option<TableRead> {
        let goal = ProofGoal::NotNull(column.to_owned());
        if let Some(number) = self.find(table) {
            let (parts, is_known) = self.parts(number);
            let is_proved =
                |number: usize| proves(&self.lineage_of(number), &goal) == Implication::Proved;
            let are_all = is_known || self.tables[number].partitioned_by.is_none();
            if is_proved(number) || are_all && parts.into_iter().all(is_proved) {
                return None;
            }
        }
        let message = format!(
            "{what} on `{column}` reads all of `{table}` under ACCESS EXCLUSIVE, for no valid CHECK constraint known here \
             proves that it is never NULL: add `CHECK ({column} IS NOT NULL) NOT VALID`, and validate that, before; it can be \
             dropped afterwards"
        );
        Some(TableRead {
            check: NOT_NULL,
            is_known: self.is_known(table),
            table: table.to_owned(),
            proof: self.doubted(table, Implication::Unproved),
            message,
        })
    }

    /// What is read for a partition that is attached.
    fn attached(&self, parent: &str, partition: &str, bound: &BoundClause) -> Vec<TableRead> {
        let mut readings = Vec::new();
        readings.extend(self.bounds(parent, partition, bound));
        readings.extend(self.default_partition(parent, bound, "ATTACH PARTITION"));
        let both = self.find(parent).zip(self.find(partition));
        if let Some((parent, partition)) = both {
            readings.extend(self.missing_indexes(parent, partition));
            readings.extend(self.missing_foreign_keys(parent, partition));
        }
        readings
    }

    /// The partition, which is read for rows that are not within its bounds.
    fn bounds(&self, parent: &str, partition: &str, bound: &BoundClause) -> Option<TableRead> {
        let root = self.find(parent).map(|number| &self.tables[number]);
        let keys = root.and_then(|root| root.partitioned_by.as_deref());
        let goals = match bound {
            BoundClause::Default => self.beside(parent, keys)?,
            bound => keys.map_or(vec![ProofGoal::Beyond], |keys| within(bound, keys)),
        };
        let (proof, lacking) = match (self.find(partition), keys) {
            (Some(number), None) => (self.bounds_of_unknown_key(number, bound), None),
            (Some(number), Some(_)) => self.bounds_of_parts(number, &goals),
            (None, _) => (Implication::Unproved, None),
        };
        let proof = self.doubted(partition, proof);
        if proof == Implication::Proved {
            return None;
        }
        let what = match lacking {
            Some(ProofGoal::NotNull(column)) => format!("that `{column}` is never NULL"),
            _ => "that all of its rows are within the bounds".to_owned(),
        };
        let message = if proof == Implication::Unknown {
            format!(
                "ATTACH PARTITION reads all of `{partition}` under ACCESS EXCLUSIVE, unless its CHECK constraints prove the \
                 bounds, and that the partition key is never NULL"
            )
        } else {
            format!(
                "ATTACH PARTITION reads all of `{partition}` under ACCESS EXCLUSIVE, for no valid CHECK constraint known \
                 files proves {what}: add one NOT VALID, and validate it, before"
            )
        };
        Some(TableRead {
            check: ATTACH,
            is_known: self.is_known(partition),
            table: partition.to_owned(),
            proof,
            message,
        })
    }

    /// What rows of a default partition that is attached must not be; none where there is no other partition.
    fn beside(&self, parent: &str, keys: Option<&[Option<String>]>) -> Option<Vec<ProofGoal>> {
        let Some(number) = self.find(parent) else { return Some(vec![ProofGoal::Beyond]) };
        let root = &self.tables[number];
        let bounds = root.children.iter().filter_map(|child| self.tables[*child].bound.as_ref());
        let keys = keys.unwrap_or_default();
        let goals: Vec<ProofGoal> = bounds.map(|bound| outside(bound, keys)).collect();
        match (goals.is_empty(), root.is_known) {
            (true, true) => None,
            (true, false) => Some(vec![ProofGoal::Beyond]),
            (false, _) => Some(goals),
        }
    }

    /// Whether the goals follow for a table, or for each part of it, and what does not.
    fn bounds_of_parts(
        &self,
        number: usize,
        goals: &[ProofGoal],
    ) -> (Implication, Option<ProofGoal>) {
        let proof = |number: usize| {
            let rows = self.lineage_of(number);
            let proofs: Vec<(Implication, &ProofGoal)> =
                goals.iter().map(|goal| (proves(&rows, goal), goal)).collect();
            let lacking = proofs.iter().find(|(proof, _)| *proof != Implication::Proved);
            let lacking = lacking.map(|(_, goal)| (*goal).clone());
            (all(proofs.iter().map(|(proof, _)| *proof)), lacking)
        };
        let whole = proof(number);
        if whole.0 == Implication::Proved {
            return whole;
        }
        let (parts, is_known) = self.parts(number);
        if is_known && !parts.contains(&number) {
            let each: Vec<(Implication, Option<ProofGoal>)> =
                parts.into_iter().map(proof).collect();
            let lacking = each.iter().find_map(|(_, lacking)| lacking.clone());
            return (all(each.iter().map(|(proof, _)| *proof)), lacking);
        }
        whole
    }

    /// Whether a table has constraints made for the bounds, where it is not known which columns are the partition key's.
    fn bounds_of_unknown_key(&self, number: usize, bound: &BoundClause) -> Implication {
        let ends: Vec<&ConstantValue> = match bound {
            BoundClause::Range { from, to } => {
                from.iter().chain(to).filter_map(RangeDatum::value).collect()
            }
            BoundClause::List(values) => values.iter().flatten().collect(),
            BoundClause::Hash | BoundClause::Default => return Implication::Unproved,
        };
        let rows = self.lineage_of(number);
        let compared = |end: &&ConstantValue| {
            let columns = rows.conditions().into_iter().flat_map(|check| check.compared_with(end));
            columns.map(|column| ProofGoal::NotNull(column.to_owned())).collect::<Vec<ProofGoal>>()
        };
        let columns: Vec<Vec<ProofGoal>> = ends.iter().map(compared).collect();
        if columns.iter().any(Vec::is_empty) {
            return Implication::Unproved;
        }
        match all(columns.iter().flatten().map(|goal| proves(&rows, goal))) {
            Implication::Unproved => Implication::Unknown,
            proof => proof,
        }
    }

    /// The default partition, which is read for rows that another takes from now on.
    fn default_partition(
        &self,
        parent: &str,
        bound: &BoundClause,
        what: &str,
    ) -> Option<TableRead> {
        let root = &self.tables[self.find(parent)?];
        let is_default = |child: &&usize| self.tables[**child].bound == Some(BoundClause::Default);
        let number = *root.children.iter().find(is_default)?;
        let goal = outside(bound, root.partitioned_by.as_deref().unwrap_or_default());
        let (proof, _) = self.bounds_of_parts(number, &[goal]);
        let table = self.tables[number].name.clone();
        let message = format!(
            "{what} reads all of the default partition `{table}` under ACCESS EXCLUSIVE, for rows of the new partition, unless a \
             valid CHECK constraint proves that it holds none: add that NOT VALID, and validate it, before"
        );
        (proof != Implication::Proved).then_some(TableRead {
            check: ATTACH,
            is_known: self.is_known(&table),
            table,
            proof,
            message,
        })
    }

    /// Indexes of the parent that are built on a partition.
    fn missing_indexes(&self, parent: usize, partition: usize) -> Option<TableRead> {
        let (of, own) = (&self.tables[parent], &self.tables[partition]);
        let (parts, is_known) = self.parts(partition);
        if is_known && parts.is_empty() {
            return None;
        }
        let lacks = |index: &&IndexDefinition| !own.indexes.iter().any(|other| other.serves(index));
        let missing: Vec<&IndexDefinition> = of.indexes.iter().filter(lacks).collect();
        let first = missing.first()?;
        let named = match &first.name {
            Some(name) => format!("`{name}`"),
            None if first.is_primary => "the primary key".to_owned(),
            None => "an index".to_owned(),
        };
        let others = missing.len() - 1;
        let others = if others == 0 { String::new() } else { format!(" and {others} more") };
        let (table, root) = (own.name.clone(), &of.name);
        let message = format!(
            "ATTACH PARTITION builds {named}{others} of `{root}` on `{table}`, which has no index like it, under ACCESS EXCLUSIVE: \
             build it there CONCURRENTLY before, with the constraint where it is one's"
        );
        let may_serve =
            |index: &&IndexDefinition| own.indexes.iter().any(|other| other.may_serve(index));
        let is_certain = own.is_known && !missing.iter().all(may_serve);
        let proof = if is_certain { Implication::Unproved } else { Implication::Unknown };
        Some(TableRead { check: ATTACH, is_known: self.is_known(&table), table, proof, message })
    }

    /// Foreign keys of the parent that are checked for every row of a partition.
    fn missing_foreign_keys(&self, parent: usize, partition: usize) -> Option<TableRead> {
        let (of, own) = (&self.tables[parent], &self.tables[partition]);
        let (parts, is_known) = self.parts(partition);
        if is_known && parts.is_empty() {
            return None;
        }
        let lacks = |key: &&ForeignKeyDefinition| {
            let is_same = |other: &ForeignKeyDefinition| are_same(&other.table, &key.table);
            !own.foreign_keys.iter().any(|other| is_same(other) && other.serves(key))
        };
        let missing = of.foreign_keys.iter().find(lacks)?;
        let table = own.name.clone();
        let message = format!(
            "ATTACH PARTITION checks the foreign key of `{}` to `{}` for every row of `{table}` under ACCESS EXCLUSIVE: add the \
             same foreign key to `{table}` NOT VALID, and validate it, before",
            of.name, missing.table
        );
        let proof = if own.is_known { Implication::Unproved } else { Implication::Unknown };
        Some(TableRead { check: ATTACH, is_known: self.is_known(&table), table, proof, message })
    }
}

impl TableRead {
    fn found(self, at: usize) -> LocatedFinding {
        let (severity, confidence) = match self.proof {
            Implication::Unknown => (Severity::Medium, Confidence::Low),
            _ if self.is_known => (Severity::High, Confidence::High),
            _ => (Severity::High, Confidence::Medium),
        };
        LocatedFinding {
            fix: None,
            at,
            check: self.check,
            severity,
            blocked: BlockedTable::Named(self.table),
            confidence,
            message: self.message,
        }
    }
}
