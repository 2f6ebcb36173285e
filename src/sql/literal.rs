//! Constants that name keys: a key, a path, a list of keys, a document.

use std::collections::BTreeSet;

use pg_query::NodeEnum;
use pg_query::protobuf::Node;
use serde_json::Value as Json;

use super::tree;
use super::understood::{JsonStep, Operand};

/// The step that the right side of `->` makes.
pub(super) fn step(node: &Node) -> JsonStep {
    if tree::integer(node).is_some() || is_cast_to_integer(node) {
        return JsonStep::Index;
    }
    tree::string(node).map_or(JsonStep::Bound, |key| JsonStep::Key(key.to_owned()))
}

/// Whether it is a parameter or an expression that is cast to an integer: a position, whichever.
fn is_cast_to_integer(node: &Node) -> bool {
    let Some(NodeEnum::TypeCast(cast)) = tree::inner(node) else { return false };
    let name = cast.type_name.as_ref().map(tree::type_name).unwrap_or_default();
    ["int2", "int4", "int8"].contains(&name.as_str())
}

/// The steps of `'{a,0,b}'` or `ARRAY['a', '0']`, as `#>` and `jsonb_set` take them.
pub(super) fn path(node: &Node) -> Vec<JsonStep> {
    match tree::uncast(node) {
        Some(NodeEnum::AArrayExpr(array)) => array.elements.iter().map(path_element).collect(),
        Some(NodeEnum::AConst(_)) => match tree::string(node).and_then(array_items) {
            Some(keys) => keys.into_iter().map(path_step).collect(),
            None => vec![JsonStep::Any],
        },
        _ => vec![JsonStep::Bound],
    }
}

/// The texts of `'{a,0,b}'` or `ARRAY['a', '0']`; none where one of them is no constant.
pub(super) fn path_texts(node: &Node) -> Option<Vec<String>> {
    match tree::uncast(node)? {
        NodeEnum::AArrayExpr(array) => {
            array.elements.iter().map(|one| tree::string(one).map(str::to_owned)).collect()
        }
        NodeEnum::AConst(_) => tree::string(node).and_then(array_items),
        _ => None,
    }
}

/// The step that one text of a path makes.
pub(super) fn path_text_step(text: &str) -> JsonStep {
    path_step(text.to_owned())
}

/// The step that one argument of `jsonb_extract_path` makes.
pub(super) fn path_element(node: &Node) -> JsonStep {
    match step(node) {
        JsonStep::Key(key) => path_step(key),
        step => step,
    }
}

/// A step of a path of text: a number counts as a position.
fn path_step(key: String) -> JsonStep {
    let digits = key.strip_prefix('-').unwrap_or(&key);
    let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if number { JsonStep::Index } else { JsonStep::Key(key) }
}

/// The steps of a list of keys, one each: the right side of `?|`, or of `-` with an array.
pub(super) fn keys(node: &Node) -> Vec<JsonStep> {
    match tree::uncast(node) {
        Some(NodeEnum::AArrayExpr(array)) => array.elements.iter().map(step).collect(),
        Some(NodeEnum::AConst(_)) => match tree::string(node).and_then(array_items) {
            Some(keys) => keys.into_iter().map(JsonStep::Key).collect(),
            None => vec![JsonStep::Any],
        },
        _ => vec![JsonStep::Bound],
    }
}

/// The elements of an array literal of one dimension.
fn array_items(text: &str) -> Option<Vec<String>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    if inner.trim().is_empty() {
        return Some(Vec::new());
    }
    let (mut items, mut item, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '\\' => item.push(chars.next()?),
            ',' if !quoted => items.push(std::mem::take(&mut item)),
            '{' | '}' if !quoted => return None,
            c if c.is_whitespace() && !quoted && item.is_empty() => {}
            c => item.push(c),
        }
    }
    items.push(item);
    (!quoted).then_some(items)
}

/// The paths that a document names which another must contain; none where it is no constant and no constructor.
pub(super) fn leaves(node: &Node) -> Option<BTreeSet<Vec<JsonStep>>> {
    let mut all = BTreeSet::new();
    match tree::uncast(node)? {
        NodeEnum::AConst(_) => {
            let document: Json = serde_json::from_str(tree::string(node)?).ok()?;
            collect(&document, &mut Vec::new(), &mut all);
        }
        NodeEnum::FuncCall(call) => match tree::last_name(&call.funcname) {
            "jsonb_build_object" => {
                for pair in call.args.chunks(2) {
                    let within = pair.get(1).and_then(leaves).unwrap_or_else(itself);
                    prefix(&[step(pair.first()?)], within, &mut all);
                }
            }
            "jsonb_build_array" => {
                for element in &call.args {
                    let within = leaves(element).unwrap_or_else(itself);
                    prefix(&[JsonStep::Elements], within, &mut all);
                }
            }
            _ => return None,
        },
        _ => return None,
    }
    Some(all)
}

/// What a value names of which nothing within is known.
fn itself() -> BTreeSet<Vec<JsonStep>> {
    BTreeSet::from([Vec::new()])
}

fn prefix(first: &[JsonStep], within: BTreeSet<Vec<JsonStep>>, all: &mut BTreeSet<Vec<JsonStep>>) {
    all.extend(within.into_iter().map(|rest| [first, &rest].concat()));
}

fn collect(document: &Json, path: &mut Vec<JsonStep>, all: &mut BTreeSet<Vec<JsonStep>>) {
    let mut within = |step, value| {
        path.push(step);
        collect(value, path, all);
        path.pop();
    };
    match document {
        Json::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                within(JsonStep::Key(key.clone()), value);
            }
        }
        Json::Array(elements) if !elements.is_empty() => {
            for value in elements {
                within(JsonStep::Elements, value);
            }
        }
        _ => drop(all.insert(path.clone())),
    }
}

/// What stands on the other side of a comparison.
pub(super) fn operand(node: &Node) -> Operand {
    let among = |nodes: &[Node]| nodes.iter().map(operand).max().unwrap_or(Operand::Constant);
    match tree::uncast(node) {
        Some(NodeEnum::AConst(_)) => Operand::Constant,
        Some(NodeEnum::ParamRef(_)) => Operand::Parameter,
        Some(NodeEnum::List(list)) => among(&list.items),
        Some(NodeEnum::AArrayExpr(array)) => among(&array.elements),
        Some(NodeEnum::FuncCall(call))
            if tree::last_name(&call.funcname).starts_with("jsonb_build_") =>
        {
            among(&call.args)
        }
        Some(NodeEnum::AExpr(_)) if tree::integer(node).is_some() => Operand::Constant,
        _ => Operand::Expression,
    }
}
