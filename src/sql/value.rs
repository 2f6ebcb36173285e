//! What an expression stands for: documents of known columns, or something else.

use std::rc::Rc;

use super::function::is_json;
use super::understood::{Access, JsonStep};
use crate::model::QualifiedName;

/// Columns that one value may come from at most: arms of unions, of `COALESCE` and of `CASE`.
const ORIGINS_MAX: usize = 64;

/// Steps kept of one path at most; what is deeper counts as this deep.
const STEPS_MAX: usize = 64;

/// What an expression stands for.
#[derive(Debug, Clone)]
pub(super) enum TracedValue {
    /// A JSON value of a stored document, or what was read from one.
    Documents(Vec<Origin>),
    /// A row, with the documents in it.
    Row(Vec<Origin>),
    /// The name of a key of these documents: `jsonb_each`, `jsonb_object_keys`.
    Keys(Vec<Origin>),
    /// What comes from no stored document.
    Plain,
    /// What may be a document, but cannot be followed.
    Unknown,
}

/// The column that stores a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) table: QualifiedName,
    pub(super) column: String,
}

/// Where a value comes from, and how it was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) base: Rc<Base>,
    pub(super) path: Vec<JsonStep>,
    pub(super) access: Access,
    pub(super) cast: Option<String>,
    /// Whether it still is JSON, so that a step may follow.
    pub(super) json: bool,
    /// Whether it is the very value: no `COALESCE` or function stands between.
    pub(super) direct: bool,
}

impl Origin {
    /// A stored document as a whole.
    pub(super) fn document(table: &QualifiedName, column: &str) -> Self {
        let base = Rc::new(Base { table: table.clone(), column: column.to_owned() });
        Self { base, path: Vec::new(), access: Access::Whole, cast: None, json: true, direct: true }
    }

    /// A value within this one. What was read as text and parsed again stays where it came from.
    pub(super) fn step(&self, steps: &[JsonStep], reached: StepOperator) -> Self {
        if !self.json {
            return Self { direct: false, ..self.clone() };
        }
        let mut path = self.path.clone();
        path.extend_from_slice(steps);
        path.truncate(STEPS_MAX);
        let access = if path.is_empty() { Access::Whole } else { reached.access };
        Self { path, access, json: reached.json, ..self.clone() }
    }
}

/// How a step reaches its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct StepOperator {
    pub(super) access: Access,
    /// Whether what it yields is JSON.
    pub(super) json: bool,
}

impl StepOperator {
    /// Reached as JSON.
    pub(super) fn json(access: Access) -> Self {
        Self { access, json: true }
    }

    /// Reached as text, or another type.
    pub(super) fn text(access: Access) -> Self {
        Self { access, json: false }
    }
}

impl TracedValue {
    /// The same value, but not the very one: something stands between.
    pub(super) fn indirect(self) -> Self {
        match self {
            Self::Documents(origins) => Self::Documents(
                origins.into_iter().map(|origin| Origin { direct: false, ..origin }).collect(),
            ),
            other => other,
        }
    }

    /// The same value, cast to a type.
    pub(super) fn cast(self, to: &str) -> Self {
        let Self::Documents(mut origins) = self else { return self };
        for origin in &mut origins {
            // JSON cast to JSON is the same value.
            if origin.json && is_json(to) {
                continue;
            }
            origin.cast = Some(to.to_owned());
            origin.json = false;
        }
        Self::Documents(origins)
    }

    /// The one value or the other.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Documents(mut all), Self::Documents(more)) => {
                for origin in more {
                    if all.len() < ORIGINS_MAX && !all.contains(&origin) {
                        all.push(origin);
                    }
                }
                Self::Documents(all)
            }
            (documents @ Self::Documents(_), _) | (_, documents @ Self::Documents(_)) => documents,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (value, _) => value,
        }
    }

    /// The name of a key of it.
    pub(super) fn keys(&self) -> Self {
        match self {
            Self::Documents(origins) => Self::Keys(origins.clone()),
            Self::Unknown => Self::Unknown,
            _ => Self::Plain,
        }
    }

    /// The places it comes from.
    pub(super) fn origins(&self) -> &[Origin] {
        match self {
            Self::Documents(origins) | Self::Row(origins) => origins,
            Self::Keys(_) | Self::Plain | Self::Unknown => &[],
        }
    }

    /// Whether it is JSON of a stored document, so that a step may follow.
    pub(super) fn is_json(&self) -> bool {
        matches!(self, Self::Documents(origins) if origins.iter().any(|origin| origin.json))
    }
}
