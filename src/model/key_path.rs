//! The path of a key as it is printed, `a.b` or `"customer id".c`, and its keys.

use std::borrow::Cow;

/// A key as a path prints it: as it is, unless it could be taken for something else.
pub fn print_key(key: &str) -> Cow<'_, str> {
    let is_plain =
        !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    if is_plain { key.into() } else { format!("{key:?}").into() }
}

/// The keys of a printed path, from the top; none where it passes through elements of an array, or is no path of keys.
pub fn path_keys(path: &str) -> Option<Vec<String>> {
    let (mut keys, mut rest) = (Vec::new(), path);
    loop {
        let (key, after) = if let Some(quoted) = rest.strip_prefix('"') {
            unquoted(quoted)?
        } else {
            let end = rest.find('.').unwrap_or(rest.len());
            (rest[..end].to_owned(), &rest[end..])
        };
        let is_quoted = rest.starts_with('"');
        let is_step = |key: &str| key.is_empty() || key == "*" || key == "$" || key.contains('[');
        if !is_quoted && is_step(&key) {
            return None;
        }
        keys.push(key);
        if after.is_empty() {
            return Some(keys);
        }
        rest = after.strip_prefix('.')?;
    }
}

/// A key behind its opening quote, with escapes as Rust writes them, and what follows the closing one.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let (mut key, mut chars) = (String::new(), text.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((key, &text[at + 1..])),
            '\\' => key.push(match chars.next()?.1 {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                'u' => {
                    let digits: String = chars
                        .by_ref()
                        .map(|(_, c)| c)
                        .skip_while(|c| *c == '{')
                        .take_while(|c| *c != '}')
                        .collect();
                    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                }
                plain => plain,
            }),
            c => key.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn printed(keys: &[String]) -> String {
        keys.iter().map(|key| print_key(key)).collect::<Vec<_>>().join(".")
    }

    #[test]
    fn keys_are_quoted_where_they_are_no_plain_words() {
        let keys = ["a", "b-1", "customer id", "c.d", "it's", "\"x\"", "\n", "%", "xml:lang", ""];
        let expected = r#"a.b-1."customer id"."c.d"."it's"."\"x\""."\n"."%"."xml:lang".""#;
        assert_eq!(printed(&keys.map(str::to_owned)), format!("{expected}\""));
    }

    proptest! {
        #[test]
        fn a_path_that_is_printed_is_read_as_the_same_keys(
            keys in proptest::collection::vec(any::<String>(), 1..5)
        ) {
            prop_assert_eq!(path_keys(&printed(&keys)), Some(keys));
        }
    }

    #[test]
    fn elements_of_arrays_and_unknown_keys_are_no_path_of_keys() {
        for path in ["a[]", "a[].b", "a[0]", "*", "a.*", "$", "a.$", "", "a..b", "\"a", "\"a\"b"] {
            assert_eq!(path_keys(path), None, "{path}");
        }
    }
}
