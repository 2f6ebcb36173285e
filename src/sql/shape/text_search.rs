//! What `to_tsvector` searches, spelled as an index has to spell it: with the constants that are no one's data.

use pg_query::NodeEnum;
use pg_query::protobuf::{AExpr, AExprKind, FuncCall, Node};

use super::Walker;
use super::expression::Expr;
use crate::sql::tree;

/// A longer string is no name of a text search configuration.
const CONFIGURATION_BYTES_MAX: usize = 64;

/// A longer string between two texts may be more than a separator.
const BLANKS_MAX: usize = 4;

impl Walker<'_> {
    /// Spell the configuration of a `to_tsvector`, and the texts that it joins, with their constants.
    pub(super) fn respell_text_search(&mut self, call: &FuncCall, parts: &mut [Expr]) {
        let (Some(name), [_, texts], [configuration, of]) =
            (text_search_configuration(call), call.args.as_slice(), parts)
        else {
            return;
        };
        configuration.text = format!("'{name}'");
        // Names that no table has were counted when the arguments were read.
        let unresolved = self.shape.unresolved;
        if let Some(spelled) = self.joined_texts(texts) {
            of.text = spelled;
        }
        self.shape.unresolved = unresolved;
    }

    /// Columns joined by blanks; absent where there is anything else among them.
    fn joined_texts(&mut self, node: &Node) -> Option<String> {
        match tree::inner(node)? {
            NodeEnum::ColumnRef(column) => {
                let column = self.column_ref(column);
                column.plain.then_some(column.text)
            }
            NodeEnum::AConst(_) => {
                let blank = tree::string(node)?;
                let is_blank = blank.len() <= BLANKS_MAX && blank.bytes().all(|byte| byte == b' ');
                is_blank.then(|| format!("'{blank}'"))
            }
            NodeEnum::CoalesceExpr(all) => {
                let parts: Option<Vec<String>> =
                    all.args.iter().map(|part| self.joined_texts(part)).collect();
                Some(format!("coalesce({})", parts?.join(", ")))
            }
            NodeEnum::AExpr(joined) if is_concatenation(joined) => {
                let (left, right) = (joined.lexpr.as_deref()?, joined.rexpr.as_deref()?);
                let right_text = self.joined_texts(right)?;
                let right_text = match tree::inner(right) {
                    Some(NodeEnum::AExpr(_)) => format!("({right_text})"),
                    _ => right_text,
                };
                Some(format!("{} || {right_text}", self.joined_texts(left)?))
            }
            _ => None,
        }
    }
}

fn is_concatenation(operation: &AExpr) -> bool {
    operation.kind() == AExprKind::AexprOp
        && operation.name.len() == 1
        && tree::last_name(&operation.name) == "||"
}

/// The configuration that `to_tsvector` names: a name of the catalog, and none of the values that are left out.
fn text_search_configuration(call: &FuncCall) -> Option<&str> {
    let is_builtin = match call.funcname.as_slice() {
        [_] => true,
        [schema, _] => tree::name(schema) == Some("pg_catalog"),
        _ => false,
    };
    let [configuration, _] = call.args.as_slice() else { return None };
    if !is_builtin || tree::last_name(&call.funcname) != "to_tsvector" {
        return None;
    }
    let name = tree::string(configuration)?;
    let name = name.strip_prefix("pg_catalog.").unwrap_or(name);
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_name = !name.is_empty() && name.len() < CONFIGURATION_BYTES_MAX;
    (is_name && name.chars().all(is_part)).then_some(name)
}
