//! What an application runs, as far as it is known: which keys of which documents its statements use.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Predicate;
use super::logged_plan::LoggedPlans;
use super::session_use::SessionUse;
use super::usage::{ColumnUsage, StatementProfile, WorkloadCoverage, is_unknown};
use crate::model::{Gap, KeyOperators};

/// How a statement finds rows by a key, or takes them in its order.
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
pub enum KeyFilter {
    /// It equals a value, or one of some.
    #[default]
    Equality,
    /// It is within bounds.
    Range,
    /// The document contains the key with a value: `@>`.
    Contains,
    /// The document has the key: `?` and its like.
    Exists,
    /// A jsonpath finds the key: `@?`, `@@`.
    JsonPath,
    /// It begins with a text: `LIKE`.
    Pattern,
    /// It is NULL, or not; true, or not.
    State,
    /// It equals what a row of another relation holds.
    Join,
    /// The first rows in its order: `ORDER BY` with `LIMIT`.
    Order,
    /// The least or the greatest: `min()`, `max()`.
    Extreme,
}

/// An order of the rows of a query.
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
#[serde(deny_unknown_fields)]
pub struct KeyOrder {
    /// Whether it is descending.
    pub descending: bool,
    /// Whether NULLs come first.
    pub nulls_first: bool,
}

/// A way in which a statement finds rows by a key.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct KeyFind {
    /// How.
    pub filter: KeyFilter,
    /// What is compared or ordered by, spelled as [`super::Subject::expression`]. An index on an expression that is
    /// spelled so serves it.
    pub expression: String,
    /// By which operators the key is reached there; absent where it is more than the key, perhaps cast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<KeyOperators>,
    /// The type it is cast to there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "cast_type", alias = "cast")]
    pub cast: Option<String>,
    /// The order, of [`KeyFilter::Order`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<KeyOrder>,
    /// What else the same query compares with a value by equality: an index may begin with these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<String>,
}

/// What statements of one shape do with a key.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct KeyShape {
    /// How they find rows by it, the way that finds fewest first; none where they do not, or in a way that needs the key of
    /// every row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub finds: Vec<KeyFind>,
    /// Whether they use the key's value beyond that: put it out, group, sort, join or compare by it.
    pub reads_key: bool,
    /// Whether they put out the whole document.
    pub reads_document: bool,
    /// Their calls.
    pub calls: u64,
}

/// How one key of a column's documents is used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyWorkload {
    /// Its path: `a.b`, `a[]` for the elements of an array.
    pub path: String,
    /// Calls of statements that use it.
    pub calls: u64,
    /// Calls of those that filter or join by it.
    pub filter_calls: u64,
    /// Calls in whose text the key is a parameter: no index on an expression serves them for certain.
    #[serde(default)]
    pub bound_calls: u64,
    /// Milliseconds all these calls took, where that is known.
    #[serde(default, skip_serializing_if = "is_unknown")]
    pub total_ms: f64,
    /// What their statements do with it, the shape with most calls first. A call has one shape.
    #[serde(default)]
    pub shapes: Vec<KeyShape>,
    /// Types it is cast to, the most frequent first.
    pub casts: Vec<String>,
    /// Definitions of the catalog that name it: indexes, views, functions and the like. They make no calls.
    #[serde(default)]
    pub definitions: u64,
}

/// How a column's documents are used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnWorkload {
    /// The table's schema.
    pub schema: String,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// Calls of statements that use the documents.
    pub calls: u64,
    /// Those of them that were seen one by one, and not counted by others.
    pub executions: u64,
    /// Milliseconds these took, where that is known.
    #[serde(default, skip_serializing_if = "is_unknown")]
    pub total_ms: f64,
    /// The share of the calls that use the documents, or may, whose keys are known.
    pub attributed_ratio: f64,
    /// Calls whose key is a parameter in the application's text.
    pub bound_calls: u64,
    /// Where it comes from: `log`, `list`, `activity`, `stat_statements`, `qualstats`, `catalog`.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Where the server's counts were divided among keys by sample statements: the effective number of
    /// samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_size: Option<f64>,
    /// Every key, the most used first.
    pub keys: Vec<KeyWorkload>,
}

/// What an application runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Calls of all statements that are known.
    pub calls: u64,
    /// Calls of those that could not be read.
    pub not_understood_calls: u64,
    /// Every column of documents that is used; twice where both the caller and the server know it, the caller's first.
    pub columns: Vec<ColumnWorkload>,
    /// Every column that statements name, of whatever type: by schema, table and column.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<ColumnUsage>,
    /// The statements that take most time, and those that have most calls; those with most time first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<StatementProfile>,
    /// Statements that keep something in their session.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub session_uses: Vec<SessionUse>,
    /// What was found in plans that logs hold, the statements first whose plans took most time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logged_plans: Vec<LoggedPlans>,
    /// How much of the workload is known.
    #[serde(default)]
    pub coverage: WorkloadCoverage,
    /// What the server could have shown and did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<Gap>,
    /// What was sent of it and not understood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_read: Vec<Gap>,
}

impl Workload {
    /// How a column is used, of whatever type; none where no statement names it.
    pub fn usage_of(&self, schema: &str, table: &str, column: &str) -> Option<&ColumnUsage> {
        let same = |one: &&ColumnUsage| {
            (one.schema.as_str(), one.table.as_str(), one.column.as_str())
                == (schema, table, column)
        };
        self.usage.iter().find(same)
    }

    /// Statements that read or write a table, those with most time first.
    pub fn statements_of(
        &self,
        schema: &str,
        table: &str,
    ) -> impl Iterator<Item = &StatementProfile> {
        self.statements.iter().filter(move |one| one.shape.uses_table(schema, table))
    }

    /// One of the conditions on an expression in the statements kept that read a table.
    pub fn condition_on(&self, schema: &str, table: &str, expression: &str) -> Option<&Predicate> {
        self.statements_of(schema, table)
            .flat_map(|statement| statement.shape.predicates())
            .find(|one| one.subject.expression == expression)
    }
}
