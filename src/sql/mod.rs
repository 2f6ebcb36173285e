//! What a statement means for JSON documents, read by PostgreSQL's own parser.
//!
//! A statement reads and writes keys of documents: `data -> 'user' ->> 'id'`, `data @> '{"a": 1}'`, a column of
//! `JSON_TABLE`. Which keys, of which column, where in the statement, is what a promotion, an index or a statistic is
//! judged by. So each expression is followed back to the columns it came from, through aliases, subqueries, common table
//! expressions and views, and is reported once, where it is consumed: a subquery that hands a document on reads nothing.
//!
//! Nothing is guessed. A JSON operator whose document cannot be followed to a column is counted, and a statement that
//! cannot be read is an error that repeats no piece of it.

mod catalog;
mod definition;
mod error;
mod explainable;
mod expression;
mod from;
mod function;
mod json_table;
mod jsonpath;
mod literal;
mod operator;
mod parse;
mod placeholder;
mod query;
mod reader;
mod redact;
mod scope;
mod session;
mod shape;
mod tree;
mod understood;
mod utility;
mod value;
mod write;

#[cfg(test)]
mod tests;

pub use catalog::{Catalog, CatalogRelation, Column};
pub use definition::{
    BoundClause, CheckCondition, ComparisonOperator, ConstantValue, DdlStatement,
    ForeignKeyDefinition, IndexDefinition, LikeClause, LockMode, RangeDatum, TableAction,
    TableDefinition, TableLock, definitions, table_locks,
};
pub use error::NotUnderstood;
pub use explainable::{Explainable, NotExplainable, explainable};
pub use parse::TEXT_BYTES_MAX;
pub use redact::redacted;
pub use shape::{commuted, spelled, spelled_key};
pub use understood::{
    Access, Clause, Comparison, JsonStep, KeyUse, Operand, Understood, UseKind, path_to_string,
};
pub use utility::fingerprint;

/// What each statement of a text means.
///
/// The text is read as it is; only where that fails, placeholders of drivers (`%s`, `%(name)s`, `:name`, `?`) are read as
/// parameters.
pub fn statement(text: &str, catalog: &Catalog) -> Result<Vec<Understood>, NotUnderstood> {
    let parsed = parse::parse(text)?;
    Ok(parsed.iter().map(|statement| utility::understand(statement, catalog)).collect())
}
