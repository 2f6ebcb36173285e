//! The path of a key as it is printed, `a.b` or `"customer id".c`, and its keys.

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
    use super::*;

    #[test]
    fn every_key_that_is_printed_is_read_again() {
        for keys in [
            vec!["a"],
            vec!["a", "b"],
            vec!["customer id"],
            vec!["a.b", "c"],
            vec!["it's", "\"x\"", "\\", "\n\u{1}\u{301}"],
            vec!["%"],
            vec![""],
        ] {
            let plain = |key: &str| {
                !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
            };
            let printed = keys
                .iter()
                .map(|key| if plain(key) { (*key).to_owned() } else { format!("{key:?}") });
            let printed = printed.collect::<Vec<_>>().join(".");
            assert_eq!(path_keys(&printed).unwrap(), keys, "{printed}");
        }
    }

    #[test]
    fn elements_of_arrays_and_unknown_keys_are_no_path_of_keys() {
        for path in ["a[]", "a[].b", "a[0]", "*", "a.*", "$", "a.$", "", "a..b", "\"a", "\"a\"b"] {
            assert_eq!(path_keys(path), None, "{path}");
        }
    }
}
