//! Storage parameters of tables and indexes.

use super::maintenance;
use crate::ddl::statement::{brief, option};
use crate::ddl::{Ddl, options};
use crate::model::{OptionsChange, OptionsOf, Statement};

/// Parameters of indexes and tables that lock out readers while they are set, by `reloptions.c`.
const ACCESS_EXCLUSIVE: &[&str] = &[
    "fastupdate",
    "gin_pending_list_limit",
    "buffering",
    "pages_per_range",
    "autosummarize",
    "lists",
    "m",
    "ef_construction",
    "user_catalog_table",
];

/// Set or take away storage parameters.
pub(in crate::ddl) fn set_options(change: &OptionsChange) -> Ddl {
    let names = change.set.iter().map(|(name, _)| name).chain(&change.reset);
    let exclusive = names.clone().any(|name| ACCESS_EXCLUSIVE.contains(&name.as_str()));
    let statement: fn(String) -> Statement = if exclusive { brief } else { option };
    let (mut statements, undo) = options::change(change, statement);
    statements.extend(change.then.as_ref().map(maintenance::statement));
    let mut caveats = change.caveats.clone();
    caveats.extend(change.then.iter().flat_map(|then| then.caveats.clone()));
    if change.of == OptionsOf::Tables && change.members.len() > 1 {
        caveats.push("new partitions do not inherit storage parameters".to_owned());
    }
    Ddl { title: change.title.clone(), statements, undo, preconditions: Vec::new(), caveats }
}
