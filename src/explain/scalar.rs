//! A single value of a property, as the formats print it.

use std::borrow::Cow;

use serde_json::{Number, Value};
use smol_str::SmolStr;

use super::slice::trim;

/// A value that was printed. Numbers stay text until the property says what they are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    /// A number, in JSON's syntax.
    Number(Cow<'a, str>),
    /// A string of JSON or YAML.
    Text(Cow<'a, str>),
    /// A value of a format without types: XML and text.
    Untyped(Cow<'a, str>),
}

impl Scalar<'_> {
    /// Its text, whatever its type.
    pub(super) fn text(&self) -> &str {
        match self {
            Scalar::Null => "",
            Scalar::Bool(true) => "true",
            Scalar::Bool(false) => "false",
            Scalar::Number(text) | Scalar::Text(text) | Scalar::Untyped(text) => text,
        }
    }

    pub(super) fn to_text(&self) -> Option<SmolStr> {
        (!matches!(self, Scalar::Null)).then(|| SmolStr::new(self.text()))
    }

    /// Not a number: None. `Infinity` and `NaN` are no figures of a plan.
    pub(super) fn float(&self) -> Option<f64> {
        trim(self.text()).parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// A whole number. Tools that store plans write `1.0` for 1.
    pub(super) fn whole(&self) -> Option<u64> {
        let text = trim(self.text());
        text.parse().ok().or_else(|| whole(self.float()?))
    }

    pub(super) fn integer(&self) -> Option<i64> {
        trim(self.text()).parse().ok()
    }

    pub(super) fn bool(&self) -> Option<bool> {
        match self.text() {
            "true" | "yes" => Some(true),
            "false" | "no" => Some(false),
            _ => None,
        }
    }

    /// The value as JSON has it; the type of an untyped value is guessed from its spelling.
    pub(super) fn to_value(&self) -> Value {
        match self {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(*value),
            Scalar::Text(text) => Value::String(text.clone().into_owned()),
            Scalar::Number(text) => number(text).unwrap_or(Value::Null),
            Scalar::Untyped(text) => match text.as_ref() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => number(text).unwrap_or_else(|| Value::String(text.clone().into_owned())),
            },
        }
    }
}

/// What a value of JSON is as a scalar; none for lists and objects.
pub(super) fn of(value: &Value) -> Option<Scalar<'_>> {
    match value {
        Value::Null => Some(Scalar::Null),
        Value::Bool(value) => Some(Scalar::Bool(*value)),
        Value::Number(number) => Some(Scalar::Number(Cow::Owned(number.to_string()))),
        Value::String(text) => Some(Scalar::Text(Cow::Borrowed(text))),
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the range")]
fn whole(float: f64) -> Option<u64> {
    (0.0..9e15).contains(&float).then_some(float as u64)
}

fn number(text: &str) -> Option<Value> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return None;
    }
    let whole =
        text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from));
    let number = whole.ok().or_else(|| text.parse().ok().and_then(Number::from_f64));
    number.map(Value::Number)
}
