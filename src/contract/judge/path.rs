//! Paths of keys, as everywhere here: `a.b[]`, quoted where a key is no plain word. `*` stands for keys that are data.

use std::fmt::Write as _;

/// A step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// A key that is a name.
    Key(&'a str),
    /// A key that is data: no contract names it.
    Data,
    /// The elements of an array.
    Items,
}

/// Append a step; what the path was before is its beginning.
pub(super) fn push(path: &mut String, step: Step<'_>) {
    if !path.is_empty() && step != Step::Items {
        path.push('.');
    }
    match step {
        Step::Items => path.push_str("[]"),
        Step::Data => path.push('*'),
        Step::Key(key) if is_plain(key) => path.push_str(key),
        Step::Key(key) => {
            let _ = write!(path, "{key:?}");
        }
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_written_as_in_reports_of_keys() {
        let mut path = String::new();
        for step in [Step::Key("a"), Step::Items, Step::Key("d.e"), Step::Data, Step::Key("b-1")] {
            push(&mut path, step);
        }
        assert_eq!(path, r#"a[]."d.e".*.b-1"#);
        let mut top = String::new();
        push(&mut top, Step::Items);
        push(&mut top, Step::Key("*"));
        assert_eq!(top, r#"[]."*""#);
    }
}
