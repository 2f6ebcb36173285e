//! References inside a schema, and what would make judging by it endless.

use serde_json::Value;

use super::rules::{At, SchemaNode};

/// How many subschemas of one value may stand behind each other. Pydantic's need four or five.
const CHAIN_MAX: usize = 32;

/// The JSON pointer that a `$ref` leads to.
///
/// # Errors
/// What to write instead.
pub(super) fn pointer(reference: &str) -> Result<String, &'static str> {
    let problem = "`$ref` must lead into this schema, such as `#/$defs/Name`: nothing is fetched from elsewhere";
    let fragment = reference.strip_prefix('#').ok_or(problem)?;
    if !fragment.is_empty() && !fragment.starts_with('/') {
        return Err(problem);
    }
    let decoded = percent_encoding::percent_decode_str(fragment).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| problem)
}

/// Whether subschemas of one value lead back to themselves, or stand behind each other in too long a row; the one where
/// that begins.
pub(super) fn endless(nodes: &[SchemaNode]) -> Option<At> {
    // The longest row from each: none while it is being looked at.
    let mut rows: Vec<Option<usize>> = vec![None; nodes.len()];
    let mut begun = vec![false; nodes.len()];
    for start in 0..nodes.len() {
        let mut path = vec![start];
        while let Some(at) = path.last().copied() {
            let below: Vec<At> = match &nodes[at] {
                SchemaNode::Rules(rules) => rules.in_place().collect(),
                _ => Vec::new(),
            };
            begun[at] = true;
            let open = below.iter().copied().find(|below| rows[*below].is_none());
            match open {
                Some(next) if begun[next] => return Some(next),
                Some(next) => path.push(next),
                None => {
                    let longest = below.iter().filter_map(|below| rows[*below]).max();
                    let row = longest.map_or(0, |longest| longest + 1);
                    if row > CHAIN_MAX {
                        return Some(at);
                    }
                    rows[at] = Some(row);
                    path.pop();
                }
            }
        }
    }
    None
}

/// A step of a JSON pointer.
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The first place of a text where JSON nests deeper than that; strings hold no brackets that count.
pub(super) fn nests_deeper(text: &str, depth_max: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > depth_max {
            return true;
        }
    }
    false
}

/// What stands at a pointer, if it can be a schema.
pub(super) fn schema_at<'a>(root: &'a Value, pointer: &str) -> Option<&'a Value> {
    root.pointer(pointer).filter(|value| value.is_object() || value.is_boolean())
}
