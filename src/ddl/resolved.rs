//! Statements that the search path could still change, under one that has PostgreSQL's own objects alone.

use super::batch::dollar_quoted;
use crate::model::{Lock, Statement};

/// Why an index is not built concurrently.
pub(super) const NOT_CONCURRENTLY: &str = "the index is built without CONCURRENTLY, and writes wait until it is there: of NULLIF, IS DISTINCT FROM and CASE with an \
     operand PostgreSQL looks up the operator in the search path, which a concurrent build cannot set";

/// Where an operator is looked up by its name alone, an index is built under an empty search path. A concurrent build runs in
/// no block that could set it, and a session that sets it before may be another one behind a pooler.
pub(super) fn resolved(statements: Vec<Statement>, by_name: bool) -> Vec<Statement> {
    if !by_name {
        return statements;
    }
    let one = |statement: Statement| {
        if !statement.sql.starts_with("CREATE ") {
            return statement;
        }
        let create = statement.sql.replacen(" INDEX CONCURRENTLY ", " INDEX ", 1);
        Statement {
            sql: under_empty_search_path(&create),
            lock: Lock::Share,
            blocks: format!("{} until the index is built", Lock::Share.blocks()),
            transactional: true,
            ..statement
        }
    };
    statements.into_iter().map(one).collect()
}

/// What the server printed under an empty search path, which leaves out the schema of what is in `pg_catalog`, is read again
/// under the same path.
pub(super) fn under_empty_search_path(statement: &str) -> String {
    let body = format!(
        "
DECLARE
    dbopt_path pg_catalog.text := pg_catalog.current_setting('search_path');
BEGIN
    PERFORM pg_catalog.set_config('search_path', '', true);
    {statement}
    PERFORM pg_catalog.set_config('search_path', dbopt_path, true);
END
"
    );
    format!("DO {};", dollar_quoted(&body))
}
