//! The numbers that a plan rests on, each with where it comes from.

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::Number;

/// Where a number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// The caller gave it.
    Given,
    /// The server said it.
    Observed,
    /// A threshold in force.
    Policy,
    /// Neither was known.
    Default,
}

/// A number that the plan rests on.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Input {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: Number,
    /// Where it comes from.
    pub provenance: Provenance,
    /// What it is, where its name does not say it: of a mean, over which time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Input {
    /// One whose name says what it is.
    pub(super) fn of(name: &'static str, value: impl PrintedValue, provenance: Provenance) -> Self {
        Self { name, value: value.number(), provenance, note: None }
    }
}

/// The inputs of one plan, in order.
#[derive(Debug, Default)]
pub(super) struct Inputs(Vec<Input>);

/// A value as it is printed.
pub(super) trait PrintedValue: Copy {
    fn number(self) -> Number;
}

impl PrintedValue for u32 {
    fn number(self) -> Number {
        Number::Whole(i64::from(self))
    }
}

impl PrintedValue for f64 {
    fn number(self) -> Number {
        Number::from(self)
    }
}

impl Inputs {
    pub(super) fn add(&mut self, input: Input) {
        self.0.push(input);
    }

    /// What the caller gave; nothing where it is absent.
    pub(super) fn given<T: PrintedValue>(
        &mut self,
        name: &'static str,
        given: Option<T>,
    ) -> Option<T> {
        self.given_or_observed(name, given, None)
    }

    /// What the caller gave, or else what was observed, with what that is.
    pub(super) fn given_or_observed<T: PrintedValue>(
        &mut self,
        name: &'static str,
        given: Option<T>,
        observed: Option<(T, String)>,
    ) -> Option<T> {
        match (given, observed) {
            (Some(value), _) => {
                self.add(Input::of(name, value, Provenance::Given));
                Some(value)
            }
            (None, Some((value, note))) => {
                let input = Input::of(name, value, Provenance::Observed);
                self.add(Input { note: Some(note), ..input });
                Some(value)
            }
            (None, None) => None,
        }
    }

    /// What the caller gave, or else the default.
    pub(super) fn take_or<T: PrintedValue>(
        &mut self,
        name: &'static str,
        given: Option<T>,
        or: T,
    ) -> T {
        if given.is_none() {
            self.add(Input::of(name, or, Provenance::Default));
        }
        self.given(name, given).unwrap_or(or)
    }

    pub(super) fn into_list(self) -> Vec<Input> {
        self.0
    }
}
