//! A name that is not one of ours.

/// A name that was given and is not one of the known ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{given}`; {}", hint(.known))]
pub struct UnknownName {
    /// What was named: `check`, `threshold`, `superpower`…
    pub what: &'static str,
    /// The name as given.
    pub given: String,
    /// The names that would have been right.
    pub known: Vec<String>,
}

impl UnknownName {
    /// `given` is not among `known`.
    pub fn new<'a>(
        what: &'static str,
        given: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            what,
            given: given.to_owned(),
            known: known.into_iter().map(str::to_owned).collect(),
        }
    }
}

fn hint(known: &[String]) -> String {
    format!("known are {}", known.join(", "))
}
