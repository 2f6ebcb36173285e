//! Names as people mean them: `userId`, `user_id` and `UserID` are one.

/// Characters of a key that are spelled out at most.
const SIGNS_MAX: usize = 4;

/// A name's words, in lower case, joined by underscores.
pub(super) fn normalized(name: &str) -> String {
    let mut words = String::new();
    let mut before = None;
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        if !letter.is_alphanumeric() {
            before = None;
            if !words.is_empty() && !words.ends_with('_') {
                words.push('_');
            }
            continue;
        }
        let after_lower = before.is_some_and(|c: char| c.is_lowercase() || c.is_numeric());
        let ends_acronym = before.is_some_and(char::is_uppercase)
            && letters.peek().is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (after_lower || ends_acronym) {
            words.push('_');
        }
        words.extend(letter.to_lowercase());
        before = Some(letter);
    }
    words.trim_end_matches('_').to_owned()
}

/// What a key of any characters is called as a column: its words, or what its signs are called where it has none.
pub(super) fn column_name(key: &str) -> String {
    const SIGNS: &[(char, &str)] = &[
        ('%', "percent"),
        ('#', "number"),
        ('$', "dollar"),
        ('€', "euro"),
        ('@', "at"),
        ('&', "and"),
        ('*', "star"),
        ('+', "plus"),
        ('-', "minus"),
        ('/', "slash"),
        ('?', "question"),
        ('!', "exclamation"),
        ('.', "dot"),
        (':', "colon"),
        ('_', "underscore"),
        (' ', "blank"),
    ];
    let name = normalized(key);
    if !name.is_empty() {
        return name;
    }
    let spell = |sign: char| {
        let known = SIGNS.iter().find(|(known, _)| *known == sign);
        known.map_or_else(|| format!("u{:x}", u32::from(sign)), |(_, name)| (*name).to_owned())
    };
    let signs: Vec<String> = key.chars().take(SIGNS_MAX).map(spell).collect();
    if signs.is_empty() { "empty".to_owned() } else { signs.join("_") }
}

/// What an identifier identifies: `user` of `user_id`.
pub(super) fn identified(normalized: &str) -> Option<&str> {
    let (entity, last) = normalized.rsplit_once('_')?;
    (matches!(last, "id" | "uuid" | "key") && !entity.is_empty()).then_some(entity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_name_is_the_same_name() {
        for name in ["user_id", "userId", "UserID", "user-id", "USER_ID", " user  id "] {
            assert_eq!(normalized(name), "user_id", "{name}");
        }
        assert_eq!(normalized("HTTPStatus2xx"), "http_status2xx");
        assert_eq!(normalized("été"), "été");
        assert_eq!(normalized("_"), "");
    }

    #[test]
    fn every_key_has_a_name_as_a_column() {
        for (key, name) in [
            ("customer id", "customer_id"),
            ("Größe (cm)", "größe_cm"),
            ("%", "percent"),
            ("$ref", "ref"),
            ("🙂", "u1f642"),
            ("--", "minus_minus"),
            ("", "empty"),
        ] {
            assert_eq!(column_name(key), name, "{key}");
        }
    }

    #[test]
    fn an_identifier_names_what_it_identifies() {
        assert_eq!(identified("user_id"), Some("user"));
        assert_eq!(identified("order_line_uuid"), Some("order_line"));
        assert_eq!((identified("id"), identified("valid"), identified("_id")), (None, None, None));
    }
}
