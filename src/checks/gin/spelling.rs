//! Expressions as statements spell them, and as the server prints them.

/// Types as statements may spell them, and as the server prints them, without blanks.
const TYPES: [(&str, &str); 10] = [
    ("int2", "smallint"),
    ("int4", "integer"),
    ("int", "integer"),
    ("int8", "bigint"),
    ("float4", "real"),
    ("float8", "doubleprecision"),
    ("bool", "boolean"),
    ("decimal", "numeric"),
    ("timestamptz", "timestampwithtimezone"),
    ("varchar", "charactervarying"),
];

/// An expression without what the server adds when it prints one, and its types as the server calls them.
pub(super) fn plain(sql: &str) -> String {
    let lower_words = sql.replace("COALESCE(", "coalesce(");
    let bare: String =
        lower_words.chars().filter(|c| !c.is_whitespace() && !matches!(c, '(' | ')')).collect();
    let mut parts = bare.split("::");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let part = part.strip_prefix("pg_catalog.").unwrap_or(part);
        let end = part.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        let printed = TYPES.iter().find(|(spelled, _)| *spelled == name);
        let of_literal = name == "charactervarying" && plain.ends_with('\'');
        let is_implied = of_literal || matches!(name, "text" | "regconfig");
        if !is_implied {
            plain.push_str("::");
            plain.push_str(printed.map_or(name, |(_, printed)| printed));
        }
        plain.push_str(if is_implied { rest.trim_start_matches("[]") } else { rest });
    }
    plain
}

/// The keys of an expression, for a name.
pub(super) fn words(expression: &str, column: &str) -> String {
    let rest = expression.replacen(column, "", 1);
    let words = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty()).take(3).collect::<Vec<_>>().join("_").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_the_same_however_the_server_prints_it() {
        assert_eq!(plain("(d ->> 'k'::text)"), plain("d ->> 'k'"));
        assert_eq!(plain("((d ->> 'k'::text))::integer"), plain("(d ->> 'k')::integer"));
        assert_ne!(plain("d ->> 'k'"), plain("d -> 'k'"));
        assert_eq!(plain("((d ->> 'a'::text))::integer"), plain("(d ->> 'a')::int4"));
        assert_eq!(plain("(d ->> 'a')::double precision"), plain("(d ->> 'a')::float8"));
        let search = plain("to_tsvector('english'::regconfig, (body)::text)");
        assert_eq!(search, plain("to_tsvector('english', body)"));
        assert_ne!(plain("(d ->> 'a')::bigint"), plain("(d ->> 'a')::int4"));
        let joined =
            "((COALESCE(a, ''::character varying))::text || ' '::text) || COALESCE(b, ''::text)";
        assert_eq!(plain(joined), plain("coalesce(a, '') || ' ' || coalesce(b, '')"));
    }

    #[test]
    fn an_index_is_named_after_the_keys() {
        assert_eq!(words("d ->> 'userId'", "d"), "userid");
        assert_eq!(words("(d -> 'a' ->> 'b')::integer", "d"), "a_b_integer");
    }
}
