//! What a finding rests on.

use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

/// How a number was come by, the strongest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Measured on the target's own data.
    Measured,
    /// Answered by the planner about something hypothetical.
    WhatIf,
    /// Read from catalogs or cumulative statistics.
    Statistics,
    /// Concluded by a rule of thumb.
    Heuristic,
}

/// The unit of a number.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Ms,
    /// Rows.
    Rows,
    /// A share, usually 0 to 1.
    Ratio,
    /// Things counted: chunks, values, tuples.
    Count,
    /// Seconds.
    S,
    /// A name; the value is text.
    Name,
}

/// A value of evidence: a whole number, a fraction, or a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Number {
    /// A whole number.
    Whole(i64),
    /// A fraction.
    Fraction(f64),
    /// A name, such as a compression method.
    Name(String),
}

impl Number {
    /// The number, unless it is a name.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "counts and sizes far below 2^53")]
            Self::Whole(value) => Some(*value as f64),
            Self::Fraction(value) => Some(*value),
            Self::Name(_) => None,
        }
    }

    /// The number with its first digit only; a name as it is.
    #[must_use]
    pub fn rough(&self) -> Self {
        match self.as_f64() {
            None => self.clone(),
            Some(0.0) => Self::Fraction(0.0),
            Some(value) => {
                let unit = 10_f64.powf(value.abs().log10().floor());
                Self::Fraction((value / unit).trunc() * unit)
            }
        }
    }
}

impl PartialSchema for Number {
    /// A whole number is a number too, so this is no choice of one among three.
    fn schema() -> RefOr<Schema> {
        let types = SchemaType::from_iter([Type::Number, Type::String]);
        let description = Some("A number, or a name such as a compression method.");
        ObjectBuilder::new().schema_type(types).description(description).into()
    }
}

impl ToSchema for Number {}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::Whole(value)
    }
}

impl From<f64> for Number {
    /// Rounded to four digits after the point: more would pretend to a precision no one measured.
    fn from(value: f64) -> Self {
        Self::Fraction((value * 1e4).round() / 1e4)
    }
}

impl From<&str> for Number {
    fn from(value: &str) -> Self {
        Self::Name(value.to_owned())
    }
}

/// One fact behind a finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// What was looked at, with its unit at the end of the name.
    #[schema(example = "toast_bytes")]
    pub name: String,
    /// What it was.
    pub value: Number,
    /// Its unit.
    pub unit: Unit,
    /// The observation it was read from.
    #[schema(example = "relations")]
    pub source: String,
    /// How it was come by.
    pub grade: Grade,
}
