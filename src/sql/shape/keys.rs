//! Keys of documents: operators, subscripts and functions that step into one. Keys stay in what is spelled, and each way to
//! reach a value is spelled its own way, for to PostgreSQL they are different expressions.

use pg_query::NodeEnum;
use pg_query::protobuf::{AIndirection, FuncCall, Node};

use super::Walker;
use super::expression::{Expr, cut};
use super::spelling::binary;
use crate::model::{Hop, quote_identifier};
use crate::sql::understood::JsonStep;
use crate::sql::{literal, tree};

/// A longer key is spelled as a value.
const KEY_BYTES_MAX: usize = 128;

impl Walker<'_> {
    /// A key or a path of a document: `data ->> 'k'`.
    pub(super) fn key(&mut self, left: Expr, operator: &str, key: &Node) -> Expr {
        let steps = match operator {
            "->" | "->>" => vec![literal::step(key)],
            _ => literal::path(key),
        };
        let right = self.expr(key);
        let text = match (tree::integer(key), key_text(operator, key)) {
            (Some(position), _) => position.to_string(),
            (None, Some(text)) => text,
            (None, None) => right.within(),
        };
        let count = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        let hop = match operator {
            "->" => Hop::Arrow,
            "->>" => Hop::Text,
            "#>" => Hop::Path(count),
            _ => Hop::PathText(count),
        };
        let mut whole = binary(operator, &left, &right);
        whole.text = cut(format!("{} {operator} {text}", left.within()));
        whole.is_text = hop.is_text();
        whole.step(left, hop, steps);
        whole
    }

    pub(super) fn indirection(&mut self, within: &AIndirection) -> Expr {
        let argument = self.optional(within.arg.as_deref());
        // Subscripts of what has subscripts in brackets are others than those that follow one another.
        let nested = within.arg.as_deref().and_then(tree::inner);
        let nested = matches!(nested, Some(NodeEnum::AIndirection(_)));
        let mut text = if nested { format!("({})", argument.text) } else { argument.within() };
        let (mut steps, mut fields, mut parts) = (Vec::new(), false, vec![argument]);
        for item in &within.indirection {
            match tree::inner(item) {
                Some(NodeEnum::AIndices(indices)) => {
                    let index = indices.uidx.as_deref();
                    let value = self.optional(index);
                    // Arrays have positions, so a text is the key of a document.
                    let key = index.and_then(tree::string);
                    let key = key.filter(|key| key.len() <= KEY_BYTES_MAX);
                    let shown = key.map(|key| format!("'{}'", key.replace('\'', "''")));
                    let position = index.and_then(tree::integer).map(|at| at.to_string());
                    let shown = shown.or(position).unwrap_or_else(|| value.text.clone());
                    text = format!("{text}[{shown}]");
                    steps.extend(index.map(literal::step));
                    parts.push(value);
                }
                Some(NodeEnum::String(field)) => {
                    text = format!("({text}).{}", quote_identifier(&field.sval));
                    fields = true;
                }
                _ => {}
            }
        }
        let mut whole = Expr::of(text, &parts).atom();
        if !fields && let Some(argument) = parts.into_iter().next() {
            let count = u32::try_from(steps.len()).unwrap_or(u32::MAX);
            whole.step(argument, Hop::Subscript(count), steps);
            // Two subscriptings are two nodes, which this does not keep.
            whole.reached = whole.reached.filter(|_| !nested);
        }
        whole
    }

    /// `jsonb_extract_path(data, 'a', 'b')`: its arguments are keys, and stay.
    pub(super) fn extracted(&mut self, call: &FuncCall) -> Option<Expr> {
        let name = tree::last_name(&call.funcname);
        let bare = name.strip_prefix("jsonb_").or_else(|| name.strip_prefix("json_"))?;
        let hop: fn(u32) -> Hop = match bare {
            "extract_path" => Hop::Function,
            "extract_path_text" => Hop::FunctionText,
            _ => return None,
        };
        let arguments: Vec<&Node> = call.args.iter().map(tree::argument).collect();
        let (document, keys) = arguments.split_first()?;
        let listed = match keys {
            [array] if call.func_variadic => literal::path_texts(array)?,
            keys => keys
                .iter()
                .map(|key| tree::string(key).map(str::to_owned))
                .collect::<Option<_>>()?,
        };
        let steps: Vec<JsonStep> = listed.iter().map(|key| literal::path_text_step(key)).collect();
        let document = self.expr(document);
        let keys: Vec<String> =
            listed.iter().map(|key| format!("'{}'", key.replace('\'', "''"))).collect();
        let text = format!("{name}({}, {})", document.text, keys.join(", "));
        let mut whole = Expr::of(text, [&document]).atom();
        let hop = hop(u32::try_from(steps.len()).unwrap_or(u32::MAX));
        whole.is_text = hop.is_text();
        whole.step(document, hop, steps);
        Some(whole)
    }
}

/// A key, or a path as PostgreSQL prints an array, whichever way it is written; none where it is no constant.
fn key_text(operator: &str, key: &Node) -> Option<String> {
    let text = match operator {
        "->" | "->>" => tree::string(key)?.to_owned(),
        _ => {
            let items = literal::path_texts(key)?;
            let plain = |item: &str| {
                let odd = |c: char| c.is_whitespace() || matches!(c, ',' | '{' | '}' | '"' | '\\');
                !item.is_empty() && !item.contains(odd)
            };
            let quote = |item: &String| {
                if plain(item) { item.clone() } else { format!("{item:?}") }
            };
            format!("{{{}}}", items.iter().map(quote).collect::<Vec<_>>().join(","))
        }
    };
    (text.len() <= KEY_BYTES_MAX).then(|| format!("'{}'", text.replace('\'', "''")))
}
