//! Paths of keys, as everywhere here: `a.b[]`, quoted where a key is no plain word. `*` stands for keys that are data.

use crate::model::print_key;

/// A step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathStep<'a> {
    /// A key that is a name.
    Key(&'a str),
    /// A key that is data: no contract names it.
    Data,
    /// The elements of an array.
    Items,
}

/// Append a step; what the path was before is its beginning.
pub(super) fn push(path: &mut String, step: PathStep<'_>) {
    if !path.is_empty() && step != PathStep::Items {
        path.push('.');
    }
    match step {
        PathStep::Items => path.push_str("[]"),
        PathStep::Data => path.push('*'),
        PathStep::Key(key) => path.push_str(&print_key(key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_written_as_in_reports_of_keys() {
        let mut path = String::new();
        for step in [
            PathStep::Key("a"),
            PathStep::Items,
            PathStep::Key("d.e"),
            PathStep::Data,
            PathStep::Key("b-1"),
        ] {
            push(&mut path, step);
        }
        assert_eq!(path, r#"a[]."d.e".*.b-1"#);
        let mut top = String::new();
        push(&mut top, PathStep::Items);
        push(&mut top, PathStep::Key("*"));
        assert_eq!(top, r#"[]."*""#);
    }
}
