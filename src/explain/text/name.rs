//! What a node's line says of the node: its kind, by the name that the JSON format gives it, and on what it works.

use smol_str::{SmolStr, SmolStrBuilder};

use super::super::plan::Node;

/// Reads `Parallel Index Scan Backward using idx on schema.table alias`.
pub(super) fn read(node: &mut Node, what: &str) {
    let what = flag(what, "Parallel ", &mut node.parallel_aware);
    let what = flag(what, "Async ", &mut node.async_capable);
    let (what, partial) = partial(what);
    let (kind, rest) = kind_and_rest(what);
    if !known(node, kind) {
        join(node, kind);
    }
    if node.node_type == "Aggregate" {
        node.partial_mode = Some(partial.unwrap_or("Simple").into());
    }
    on(node, rest);
}

fn flag<'w>(what: &'w str, prefix: &str, flag: &mut bool) -> &'w str {
    match what.strip_prefix(prefix) {
        Some(rest) => {
            *flag = true;
            rest
        }
        None => what,
    }
}

fn partial(what: &str) -> (&str, Option<&'static str>) {
    for mode in ["Partial", "Finalize"] {
        if let Some(rest) = what.strip_prefix(mode).and_then(|rest| rest.strip_prefix(' ')) {
            return (rest, Some(mode));
        }
    }
    (what, None)
}

/// The kind, and what follows ` using ` or ` on `.
fn kind_and_rest(what: &str) -> (&str, &str) {
    // A kind is words that start with a capital letter; `using` and `on` do not.
    let is_end = |at: &usize| [" using ", " on "].iter().any(|word| what[*at..].starts_with(word));
    let end = memchr::memchr_iter(b' ', what.as_bytes()).find(is_end).unwrap_or(what.len());
    (&what[..end], &what[end..])
}

fn known(node: &mut Node, kind: &str) -> bool {
    let (node_type, strategy) = match kind {
        "Aggregate" => ("Aggregate", Some("Plain")),
        "GroupAggregate" => ("Aggregate", Some("Sorted")),
        "HashAggregate" => ("Aggregate", Some("Hashed")),
        "MixedAggregate" => ("Aggregate", Some("Mixed")),
        "Insert" | "Update" | "Delete" | "Merge" => {
            node.operation = Some(kind.into());
            ("ModifyTable", None)
        }
        "Foreign Scan" => {
            node.operation = Some("Select".into());
            ("Foreign Scan", None)
        }
        "Foreign Insert" | "Foreign Update" | "Foreign Delete" => {
            node.operation = Some(kind["Foreign ".len()..].into());
            ("Foreign Scan", None)
        }
        "Index Scan" | "Index Only Scan" => {
            node.scan_direction = Some("Forward".into());
            (kind, None)
        }
        "Index Scan Backward" | "Index Only Scan Backward" => {
            node.scan_direction = Some("Backward".into());
            (&kind[..kind.len() - " Backward".len()], None)
        }
        "Hash Join" | "Merge Join" | "Nested Loop" => {
            node.join_type = Some("Inner".into());
            (kind, None)
        }
        _ => return set_operation(node, kind) || custom(node, kind),
    };
    node.node_type = node_type.into();
    node.strategy = strategy.map(SmolStr::new);
    true
}

/// `HashSetOp Except All`.
fn set_operation(node: &mut Node, kind: &str) -> bool {
    let found = [("HashSetOp ", "Hashed"), ("SetOp ", "Sorted")]
        .iter()
        .find_map(|(prefix, strategy)| Some((kind.strip_prefix(prefix)?, strategy)));
    let Some((command, strategy)) = found else { return false };
    node.node_type = "SetOp".into();
    node.strategy = Some((*strategy).into());
    node.command = Some(command.into());
    true
}

/// `Custom Scan (ChunkAppend)`.
fn custom(node: &mut Node, kind: &str) -> bool {
    let Some(provider) = kind.strip_prefix("Custom Scan (") else { return false };
    node.node_type = "Custom Scan".into();
    node.provider = Some(provider.strip_suffix(')').unwrap_or(provider).into());
    true
}

/// `Hash Right Anti Join`, `Nested Loop Left Join`; any other kind is its own name.
fn join(node: &mut Node, kind: &str) {
    let typed = [("Nested Loop ", "Nested Loop"), ("Hash ", "Hash Join"), ("Merge ", "Merge Join")]
        .into_iter()
        .find_map(|(prefix, name)| Some((name, kind.strip_prefix(prefix)?.strip_suffix(" Join")?)));
    let name = match typed {
        Some((name, join_type)) => {
            node.join_type = Some(join_type.into());
            name
        }
        None => kind,
    };
    node.node_type = name.into();
}

/// ` using INDEX on SCHEMA.TABLE ALIAS`.
fn on(node: &mut Node, rest: &str) {
    let mut rest = rest;
    if let Some(index) = rest.strip_prefix(" using ") {
        let (index, after) = identifier(index);
        node.index = Some(index);
        rest = after;
    }
    let Some(names) = rest.strip_prefix(" on ") else { return };
    let (first, rest) = identifier(names);
    if node.node_type == "Bitmap Index Scan" {
        node.index = Some(first);
        return;
    }
    let (schema, object, rest) = match rest.strip_prefix('.') {
        Some(object) => {
            let (object, rest) = identifier(object);
            (Some(first), object, rest)
        }
        None => (None, first, rest),
    };
    let alias = rest.strip_prefix(' ').filter(|alias| !alias.is_empty());
    let alias = alias.map_or_else(|| object.clone(), |alias| identifier(alias).0);
    node.schema = schema;
    node.alias = Some(alias);
    match node.node_type.as_str() {
        "Subquery Scan" | "Values Scan" => (),
        "CTE Scan" | "WorkTable Scan" => node.cte = Some(object),
        "Function Scan" | "Table Function Scan" => node.function = Some(object),
        "Named Tuplestore Scan" => node.tuplestore = Some(object),
        _ => node.relation = Some(object),
    }
}

/// An identifier without its quotes, and what follows it.
pub(super) fn identifier(text: &str) -> (SmolStr, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '.']).unwrap_or(text.len());
        return (text[..end].into(), &text[end..]);
    };
    let mut name = SmolStrBuilder::new();
    let mut rest = quoted;
    while let Some((part, after)) = rest.split_once('"') {
        name.push_str(part);
        match after.strip_prefix('"') {
            // A quote in the name is doubled.
            Some(after) => {
                name.push('"');
                rest = after;
            }
            None => return (name.finish(), after),
        }
    }
    name.push_str(rest);
    (name.finish(), "")
}
