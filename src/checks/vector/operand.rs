//! What of a column is searched or indexed: the column itself, a cast of it, or its signs as bits.

use crate::model::observation::VectorKind;
use crate::model::quote_identifier;

/// The operand of a distance, or the key of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum VectorOperand {
    /// The column itself.
    Column,
    /// `c::halfvec(n)`, `c::vector(n)`.
    Cast(VectorKind, Option<i64>),
    /// `binary_quantize(c)::bit(n)`.
    Bits(Option<i64>),
    /// Something else that has the column in it.
    Other,
}

impl VectorOperand {
    /// That of an expression over the column, as statements or the catalog spell it; absent where it is of another column.
    pub(super) fn of(expression: &str, column: &str) -> Option<Self> {
        let text = bare(expression);
        if is_column(text, column) {
            return Some(Self::Column);
        }
        if let Some((inner, cast)) = text.rsplit_once("::")
            && let Some((kind, dimensions)) = cast_to(cast)
        {
            let inner = bare(inner);
            if is_column(inner, column) {
                return Some(Self::Cast(kind, dimensions));
            }
            let argument = inner.strip_suffix(')').and_then(|call| call.split_once('('));
            if let Some((function, argument)) = argument
                && unqualified(function) == "binary_quantize"
                && is_column(bare(argument), column)
            {
                return Some(Self::Bits(dimensions));
            }
        }
        mentions(text, column).then_some(Self::Other)
    }

    /// As SQL with the extension's schema, which a session may not have in its search path.
    pub(super) fn to_sql(&self, column: &str, schema: &str) -> Option<String> {
        let (column, schema) = (quote_identifier(column), quote_identifier(schema));
        match self {
            Self::Column => Some(column.into_owned()),
            Self::Cast(VectorKind::Bit, Some(n)) => Some(format!("{column}::bit({n})")),
            Self::Cast(kind, Some(n)) => Some(format!("{column}::{schema}.{}({n})", kind.as_str())),
            Self::Bits(Some(n)) => Some(format!("{schema}.binary_quantize({column})::bit({n})")),
            Self::Cast(_, None) | Self::Bits(None) | Self::Other => None,
        }
    }
}

/// Without brackets around all of it.
fn bare(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(inner) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        // `(a) + (b)` begins and ends with brackets that are no pair.
        let mut depth = 0_i32;
        let closed_early = inner.chars().any(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth < 0
        });
        if closed_early {
            break;
        }
        text = inner.trim();
    }
    text
}

fn is_column(text: &str, column: &str) -> bool {
    text == column || text == quote_identifier(column)
}

fn mentions(text: &str, column: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(column).any(|(start, found)| {
        let before = text[..start].chars().next_back();
        let after = text[start + found.len()..].chars().next();
        !before.is_some_and(word) && !after.is_some_and(word)
    })
}

fn unqualified(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name).trim_matches('"')
}

fn cast_to(cast: &str) -> Option<(VectorKind, Option<i64>)> {
    let (name, dimensions) = match cast.split_once('(') {
        Some((name, rest)) => (name, Some(rest.strip_suffix(')')?.trim().parse().ok()?)),
        None => (cast, None),
    };
    let kind = match unqualified(name.trim()) {
        "vector" => VectorKind::Vector,
        "halfvec" => VectorKind::Halfvec,
        "sparsevec" => VectorKind::Sparsevec,
        "bit" => VectorKind::Bit,
        _ => return None,
    };
    Some((kind, dimensions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalog_and_statement_spell_one_operand() {
        let half = Some(VectorOperand::Cast(VectorKind::Halfvec, Some(3)));
        for spelled in [
            "embedding::halfvec(3)",
            "(embedding::ext.halfvec(3))",
            "((embedding)::\"my ext\".halfvec(3))",
        ] {
            assert_eq!(VectorOperand::of(spelled, "embedding"), half, "{spelled}");
        }
        let bits = Some(VectorOperand::Bits(Some(768)));
        assert_eq!(VectorOperand::of("(public.binary_quantize(e)::bit(768))", "e"), bits);
        assert_eq!(VectorOperand::of("(binary_quantize((e))::bit(768))", "e"), bits);
        assert_eq!(VectorOperand::of("\"E\"", "E"), Some(VectorOperand::Column));
        assert_eq!(VectorOperand::of("subvector(e, 1, 3)", "e"), Some(VectorOperand::Other));
        assert_eq!(VectorOperand::of("(e) + (e)", "e"), Some(VectorOperand::Other));
        assert_eq!(VectorOperand::of("embedding", "e"), None, "another column");
    }

    #[test]
    fn a_type_is_named_with_the_schema_of_the_extension() {
        let half = VectorOperand::Cast(VectorKind::Halfvec, Some(3072));
        assert_eq!(half.to_sql("E", "ext").as_deref(), Some("\"E\"::ext.halfvec(3072)"));
        assert_eq!(VectorOperand::Bits(None).to_sql("e", "ext"), None);
    }
}
