//! Whether a statement would run code that it may not run: the query for that, and what is set aside while it runs.

use std::collections::BTreeSet;

use tokio_postgres::types::Type;

use crate::pg::QueryParameters;
use crate::sql::Explainable;

/// A row for each function that the statement may not run; [`parameters`] are its parameters.
pub(super) const STATEMENT_CODE: &str = include_str!("plan/sql/statement_code.sql");

/// The look-ups for code are not to use what others put into the search path: it is set aside for them, the schemas that it
/// leads to with it. Compiling them would take seconds, and running them takes milliseconds.
pub(super) const PATH_ASIDE: &str = "select /* dbopt */
    pg_catalog.set_config('dbopt.schemas', pg_catalog.current_schemas(true)::pg_catalog.text, true),
    pg_catalog.set_config('dbopt.search_path', pg_catalog.current_setting('search_path'), true),
    pg_catalog.set_config('search_path', '', true),
    pg_catalog.set_config('dbopt.jit', pg_catalog.current_setting('jit'), true),
    pg_catalog.set_config('jit', 'off', true)";

/// The statement itself is planned under it again.
pub(super) const PATH_BACK: &str = "select /* dbopt */
    pg_catalog.set_config('search_path', pg_catalog.current_setting('dbopt.search_path'), true),
    pg_catalog.set_config('jit', pg_catalog.current_setting('dbopt.jit'), true)";

/// What is done with a statement, and what it may run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Permission<'a> {
    /// Whether it is executed, not only planned.
    pub(super) executes: bool,
    /// Whether the target's own code may be run.
    pub(super) trusted: bool,
    /// Functions that may be executed although they are volatile, each by its schema and name.
    pub(super) functions: Option<&'a BTreeSet<String>>,
}

/// The parameters of [`STATEMENT_CODE`] for a statement.
pub(super) fn parameters(statement: &Explainable, permission: Permission<'_>) -> QueryParameters {
    let Explainable { names, called, operators, reads_only, .. } = statement;
    let functions = permission.functions.into_iter().flatten().cloned().collect::<Vec<String>>();
    let flag = |set: bool| -> QueryParameters { vec![(Box::new(set), Type::BOOL)] };
    let list = |list: Vec<String>| -> QueryParameters { vec![(Box::new(list), Type::TEXT_ARRAY)] };
    let lists = [names, called, operators].map(|names| list(names.iter().cloned().collect()));
    let flags = [permission.executes, permission.trusted, !reads_only].map(flag);
    lists.into_iter().chain(flags).flatten().chain(list(functions)).collect()
}
