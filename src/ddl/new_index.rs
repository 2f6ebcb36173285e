//! An index that is built while the table is written; of a partitioned table, partition by partition.

use super::statement::{brief, concurrent, reserving};
use crate::model::{Partition, QualifiedName, Statement, index_name, quote_identifier};

/// An index to be made.
pub(super) struct BuiltIndex<'a> {
    pub(super) table: &'a QualifiedName,
    pub(super) partitions: &'a [Partition],
    /// What follows the name of its table in the index's own.
    pub(super) suffix: &'a str,
    /// The access method; absent for a B-tree.
    pub(super) method: Option<&'a str>,
    /// `UNIQUE`.
    pub(super) unique: bool,
    /// What it is on.
    pub(super) on: String,
    /// `INCLUDE`; empty for nothing, else with a blank before it.
    pub(super) include: &'a str,
    /// Storage parameters; empty for none.
    pub(super) options: &'a str,
    /// `WHERE`; empty for nothing, else with a blank before it.
    pub(super) condition: &'a str,
    /// What the indexes of single tables have of their own.
    pub(super) places: &'a [IndexPlace<'a>],
}

/// Where the index of one table is stored, and how.
pub(super) struct IndexPlace<'a> {
    pub(super) table: &'a QualifiedName,
    pub(super) tablespace: Option<&'a str>,
    /// Storage parameters instead of those of the others.
    pub(super) options: Option<String>,
}

/// A table that an experiment names itself.
static NO_NAME: QualifiedName = QualifiedName { schema: String::new(), name: String::new() };

impl BuiltIndex<'static> {
    /// A B-tree of no table yet.
    pub(super) fn of(on: String) -> Self {
        let (table, partitions): (_, &[Partition]) = (&NO_NAME, &[]);
        let (include, options, condition) = ("", "", "");
        Self {
            table,
            partitions,
            suffix: "",
            method: None,
            unique: false,
            on,
            include,
            options,
            condition,
            places: &[],
        }
    }
}

impl BuiltIndex<'_> {
    /// The same on a temporary table, under a name that the server chooses, and without uniqueness, which a sample of the
    /// rows does not show.
    pub(super) fn on_copy(&self, table: &str) -> String {
        format!("CREATE INDEX ON {table}{};", self.what(None))
    }

    /// Of a partitioned table none can be built without blocking writes. So one is made there of no partition, which holds
    /// nothing; each partition gets its own; and with the last that is attached the first becomes valid.
    pub(super) fn create(&self) -> Vec<Statement> {
        let Self { table, partitions, .. } = self;
        if partitions.is_empty() {
            return vec![concurrent(self.sql(table, " CONCURRENTLY", ""))];
        }
        let only = |name: &QualifiedName| reserving(self.sql(name, "", " ONLY"));
        let mut statements = vec![only(table)];
        let each = |Partition { name, partitioned, .. }: &Partition| {
            if *partitioned {
                return only(name);
            }
            concurrent(self.sql(name, " CONCURRENTLY", ""))
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

    fn sql(&self, table: &QualifiedName, concurrently: &str, only: &str) -> String {
        let unique = if self.unique { " UNIQUE" } else { "" };
        let what = self.what(self.places.iter().find(|place| place.table == table));
        let (index, table) = (self.name(table), table.to_sql());
        format!("CREATE{unique} INDEX{concurrently} {index} ON{only} {table}{what};")
    }

    /// What follows the table: the method, the keys, and what comes behind them.
    fn what(&self, place: Option<&IndexPlace<'_>>) -> String {
        let Self { on, include, options, condition, .. } = self;
        let using = self.method.map(|method| format!(" USING {method}")).unwrap_or_default();
        let own = place.and_then(|place| place.options.as_deref());
        let options = match own.unwrap_or(options) {
            "" => String::new(),
            options => format!(" WITH ({options})"),
        };
        let tablespace = place.and_then(|place| place.tablespace);
        let tablespace = tablespace.map(|name| format!(" TABLESPACE {}", quote_identifier(name)));
        let tablespace = tablespace.unwrap_or_default();
        format!("{using} ({on}){include}{options}{tablespace}{condition}")
    }

    fn name(&self, table: &QualifiedName) -> String {
        quote_identifier(&index_name(&table.name, self.suffix)).into_owned()
    }

    fn qualified(&self, table: &QualifiedName) -> String {
        self.index_of(table).to_sql()
    }

    /// The index of a table.
    pub(super) fn index_of(&self, table: &QualifiedName) -> QualifiedName {
        let name = index_name(&table.name, self.suffix);
        QualifiedName { schema: table.schema.clone(), name }
    }
}
