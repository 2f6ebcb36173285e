//! A name that is not one of ours.

/// A name that was given and is not one of the known ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{given}`; {}", hint(.given, .known))]
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

/// Below this similarity (Jaro-Winkler, 0 to 1) a known name is no guess at what was meant.
const SIMILARITY_MIN: f64 = 0.85;

/// What was meant, if that can be guessed; else all that is known.
fn hint(given: &str, known: &[String]) -> String {
    let similarity = |name: &&String| strsim::jaro_winkler(given, name);
    let nearest = known.iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    match nearest.filter(|name| similarity(name) >= SIMILARITY_MIN) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("known are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_told_what_was_meant_and_anything_else_what_is_known() {
        let known = ["toast_share_max", "table_bytes_min"];
        let error = |given| UnknownName::new("threshold", given, known).to_string();
        assert_eq!(
            error("toast_share_mx"),
            "unknown threshold `toast_share_mx`; did you mean `toast_share_max`?"
        );
        assert_eq!(error("x"), "unknown threshold `x`; known are toast_share_max, table_bytes_min");
    }
}
