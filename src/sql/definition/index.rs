//! Indexes and foreign keys, as CREATE INDEX and constraints make them.

use pg_query::NodeEnum;
use pg_query::protobuf::{ConstrType, Constraint, IndexElem, IndexStmt, Node};

use super::{ForeignKeyDefinition, IndexDefinition};
use crate::sql::tree;

/// What CREATE INDEX makes.
pub(super) fn of_statement(statement: &IndexStmt) -> IndexDefinition {
    IndexDefinition {
        name: Some(statement.idxname.clone()).filter(|name| !name.is_empty()),
        method: statement.access_method.clone(),
        keys: keys(&statement.index_params),
        included: keys(&statement.index_including_params),
        condition: statement.where_clause.as_deref().map(tree_text),
        is_unique: statement.unique,
        is_of_constraint: false,
        is_primary: false,
    }
}

/// What a PRIMARY KEY, UNIQUE or EXCLUDE constraint makes; `column` is the one that it stands at.
pub(super) fn of_constraint(constraint: &Constraint, column: Option<&str>) -> IndexDefinition {
    let own = tree::names(&constraint.keys);
    let keys = if own.is_empty() { column.map(str::to_owned).into_iter().collect() } else { own };
    let is_exclusion = constraint.contype() == ConstrType::ConstrExclusion;
    let method = if is_exclusion { constraint.access_method.as_str() } else { "btree" };
    IndexDefinition {
        name: Some(constraint.conname.clone()).filter(|name| !name.is_empty()),
        method: method.to_owned(),
        keys,
        included: tree::names(&constraint.including),
        condition: constraint.where_clause.as_deref().map(tree_text),
        is_unique: !is_exclusion,
        is_of_constraint: true,
        is_primary: constraint.contype() == ConstrType::ConstrPrimary,
    }
}

/// What a FOREIGN KEY or REFERENCES makes.
pub(super) fn foreign_key(
    constraint: &Constraint,
    column: Option<&str>,
) -> Option<ForeignKeyDefinition> {
    let own = tree::names(&constraint.fk_attrs);
    let columns =
        if own.is_empty() { column.map(str::to_owned).into_iter().collect() } else { own };
    Some(ForeignKeyDefinition {
        name: Some(constraint.conname.clone()).filter(|name| !name.is_empty()),
        columns,
        table: super::read::relation(constraint.pktable.as_ref()?),
        referenced: tree::names(&constraint.pk_attrs),
        actions: format!(
            "{}{}{}",
            constraint.fk_matchtype, constraint.fk_upd_action, constraint.fk_del_action
        ),
        is_valid: !constraint.skip_validation,
    })
}

fn keys(params: &[Node]) -> Vec<String> {
    let elements = params.iter().filter_map(|node| match tree::inner(node) {
        Some(NodeEnum::IndexElem(element)) => Some(key(element)),
        _ => None,
    });
    elements.collect()
}

fn key(element: &IndexElem) -> String {
    let own = element.expr.as_deref().map_or_else(|| element.name.clone(), tree_text);
    let behind = [&element.collation, &element.opclass];
    let named = behind.into_iter().filter(|names| !names.is_empty());
    named.fold(own, |key, names| format!("{key} {}", tree::last_name(names)))
}

/// An expression's tree without where it stood in its text: the same for expressions that are spelled alike.
fn tree_text(node: &Node) -> String {
    let tree = format!("{node:?}");
    let mut parts = tree.split("location: ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.trim_start_matches(|c: char| c == '-' || c.is_ascii_digit())
    })
}
