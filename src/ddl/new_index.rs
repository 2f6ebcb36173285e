//! An index that is built while the table is written; of a partitioned table, partition by partition.

use super::statement::{brief, concurrent, reserving};
use crate::model::{Partition, QualifiedName, Statement, quote_identifier};

/// An index to be made.
pub(super) struct NewIndex<'a> {
    pub(super) table: &'a QualifiedName,
    pub(super) partitions: &'a [Partition],
    /// What follows the name of its table in the index's own.
    pub(super) suffix: &'a str,
    /// What it is on.
    pub(super) on: String,
}

impl NewIndex<'_> {
    /// Of a partitioned table none can be built without blocking writes. So one is made there of no partition, which holds
    /// nothing; each partition gets its own; and with the last that is attached the first becomes valid.
    pub(super) fn create(&self) -> Vec<Statement> {
        let Self { table, partitions, on, .. } = self;
        if partitions.is_empty() {
            let (index, table) = (self.name(table), table.to_sql());
            return vec![concurrent(format!(
                "CREATE INDEX CONCURRENTLY {index} ON {table} ({on});"
            ))];
        }
        let only = |name: &QualifiedName| {
            let (index, table) = (self.name(name), name.to_sql());
            reserving(format!("CREATE INDEX {index} ON ONLY {table} ({on});"))
        };
        let mut statements = vec![only(table)];
        let each = |Partition { name, partitioned, .. }: &Partition| {
            if *partitioned {
                return only(name);
            }
            let (index, table) = (self.name(name), name.to_sql());
            concurrent(format!("CREATE INDEX CONCURRENTLY {index} ON {table} ({on});"))
        };
        statements.extend(partitions.iter().map(each));
        // From below, so that each is valid before it is attached.
        statements.extend(partitions.iter().rev().map(|Partition { name, parent, .. }| {
            let (above, index) = (self.qualified(parent), self.qualified(name));
            brief(format!("ALTER INDEX {above} ATTACH PARTITION {index};"))
        }));
        statements
    }

    /// With those of its partitions, which cannot be dropped concurrently.
    pub(super) fn drop(&self) -> Statement {
        let index = self.qualified(self.table);
        if self.partitions.is_empty() {
            concurrent(format!("DROP INDEX CONCURRENTLY {index};"))
        } else {
            brief(format!("DROP INDEX {index};"))
        }
    }

    fn name(&self, table: &QualifiedName) -> String {
        quote_identifier(&format!("{}_{}", table.name, self.suffix)).into_owned()
    }

    fn qualified(&self, table: &QualifiedName) -> String {
        format!("{}.{}", quote_identifier(&table.schema), self.name(table))
    }
}
