//! A schema made ready: each subschema once, those below it by their numbers.

use std::collections::HashMap;

use serde_json::{Number, Value};

use super::format::StringFormat;
use super::pattern::BoundedPattern;

/// The number of a subschema.
pub(super) type At = usize;

/// A subschema.
#[derive(Debug, Clone)]
pub(super) enum SchemaNode {
    /// `true`: everything is right.
    Any,
    /// `false`: nothing is.
    Never,
    /// What must hold.
    Rules(Box<Rules>),
}

/// What must hold of a value. What is about another type than the value's says nothing of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    /// Bits of [`type_bit`]; none where any type will do.
    pub(super) types: Option<u8>,
    /// `enum`, or `const` as one.
    pub(super) allowed: Vec<Vec<Value>>,
    pub(super) number: NumberRules,
    pub(super) length: Bounds,
    pub(super) pattern: Option<BoundedPattern>,
    pub(super) format: Option<StringFormat>,
    pub(super) object: ObjectRules,
    pub(super) array: ArrayRules,
    /// `allOf` and `$ref`.
    pub(super) all: Vec<At>,
    /// `anyOf`, and whether it is `oneOf`.
    pub(super) choices: Vec<(Vec<At>, bool)>,
    pub(super) not: Option<At>,
    pub(super) condition: Option<Conditional>,
}

/// `if`, `then`, `else`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conditional {
    pub(super) when: At,
    pub(super) then: Option<At>,
    pub(super) otherwise: Option<At>,
}

/// How many there may be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
}

impl Bounds {
    pub(super) fn admit(self, count: u64) -> bool {
        self.min.is_none_or(|min| count >= min) && self.max.is_none_or(|max| count <= max)
    }
}

/// Of numbers. Bounds are kept as they are written: as a double, 2^63 - 1 is 2^63.
#[derive(Debug, Clone, Default)]
pub(super) struct NumberRules {
    pub(super) minimum: Option<Number>,
    pub(super) maximum: Option<Number>,
    pub(super) above: Option<Number>,
    pub(super) below: Option<Number>,
    pub(super) multiple_of: Option<f64>,
}

/// Of objects.
#[derive(Debug, Clone, Default)]
pub(super) struct ObjectRules {
    pub(super) properties: HashMap<String, At>,
    pub(super) patterns: Vec<(BoundedPattern, At)>,
    pub(super) additional: Option<At>,
    pub(super) names: Option<At>,
    pub(super) required: Vec<String>,
    /// Keys that others demand.
    pub(super) dependent: Vec<(String, Vec<String>)>,
    /// What the whole object must be where it has a key.
    pub(super) dependent_schemas: Vec<(String, At)>,
    pub(super) count: Bounds,
}

/// Of arrays.
#[derive(Debug, Clone, Default)]
pub(super) struct ArrayRules {
    pub(super) prefix: Vec<At>,
    pub(super) items: Option<At>,
    pub(super) contains: Option<(At, Bounds)>,
    pub(super) unique: bool,
    pub(super) count: Bounds,
}

/// Names of JSON's types, in the order of their bits.
pub(super) const TYPES: [&str; 7] =
    ["null", "boolean", "string", "number", "integer", "array", "object"];

/// The bit of a type, by its name.
pub(super) fn type_bit(name: &str) -> Option<u8> {
    TYPES.iter().position(|known| *known == name).map(|position| 1 << position)
}

impl Rules {
    /// Subschemas of the very same value.
    pub(super) fn in_place(&self) -> impl Iterator<Item = At> {
        let condition = self.condition.iter();
        let conditions =
            condition.flat_map(|c| [Some(c.when), c.then, c.otherwise].into_iter().flatten());
        let choices = self.choices.iter().flat_map(|(choices, _)| choices).copied();
        let dependent = self.object.dependent_schemas.iter().map(|(_, at)| *at);
        self.all.iter().copied().chain(choices).chain(self.not).chain(conditions).chain(dependent)
    }
}
