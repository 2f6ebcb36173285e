//! Names of Python: of classes and fields, each once, none of them taken by the language or by Pydantic.

use std::collections::BTreeSet;

/// Keywords, the built-in and imported names that annotations use, and what a model has already.
#[rustfmt::skip]
const TAKEN: &[&str] = &[
    "Any", "AwareDatetime", "BaseModel", "ConfigDict", "False", "Field", "None", "RootModel", "True", "UUID", "and", "as", "assert",
    "async", "await", "bool", "break", "class", "construct", "continue", "copy", "def", "del", "dict", "elif", "else", "except",
    "finally", "float", "for", "from", "from_orm", "global", "if", "import", "in", "int", "is", "json", "lambda", "list",
    "model_computed_fields", "model_config", "model_construct", "model_copy", "model_dump", "model_dump_json", "model_extra",
    "model_fields", "model_fields_set", "model_json_schema", "model_parametrized_name", "model_post_init", "model_rebuild",
    "model_validate", "model_validate_json", "model_validate_strings", "nonlocal", "not", "or", "parse_file", "parse_obj",
    "parse_raw", "pass", "raise", "return", "root", "schema", "schema_json", "str", "try", "update_forward_refs", "validate",
    "while", "with", "yield",
];

/// A field's name for a key: `user_id` of `userId` and of `user-id`.
pub(super) fn field(key: &str, given: &mut BTreeSet<String>) -> String {
    once(words(key).join("_").to_lowercase(), "n", "key", given)
}

/// A class's name for a key: `UserId` of `user_id`.
pub(super) fn class(key: &str, given: &mut BTreeSet<String>) -> String {
    let capital = |word: String| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    };
    once(words(key).into_iter().map(capital).collect(), "N", "Model", given)
}

/// A name that nothing else has: a digit does not come first, and where nothing is left something does.
fn once(name: String, before_digit: &str, nothing: &str, given: &mut BTreeSet<String>) -> String {
    let name = match name.chars().next() {
        None => nothing.to_owned(),
        Some(first) if first.is_ascii_digit() => format!("{before_digit}{name}"),
        Some(_) if TAKEN.contains(&name.as_str()) => format!("{name}_"),
        Some(_) => name,
    };
    let numbered = (2..).map(|n| format!("{name}_{n}"));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    let free = names.find(|name| !given.contains(name)).unwrap_or(name);
    given.insert(free.clone());
    free
}

/// Words of ASCII letters and digits, none empty.
fn words(key: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for letter in key.chars() {
        if letter.is_ascii_alphanumeric() {
            let begins = !before.is_ascii_alphanumeric()
                || letter.is_ascii_uppercase() && before.is_ascii_lowercase();
            match words.last_mut() {
                Some(word) if !begins => word.push(letter),
                _ => words.push(letter.to_string()),
            }
        }
        before = letter;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_gets_a_name_of_its_own_that_python_takes() {
        let mut given = BTreeSet::new();
        let names = [
            ("userId", "user_id"),
            ("user-id", "user_id_2"),
            ("class", "class_"),
            ("2fa", "n2fa"),
            ("", "key"),
            ("été", "t"),
            ("日本", "key_2"),
            ("model_dump", "model_dump_"),
            ("_x", "x"),
            ("str", "str_"),
        ];
        for (key, name) in names {
            assert_eq!(field(key, &mut given), name, "{key}");
        }
        let names = [
            ("user_id", "UserId"),
            ("userId", "UserId_2"),
            ("2fa", "N2fa"),
            ("", "Model"),
            ("any", "Any_"),
        ];
        for (key, name) in names {
            assert_eq!(class(key, &mut given), name, "{key}");
        }
    }
}
