//! Regular expressions of a schema, each with a bound on what it may cost.

use fancy_regex::{Regex, RegexBuilder};

use super::decimal::Decimal;

/// Bytes of a pattern at most.
const PATTERN_BYTES_MAX: usize = 2000;
/// Bytes of its automaton at most: `\w{1,64}`, every letter of Unicode 64 times, takes between one and four megabytes.
const AUTOMATON_BYTES_MAX: usize = 4 << 20;
/// Bytes of the automaton of a pattern that is cheap for each byte of a text.
const SMALL_BYTES: usize = 16 << 10;
/// What a byte of text costs with a pattern that is not small, in steps: at worst every state is tried at each byte.
const LARGE_WEIGHT: u64 = 64;
/// How often a pattern with looking around may try again. Pydantic's decimals take a few dozen.
const BACKTRACKS_MAX: usize = 2000;
/// What trying again may cost on top, in steps.
const LOOK_STEPS: u64 = 200;
/// Bytes of a text that is matched; a longer one is not judged by its pattern.
const TEXT_BYTES_MAX: usize = 4096;
/// What recursion and conditions begin with: nothing bounds how deep they go.
const UNBOUNDED: &[&str] = &["\\g", "(?&", "(?P>", "(?R", "(?(", "(?0", "(?1"];

/// A pattern that can be matched in bounded time.
#[derive(Debug, Clone)]
pub(super) struct BoundedPattern {
    regex: Regex,
    /// What Pydantic means by it, where it is its own.
    decimal: Option<Decimal>,
    /// Steps for each byte of a text.
    weight: u64,
    /// Steps for each text.
    more: u64,
}

impl BoundedPattern {
    /// Make it ready.
    ///
    /// # Errors
    /// What to write instead.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(format!("a pattern may have at most {PATTERN_BYTES_MAX} bytes"));
        }
        if UNBOUNDED.iter().any(|begin| pattern.contains(begin)) {
            return Err(
                "a pattern may not call itself or depend on a group: write it out".to_owned()
            );
        }
        let decimal = Decimal::of_pattern(pattern);
        let looks = pattern.contains("(?") || pattern.contains('\\');
        if let Ok(regex) = built(pattern, SMALL_BYTES) {
            return Ok(Self {
                regex,
                decimal,
                weight: 1,
                more: if looks { LOOK_STEPS } else { 0 },
            });
        }
        let regex = built(pattern, AUTOMATON_BYTES_MAX).map_err(|_| {
            "the pattern is no regular expression, or one whose repetitions multiply to more than can be \
             matched in bounded time"
                .to_owned()
        })?;
        Ok(Self { regex, decimal, weight: LARGE_WEIGHT, more: if looks { LOOK_STEPS } else { 0 } })
    }

    /// Whether it takes megabytes.
    pub(super) fn is_large(&self) -> bool {
        self.weight == LARGE_WEIGHT
    }

    /// What it costs to match a text, in steps.
    pub(super) fn steps(&self, text: &str) -> u64 {
        self.more + self.weight * text.len() as u64
    }

    /// Whether it is found in the text; none where that takes too long to know.
    pub(super) fn is_match(&self, text: &str) -> Option<bool> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        match self.decimal {
            Some(decimal) => Some(decimal.admits(text)),
            None => self.regex.is_match(text).ok(),
        }
    }
}

fn built(pattern: &str, bytes: usize) -> Result<Regex, fancy_regex::Error> {
    RegexBuilder::new(pattern)
        .backtrack_limit(BACKTRACKS_MAX)
        .delegate_size_limit(bytes)
        .delegate_dfa_size_limit(bytes)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_people_and_pydantic_write_are_taken() {
        for (pattern, yes, no) in [
            ("^[A-Z]{2}-\\d+$", "DE-12", "de-12"),
            (r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$", "-12.50", "+"),
            (r"^[\w.+-]{1,64}@[\w-]+\.\w{2,}$", "jürgen@example.org", "@example.org"),
            (r"^(\d)\1$", "77", "78"),
            ("b", "abc", "ac"),
        ] {
            let pattern = BoundedPattern::new(pattern).unwrap();
            let found = (pattern.is_match(yes), pattern.is_match(no));
            assert_eq!(found, (Some(true), Some(false)), "{pattern:?}");
        }
    }

    #[test]
    fn what_cannot_be_bounded_is_refused() {
        let nested = format!("{}a{}", "(".repeat(900), ")".repeat(900));
        for pattern in
            ["(", "[z-a]", "(a{1000}){1000}", r"(?<x>a\g<x>?b)", "(?R)", &"a".repeat(2001), &nested]
        {
            assert!(BoundedPattern::new(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_tries_again_for_ever_gives_up() {
        // Each looks around, so that each is matched by trying again.
        for pattern in [r"^(?=a)(a+)+$", r"^(a|a)*(?!x)b$", r"^(?=(a+)+b)\1c"] {
            let pattern = BoundedPattern::new(pattern).unwrap();
            let verdict = pattern.is_match(&("a".repeat(60) + "!"));
            assert!(verdict != Some(true), "{pattern:?}");
        }
        assert_eq!(BoundedPattern::new("a").unwrap().is_match(&"a".repeat(5000)), None);
    }
}
