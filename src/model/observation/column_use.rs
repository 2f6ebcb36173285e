//! What a query of a statement does with columns: conditions, joins, order, limit.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{KeyOperators, QualifiedName};

/// A relation of a `FROM`, or a written one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelationUse {
    /// Its schema; empty where the statement names none and the catalog knows no relation of that name.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Whether the catalog knows it.
    pub known: bool,
    /// Whether the statement names no schema, and several schemas have a relation of that name: the one that the search path
    /// of dbopt finds first is taken, and the application's may be another.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ambiguous: bool,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnName {
    /// The table's schema.
    pub schema: String,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
}

/// An expression over columns.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The columns it comes from, each once, through aliases, subqueries, common table expressions and views.
    pub columns: Vec<ColumnName>,
    /// How it is spelled over the columns of the tables: without aliases, values as `$1`, keys of JSON as they are. The
    /// expression of an index that is spelled by the same rules is equal to it. Cut off with `…` where long.
    pub expression: String,
    /// Whether it is a column and nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub plain: bool,
    /// The path within the column's documents, where it is a key of one: `a.b`. A key that is a parameter is `$`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// By which operators that path is reached; absent where it is none of keys alone, or is cast more than once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<KeyOperators>,
    /// Keys of documents that it is computed of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyName>,
    /// The type it is cast to at last, as the parser names it: `int4`, `vector(3)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "cast_type", alias = "cast")]
    pub cast: Option<String>,
    /// Operators and functions of distance within it that have a column on one side: `->>`, `<->`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub applied: Vec<Applied>,
}

/// A key of a column's documents.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyName {
    /// The column.
    pub column: ColumnName,
    /// The path within its documents: `a.b`.
    pub path: String,
}

/// An operator applied to a column within an expression.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Applied {
    /// The column.
    pub column: ColumnName,
    /// The operand in which the column is, as [`Subject::expression`].
    pub expression: String,
    /// The operator, as if that operand stood on its left.
    pub operator: String,
    /// What stands on the other side.
    pub with: Compared,
}

/// What stands on the other side of an operator.
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
pub enum Compared {
    /// Nothing: `IS NULL`.
    #[default]
    Nothing,
    /// Only constants.
    Constant,
    /// Parameters, perhaps with constants. In texts of `pg_stat_statements` constants are parameters too.
    Parameter,
    /// The result of a subquery.
    Subquery,
    /// Anything else: columns, functions.
    Expression,
}

/// A condition on an expression over the columns of one relation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Predicate {
    /// What is compared.
    pub subject: Subject,
    /// The operator as it is spelled, as if the subject stood on its left: `=`, `@>`, `~~`, `in`, `not in`, `between`,
    /// `= any`, `is null`, `is not null`, `true` where the expression is the condition itself.
    pub operator: String,
    /// What it is compared with.
    pub with: Compared,
    /// Keys of the document that it must contain, `a.b` or `tags[]`, of `@>` whose right side is written out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contains: Vec<String>,
    /// Where it stands.
    pub place: UsePlace,
    /// Whether it stands under an `OR`, so that it alone filters nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub under_or: bool,
    /// Whether it stands under a `NOT`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub under_not: bool,
}

/// A condition between columns of two relations.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinPair {
    /// One side.
    pub left: Subject,
    /// The other side.
    pub right: Subject,
    /// The operator between them as it is spelled; `in` and `not in` where the right side is a subquery's column.
    pub operator: String,
    /// Where it stands: `WHERE` or the condition of a join.
    pub place: UsePlace,
    /// Whether it stands under an `OR`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub under_or: bool,
    /// Whether it stands under a `NOT`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub under_not: bool,
}

/// Where in a statement a column is used.
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
pub enum UsePlace {
    /// In `WHERE`, or a condition of `MERGE`.
    #[default]
    Where,
    /// In the condition of a join.
    Join,
    /// In `HAVING`.
    Having,
    /// In the `FILTER` of an aggregate, or a `CASE`: it decides what is computed, and finds no rows.
    Filter,
    /// In `GROUP BY`.
    GroupBy,
    /// In `DISTINCT`, or where a set operation compares rows.
    Distinct,
    /// In `ORDER BY`.
    OrderBy,
    /// In what is returned.
    Select,
    /// Assigned: by `INSERT`, `UPDATE` or `MERGE`.
    Set,
    /// In `ON CONFLICT`.
    Conflict,
    /// In the definition of an index or of statistics.
    Index,
}

/// One key of an `ORDER BY`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderKey {
    /// What it orders by.
    pub subject: Subject,
    /// Whether it is descending.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub descending: bool,
    /// Where NULLs go, if that is said: first, or last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nulls_first: Option<bool>,
    /// The distance it orders by, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance: Option<Distance>,
}

/// A distance between a column and something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Distance {
    /// The operator, or the function's name: `<->`, `<=>`, `<#>`, `<+>`, `<~>`, `<%>`, `cosine_distance`.
    pub operator: String,
    /// The operand that has the columns, as [`Subject::expression`]: `embedding`, or a cast of it.
    pub expression: String,
    /// The columns in that operand.
    pub columns: Vec<ColumnName>,
    /// What the distance is taken from.
    pub with: Compared,
    /// How the distance is ordered by.
    pub form: DistanceForm,
}

/// How a distance is ordered by. An index serves [`Self::Operator`] in ascending order, and nothing else.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DistanceForm {
    /// By the operator alone.
    Operator,
    /// By a function's call instead of an operator: `cosine_distance(e, $1)`.
    Function,
    /// By arithmetic, a function or a cast around the operator: `1 - (e <=> $1)`.
    Within,
}

/// How many rows, of `LIMIT` or `OFFSET`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// A constant up to [`Limit::KEPT_MAX`].
    Constant(u32),
    /// A greater constant.
    Large,
    /// A parameter. In texts of `pg_stat_statements` every constant is one.
    Parameter,
    /// Something else.
    Expression,
}

impl Limit {
    /// Greater constants are not distinguished.
    pub const KEPT_MAX: u32 = 1000;
}

impl ColumnName {
    /// A column of this table.
    pub fn of(table: &QualifiedName, column: &str) -> Self {
        Self { schema: table.schema.clone(), table: table.name.clone(), column: column.to_owned() }
    }
}
