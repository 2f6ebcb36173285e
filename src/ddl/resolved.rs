//! Statements around those that the search path could still change.

use super::statement::definition;
use crate::model::{PINNED, Statement};

/// Where an operator is looked up by its name alone, the session's search path is PostgreSQL's own meanwhile. An index that
/// is built concurrently cannot set it by itself, and building one fires no trigger that needs another.
pub(super) fn resolved(statements: Vec<Statement>, by_name: bool) -> Vec<Statement> {
    if !by_name {
        return statements;
    }
    let set = definition(format!("{PINNED};"));
    let reset = definition("RESET search_path;".to_owned());
    std::iter::once(set).chain(statements).chain([reset]).collect()
}
