//! SQL in pieces: enough of its lexer for what the server prints and for what statements spell.

/// A piece of SQL. All pieces behind one another are the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SqlToken<'a> {
    /// Blanks and line ends.
    Space(&'a str),
    /// A name or a word that is not quoted.
    Word(&'a str),
    /// A name in double quotes.
    Quoted(&'a str),
    /// A string in single quotes, with the letter before it.
    Text(&'a str),
    /// A number.
    Number(&'a str),
    /// `::`
    Cast(&'a str),
    /// Characters that make an operator.
    Operator(&'a str),
    /// Anything else, a character at a time.
    Other(&'a str),
}

impl<'a> SqlToken<'a> {
    pub(super) fn text(self) -> &'a str {
        match self {
            Self::Space(text)
            | Self::Word(text)
            | Self::Quoted(text)
            | Self::Text(text)
            | Self::Number(text)
            | Self::Cast(text)
            | Self::Operator(text)
            | Self::Other(text) => text,
        }
    }

    /// Whether it names something. The server prints the words of the grammar in capitals, and quotes names that have any.
    pub(super) fn is_name(self) -> bool {
        match self {
            Self::Word(word) => !word.starts_with(|c: char| c.is_ascii_uppercase()),
            other => matches!(other, Self::Quoted(_)),
        }
    }
}

/// The pieces of a text.
pub(super) fn tokens(sql: &str) -> Vec<SqlToken<'_>> {
    let mut rest = sql;
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        let token = next(rest, first);
        rest = &rest[token.text().len()..];
        found.push(token);
    }
    found
}

fn next(rest: &str, first: char) -> SqlToken<'_> {
    let while_ = |holds: fn(char) -> bool| &rest[..rest.find(|c| !holds(c)).unwrap_or(rest.len())];
    match first {
        c if c.is_whitespace() => SqlToken::Space(while_(char::is_whitespace)),
        '\'' => SqlToken::Text(&rest[..quoted(rest, 1, '\'', false)]),
        'E' | 'B' | 'X' if rest[1..].starts_with('\'') => {
            SqlToken::Text(&rest[..quoted(rest, 2, '\'', first == 'E')])
        }
        '"' => SqlToken::Quoted(&rest[..quoted(rest, 1, '"', false)]),
        c if c.is_ascii_digit() => {
            SqlToken::Number(while_(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_')))
        }
        c if is_word(c) => SqlToken::Word(while_(is_word)),
        ':' if rest.starts_with("::") => SqlToken::Cast(&rest[..2]),
        c if is_operator(c) => SqlToken::Operator(while_(is_operator)),
        c => SqlToken::Other(&rest[..c.len_utf8()]),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii()
}

fn is_operator(c: char) -> bool {
    "+-*/<>=~!@#%^&|`?".contains(c)
}

/// Where something ends that is quoted and begins at `start`. A quote within is doubled, or escaped where that is allowed.
fn quoted(text: &str, start: usize, quote: char, escapes: bool) -> usize {
    let mut characters = text[start..].char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if c == '\\' && escapes {
            characters.next();
        } else if c == quote {
            match characters.peek() {
                Some((_, next)) if *next == quote => {
                    characters.next();
                }
                _ => return start + at + quote.len_utf8(),
            }
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_what_they_hold_and_the_pieces_are_the_text() {
        for sql in [
            r#"((data ->> 'it''s'::text) = E'a\'b' AND "We""ird" @> '{}'::jsonb)"#,
            "'open",
            "\"open",
            "E'open\\",
            "größe ~~ 'ä%'::text",
            "a.b[1:2] := B'101'",
        ] {
            let all = tokens(sql);
            assert_eq!(all.iter().map(|token| token.text()).collect::<String>(), sql);
        }
        assert_eq!(
            tokens(r"a ->> E'x\'y''z' "),
            [
                SqlToken::Word("a"),
                SqlToken::Space(" "),
                SqlToken::Operator("->>"),
                SqlToken::Space(" "),
                SqlToken::Text(r"E'x\'y''z'"),
                SqlToken::Space(" "),
            ]
        );
    }
}
