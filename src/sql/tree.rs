//! Short ways to what is asked of the parser's tree again and again.

use pg_query::NodeEnum;
use pg_query::protobuf::{Node, TypeName, a_const};

/// The node itself.
pub(super) fn inner(node: &Node) -> Option<&NodeEnum> {
    node.node.as_ref()
}

/// A name in a list of names.
pub(super) fn name(node: &Node) -> Option<&str> {
    match inner(node)? {
        NodeEnum::String(name) => Some(&name.sval),
        _ => None,
    }
}

/// The names of a list.
pub(super) fn names(list: &[Node]) -> Vec<String> {
    list.iter().filter_map(name).map(str::to_owned).collect()
}

/// The last name of a list: that of an operator or function without its schema.
pub(super) fn last_name(list: &[Node]) -> &str {
    list.last().and_then(name).unwrap_or_default()
}

/// A type as the parser names it, without its schema: `int4`, `text[]`.
pub(super) fn type_name(name: &TypeName) -> String {
    let array = if name.array_bounds.is_empty() { "" } else { "[]" };
    format!("{}{array}", last_name(&name.names))
}

/// What stands beneath casts and collations: `data ->> 'a' collate "C"` has one at its key.
pub(super) fn uncast(node: &Node) -> Option<&NodeEnum> {
    let mut node = inner(node)?;
    loop {
        node = match node {
            NodeEnum::TypeCast(cast) => cast.arg.as_deref().and_then(inner)?,
            NodeEnum::CollateClause(collate) => collate.arg.as_deref().and_then(inner)?,
            node => return Some(node),
        }
    }
}

/// A string constant, cast or not.
pub(super) fn string(node: &Node) -> Option<&str> {
    match uncast(node)? {
        NodeEnum::AConst(constant) => match constant.val.as_ref()? {
            a_const::Val::Sval(text) => Some(&text.sval),
            _ => None,
        },
        _ => None,
    }
}

/// An integer constant; its sign may be an operator of its own.
pub(super) fn integer(node: &Node) -> Option<i32> {
    match uncast(node)? {
        NodeEnum::AConst(constant) => match constant.val.as_ref()? {
            a_const::Val::Ival(number) => Some(number.ival),
            _ => None,
        },
        NodeEnum::AExpr(minus) if minus.lexpr.is_none() && last_name(&minus.name) == "-" => {
            integer(minus.rexpr.as_deref()?)?.checked_neg()
        }
        _ => None,
    }
}

/// The items of a list, or the node alone.
pub(super) fn items(node: &Node) -> &[Node] {
    match inner(node) {
        Some(NodeEnum::List(list)) => &list.items,
        _ => std::slice::from_ref(node),
    }
}

/// An argument of a function, without its name.
pub(super) fn argument(node: &Node) -> &Node {
    match inner(node) {
        Some(NodeEnum::NamedArgExpr(named)) => named.arg.as_deref().unwrap_or(node),
        _ => node,
    }
}
