//! A name that is not one of ours.

/// A name that was given and is not one of the known ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{given}`; {}", hint(.what, .given, .known))]
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

/// Names of a list that a reader can take in at once.
const LISTED_MAX: usize = 32;

/// What was meant, if that can be guessed; else all that is known, or where it is listed.
fn hint(what: &str, given: &str, known: &[String]) -> String {
    let similarity = |name: &&String| strsim::jaro_winkler(given, name);
    let nearest = known.iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    match nearest.filter(|name| similarity(name) >= SIMILARITY_MIN) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => match what {
            "check" | "threshold" => "`dbopt checks` and GET /v1/checks list them".to_owned(),
            "parameter" if known.len() > LISTED_MAX => "GET /openapi.json lists them".to_owned(),
            _ => format!("known are {}", known.join(", ")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_typo_names_what_was_meant_and_any_other_what_is_known() {
        let known = ["toast_share_max", "table_bytes_min"];
        let error = |what, given| UnknownName::new(what, given, known).to_string();
        assert_eq!(
            error("threshold", "toast_share_mx"),
            "unknown threshold `toast_share_mx`; did you mean `toast_share_max`?"
        );
        assert_eq!(
            error("key", "x"),
            "unknown key `x`; known are toast_share_max, table_bytes_min"
        );
        let listed = "unknown threshold `x`; `dbopt checks` and GET /v1/checks list them";
        assert_eq!(error("threshold", "x"), listed);
    }
}
