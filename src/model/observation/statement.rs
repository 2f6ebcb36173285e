//! The shape of a statement: which columns it filters, joins, groups, orders and writes by, and how. No literal is in it.
//!
//! Operators are as the statement spells them: `@>` is the operator of jsonb, of arrays or of ranges, depending on the type
//! of the column. The snapshot knows the type, so a reader of the shape resolves the operator by it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::column_use::{
    ColumnName, JoinPair, Limit, OrderKey, Predicate, RelationUse, Subject, UsePlace,
};

/// What a statement does, query by query.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementShape {
    /// What kind of statement it is.
    pub kind: StatementKind,
    /// Its queries: the statement itself first, then what stands within it. Each has conditions, order and limit of its own.
    pub blocks: Vec<QueryBlock>,
    /// Its common table expressions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ctes: Vec<CommonTable>,
    /// What it writes; also within common table expressions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<Write>,
    /// Column names that could not be followed to a column of the catalog.
    #[serde(default)]
    pub unresolved: u32,
    /// Whether something was left out, because the statement is larger than is kept.
    #[serde(default)]
    pub truncated: bool,
}

/// What kind of statement it is.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum StatementKind {
    /// `SELECT`, `VALUES`, `TABLE`.
    Select,
    /// `INSERT`.
    Insert,
    /// `UPDATE`.
    Update,
    /// `DELETE`.
    Delete,
    /// `MERGE`.
    Merge,
    /// Everything else: DDL, `COPY`, `SET`.
    #[default]
    Utility,
}

/// One query of a statement: a `SELECT` with its own `FROM`, `WHERE`, `ORDER BY` and `LIMIT`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryBlock {
    /// What it is in its statement.
    pub role: BlockRole,
    /// The query within which it stands, by its position; absent of the statement itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<usize>,
    /// Relations in its `FROM`, without those that are subqueries, functions or common table expressions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relations: Vec<RelationUse>,
    /// Conditions on values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub predicates: Vec<Predicate>,
    /// Conditions between columns of two relations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joins: Vec<JoinPair>,
    /// What it groups by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_by: Vec<Subject>,
    /// What `DISTINCT` or a set operation compares rows by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub distinct: Vec<Subject>,
    /// What it orders by, in that order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order_by: Vec<OrderKey>,
    /// How many rows it returns at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// How many rows it skips.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<Limit>,
    /// What it returns the least or the greatest of; none where it returns anything else beside, or groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extremes: Vec<Subject>,
    /// What it returns that comes from columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projected: Vec<Subject>,
}

/// What a query is in its statement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlockRole {
    /// The statement itself.
    #[default]
    Statement,
    /// A common table expression.
    Cte,
    /// A subquery in `FROM`.
    Subquery,
    /// A subquery in an expression: `EXISTS`, `IN`, `= ANY`, or one that yields a value.
    Sublink,
    /// One side of `UNION`, `INTERSECT` or `EXCEPT`.
    Arm,
    /// The query of a view.
    View,
}

/// A common table expression.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommonTable {
    /// Its name.
    pub name: String,
    /// Whether `MATERIALIZED` or `NOT MATERIALIZED` is written; absent where neither is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub materialized: Option<bool>,
    /// Whether it is recursive: it reads itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recursive: bool,
    /// How often the rest of the statement names it.
    pub references: u32,
    /// Its query, by its position.
    pub block: usize,
}

/// What is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// `INSERT`, `UPDATE`, `DELETE` or `MERGE`.
    pub kind: StatementKind,
    /// The table.
    pub table: RelationUse,
    /// Columns that are assigned: named, or all of the table where `INSERT` names none. Those of `MERGE` and of
    /// `ON CONFLICT DO UPDATE` too.
    pub columns: Vec<String>,
    /// What `ON CONFLICT` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_conflict: Option<OnConflict>,
}

/// What `ON CONFLICT` does.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// `DO NOTHING`.
    Nothing,
    /// `DO UPDATE`.
    Update,
}

impl StatementShape {
    /// All conditions on values, of every query of it.
    pub fn predicates(&self) -> impl Iterator<Item = &Predicate> {
        self.blocks.iter().flat_map(|block| &block.predicates)
    }

    /// All relations that it reads or writes.
    pub fn relations(&self) -> impl Iterator<Item = &RelationUse> {
        let written = self.writes.iter().map(|write| &write.table);
        self.blocks.iter().flat_map(|block| &block.relations).chain(written)
    }

    /// Adds the queries of another statement of the same text.
    pub fn append(&mut self, other: Self) {
        let blocks = self.blocks.len();
        self.blocks.extend(other.blocks.into_iter().map(|block| QueryBlock {
            parent: block.parent.map(|parent| parent + blocks),
            ..block
        }));
        self.ctes.extend(
            other
                .ctes
                .into_iter()
                .map(|table| CommonTable { block: table.block + blocks, ..table }),
        );
        self.writes.extend(other.writes);
        self.unresolved = self.unresolved.saturating_add(other.unresolved);
        self.truncated |= other.truncated;
    }

    /// Whether every column that it names was followed to its table, and nothing was left out.
    pub fn is_complete(&self) -> bool {
        self.unresolved == 0 && !self.truncated
    }

    /// Whether the number of rows of some `LIMIT` is a parameter.
    pub fn has_limit_parameter(&self) -> bool {
        self.blocks.iter().any(|block| block.limit == Some(Limit::Parameter))
    }

    /// Constants of its limits.
    pub fn limits(&self) -> impl Iterator<Item = u32> {
        self.blocks.iter().filter_map(|block| match block.limit {
            Some(Limit::Constant(limit)) => Some(limit),
            _ => None,
        })
    }

    /// Rows up to the last that it returns, `LIMIT` and `OFFSET` added, where both are constants.
    pub fn last_rows(&self) -> impl Iterator<Item = u32> {
        self.blocks.iter().filter_map(|block| match (block.limit, block.offset) {
            (Some(Limit::Constant(limit)), Some(Limit::Constant(offset))) => Some(limit + offset),
            _ => None,
        })
    }

    /// Whether it reads or writes this table.
    pub fn uses_table(&self, schema: &str, table: &str) -> bool {
        self.relations().any(|relation| relation.schema == schema && relation.name == table)
    }
}

impl QueryBlock {
    /// Conditions that each row of the result satisfies and that this column alone, or with others, decides: none under an
    /// `OR` or a `NOT`.
    pub fn filters<'s>(&'s self, column: &'s ColumnName) -> impl Iterator<Item = &'s Predicate> {
        self.predicates.iter().filter(move |predicate| {
            let filters = matches!(predicate.place, UsePlace::Where | UsePlace::Join);
            filters
                && !predicate.under_or
                && !predicate.under_not
                && predicate.subject.columns.contains(column)
        })
    }
}
