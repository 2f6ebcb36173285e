//! What statements of DDL make of tables: columns, constraints, indexes and partitions, as values.
//!
//! What is not about those is left out.

mod condition;
mod index;
mod lock;
mod read;

pub use condition::{CheckCondition, ComparisonOperator, ConstantValue};
pub use lock::{LockMode, TableLock, table_locks};
pub use read::definitions;

/// What a statement makes or changes.
#[derive(Debug, Clone, PartialEq)]
pub enum DdlStatement {
    /// CREATE TABLE
    Table(Box<TableDefinition>),
    /// ALTER TABLE
    Altered {
        /// The table.
        table: String,
        /// What each of its actions does, in their order.
        actions: Vec<Vec<TableAction>>,
    },
    /// CREATE INDEX
    Index {
        /// The table.
        table: String,
        /// The index.
        index: IndexDefinition,
    },
    /// DROP TABLE
    DroppedTables(Vec<String>),
    /// DROP INDEX
    DroppedIndexes(Vec<String>),
    /// ALTER TABLE … RENAME TO
    RenamedTable {
        /// The table.
        table: String,
        /// Its new name, without a schema.
        new: String,
    },
    /// ALTER INDEX … RENAME TO
    RenamedIndex {
        /// The index.
        index: String,
        /// Its new name, without a schema.
        new: String,
    },
    /// ALTER TABLE … SET SCHEMA
    Moved {
        /// The table.
        table: String,
        /// Its new schema.
        schema: String,
    },
}

/// A table that is made.
#[derive(Debug, Clone, PartialEq)]
pub struct TableDefinition {
    /// Its name.
    pub name: String,
    /// Whether one of the name may be there already.
    pub is_optional: bool,
    /// Its columns and constraints, as if they were added one by one.
    pub elements: Vec<TableAction>,
    /// The tables that it copies.
    pub copied: Vec<LikeClause>,
    /// The tables that it inherits from.
    pub parents: Vec<String>,
    /// The partitioned table that it is part of, and the rows that it takes.
    pub part_of: Option<(String, BoundClause)>,
    /// The columns that its partitions go by, where it is partitioned; none for an expression.
    pub partitioned_by: Option<Vec<Option<String>>>,
}

/// `LIKE table`, and what of it is copied beside the columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LikeClause {
    /// The table.
    pub table: String,
    /// Whether CHECK constraints are.
    pub checks: bool,
    /// Whether indexes are, and the constraints that rest on them.
    pub indexes: bool,
}

/// What is done to a table.
#[derive(Debug, Clone, PartialEq)]
pub enum TableAction {
    /// A column is added.
    Column {
        /// Its name.
        name: String,
        /// Its type, without schema and modifiers.
        type_name: String,
    },
    /// A column is dropped.
    DropColumn(String),
    /// A column gets another type.
    Type {
        /// The column.
        column: String,
        /// The type, without schema and modifiers.
        type_name: String,
    },
    /// A column becomes NOT NULL, by a constraint of this name where it is given one.
    NotNull {
        /// The column.
        column: String,
        /// The constraint's name.
        name: Option<String>,
        /// Whether the rows that are there are known to obey.
        is_valid: bool,
    },
    /// A column may be NULL again.
    Nullable(String),
    /// A CHECK constraint is added.
    Check {
        /// Its name.
        name: Option<String>,
        /// What it says.
        condition: CheckCondition,
        /// Whether the rows that are there are known to obey.
        is_valid: bool,
    },
    /// A constraint that makes an index is added.
    Index(IndexDefinition),
    /// A unique index becomes a constraint's.
    UseIndex {
        /// The index.
        index: String,
        /// Whether it becomes the primary key's.
        is_primary: bool,
    },
    /// A foreign key is added.
    ForeignKey(ForeignKeyDefinition),
    /// A constraint is validated.
    Validate(String),
    /// A constraint is dropped.
    DropConstraint(String),
    /// A constraint is renamed.
    RenameConstraint {
        /// Its name.
        old: String,
        /// Its new name.
        new: String,
    },
    /// A column is renamed.
    RenameColumn {
        /// Its name.
        old: String,
        /// Its new name.
        new: String,
    },
    /// A table becomes a partition.
    Attach {
        /// The table.
        partition: String,
        /// The rows that it takes.
        bound: BoundClause,
    },
    /// A partition becomes a table of its own.
    Detach {
        /// The partition.
        partition: String,
        /// Whether CONCURRENTLY, which leaves its bounds as a CHECK constraint.
        is_concurrent: bool,
    },
    /// The table becomes a child of another.
    Inherit(String),
    /// The table is no child of another any more.
    Disinherit(String),
}

/// An index, in so far as another is like it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexDefinition {
    /// Its name; none where the server chooses it.
    pub name: Option<String>,
    /// Its access method.
    pub method: String,
    /// Its keys: each a column or an expression, with its collation and operator class where they are named.
    pub keys: Vec<String>,
    /// The columns that it carries beside the keys.
    pub included: Vec<String>,
    /// The condition of its rows.
    pub condition: Option<String>,
    /// Whether it is unique.
    pub is_unique: bool,
    /// Whether a constraint rests on it.
    pub is_of_constraint: bool,
    /// Whether it is the primary key's.
    pub is_primary: bool,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKeyDefinition {
    /// Its name; none where the server chooses it.
    pub name: Option<String>,
    /// Its columns.
    pub columns: Vec<String>,
    /// The table that they refer to.
    pub table: String,
    /// The columns there, where they are named.
    pub referenced: Vec<String>,
    /// What a change there does here, and how NULL counts.
    pub actions: String,
    /// Whether the rows that are there are known to obey.
    pub is_valid: bool,
}

/// The rows that a partition takes.
#[derive(Debug, Clone, PartialEq)]
pub enum BoundClause {
    /// Those that no other takes.
    Default,
    /// From a key on, up to another, which is not included.
    Range {
        /// From this on.
        from: Vec<RangeDatum>,
        /// Up to this.
        to: Vec<RangeDatum>,
    },
    /// Those with one of these keys; none stands for NULL, or for what is no constant.
    List(Vec<Option<ConstantValue>>),
    /// Those of a remainder.
    Hash,
}

/// An end of a range.
#[derive(Debug, Clone, PartialEq)]
pub enum RangeDatum {
    /// MINVALUE
    Least,
    /// MAXVALUE
    Greatest,
    /// A constant.
    Value(ConstantValue),
    /// What is no constant.
    Other,
}

impl RangeDatum {
    /// The constant that it is.
    pub fn value(&self) -> Option<&ConstantValue> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }
}

impl IndexDefinition {
    /// Whether PostgreSQL takes this index of a partition for its part of an index of the root, instead of building one. Their
    /// names and the order of their entries do not matter.
    pub fn serves(&self, root: &Self) -> bool {
        let is_alike = self.method == root.method
            && self.keys == root.keys
            && self.included == root.included
            && self.condition == root.condition
            && self.is_unique == root.is_unique;
        is_alike && (self.is_of_constraint || !root.is_of_constraint)
    }
}

impl IndexDefinition {
    /// Whether it may serve, where only expressions or conditions differ: the server may take two spellings for one.
    pub fn may_serve(&self, root: &Self) -> bool {
        let is_spelled = |index: &Self| {
            index.condition.is_some() || index.keys.iter().any(|key| key.starts_with("Node"))
        };
        let is_alike = self.method == root.method
            && self.keys.len() == root.keys.len()
            && self.is_unique == root.is_unique
            && self.condition.is_some() == root.condition.is_some();
        is_alike && is_spelled(self) && is_spelled(root)
    }
}

impl ForeignKeyDefinition {
    /// Whether PostgreSQL takes this foreign key of a partition for its part of one of the root, whose table of the same name it
    /// refers to.
    pub fn serves(&self, root: &Self) -> bool {
        let is_alike = self.columns == root.columns && self.actions == root.actions;
        // Columns that are not named are those of the primary key.
        let are_named = !self.referenced.is_empty() && !root.referenced.is_empty();
        is_alike && self.is_valid && (!are_named || self.referenced == root.referenced)
    }
}

#[cfg(test)]
mod tests;
