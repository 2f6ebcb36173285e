//! Placeholders of drivers, rewritten to the parameters that PostgreSQL knows.
//!
//! psycopg writes `%s` and `%(name)s`, SQLAlchemy `:name`, JDBC `?`. PostgreSQL's own scanner distinguishes them from strings,
//! comments and quoted names; `?` is also an operator of jsonb, which the text around it decides.

use std::fmt::Write as _;

use pg_query::protobuf::{KeywordKind, ScanToken, Token};

/// A text in which placeholders became parameters.
pub(super) struct Rewritten {
    pub(super) text: String,
    /// Ends of what was replaced: in the new text, and in the original.
    ends: Vec<(usize, usize)>,
}

impl Rewritten {
    /// Where a byte of the new text stood in the original.
    pub(super) fn original(&self, at: usize) -> usize {
        let before = self.ends.iter().rfind(|(new, _)| *new <= at);
        before.map_or(at, |(new, old)| old + (at - new))
    }
}

/// The text with each placeholder made a parameter; none where it has no placeholder, or cannot be scanned.
pub(super) fn rewrite(text: &str) -> Option<Rewritten> {
    let tokens: Vec<CodeToken> = pg_query::scan_tokens(text)
        .ok()?
        .iter()
        .filter_map(|token| CodeToken::new(text, token))
        .collect();
    let mut number = tokens.iter().filter_map(CodeToken::parameter).max().map_or(0, u64::from);
    let mut rewritten = Rewritten { text: String::with_capacity(text.len()), ends: Vec::new() };
    let (mut copied, mut position) = (0, 0);
    while position < tokens.len() {
        let Some(found) = placeholder(&tokens, position) else {
            position += 1;
            continue;
        };
        number += 1;
        rewritten.text.push_str(text.get(copied..found.start)?);
        // Writing to a string cannot fail.
        let _ = write!(rewritten.text, " ${number}");
        copied = found.end;
        rewritten.ends.push((rewritten.text.len(), found.end));
        position += found.tokens;
    }
    rewritten.text.push_str(text.get(copied..)?);
    (!rewritten.ends.is_empty()).then_some(rewritten)
}

/// A placeholder: its bytes, and how many tokens end with it.
struct PlaceholderSpan {
    start: usize,
    end: usize,
    tokens: usize,
}

/// The placeholder that begins in this token, maybe at the end of an operator: `=%s` is scanned as `=%` and `s`.
fn placeholder(tokens: &[CodeToken], position: usize) -> Option<PlaceholderSpan> {
    let token = &tokens[position];
    let found = |tokens: usize, last: &CodeToken| {
        Some(PlaceholderSpan { start: token.end - 1, end: last.end, tokens })
    };
    let adjacent = |offset: usize| {
        let next = tokens.get(position + offset)?;
        (next.start == tokens[position + offset - 1].end).then_some(next)
    };
    match token.text.chars().last()? {
        '%' if token.is_operator() => match adjacent(1)?.text {
            "s" => found(2, adjacent(1)?),
            "(" => {
                let last = adjacent(4)?;
                let complete =
                    adjacent(2)?.is_name() && adjacent(3)?.text == ")" && last.text == "s";
                if complete { found(5, last) } else { None }
            }
            _ => None,
        },
        ':' if token.text == ":" => {
            let name = adjacent(1)?;
            if name.is_name() { found(2, name) } else { None }
        }
        '?' if token.is_operator() && !is_jsonb_operator(tokens, position) => found(1, token),
        _ => None,
    }
}

/// Whether a `?` is the operator of jsonb: what it asks stands before it, and a key behind.
fn is_jsonb_operator(tokens: &[CodeToken], position: usize) -> bool {
    let before = position.checked_sub(1).and_then(|before| tokens.get(before));
    let sign = tokens[position].text;
    // JDBC writes the operators with two signs, so as not to have them taken for placeholders.
    if sign == "@?" || sign.ends_with("??") {
        return true;
    }
    sign == "?"
        && before.is_some_and(CodeToken::ends_operand)
        && tokens.get(position + 1).is_some_and(CodeToken::begins_operand)
}

/// A token that is no comment.
struct CodeToken<'a> {
    text: &'a str,
    start: usize,
    end: usize,
    token: Token,
    keyword: KeywordKind,
}

impl<'a> CodeToken<'a> {
    fn new(text: &'a str, scanned: &ScanToken) -> Option<Self> {
        let (start, end) =
            (usize::try_from(scanned.start).ok()?, usize::try_from(scanned.end).ok()?);
        let (token, keyword) = (scanned.token(), scanned.keyword_kind());
        if matches!(token, Token::SqlComment | Token::CComment) {
            return None;
        }
        Some(Self { text: text.get(start..end)?, start, end, token, keyword })
    }

    fn is_operator(&self) -> bool {
        matches!(self.token, Token::Op | Token::Ascii37)
    }

    /// Whether it may name a placeholder.
    fn is_name(&self) -> bool {
        let bare = !self.text.starts_with('"');
        bare && (self.token == Token::Ident || self.keyword != KeywordKind::NoKeyword)
    }

    fn is_value(&self) -> bool {
        matches!(self.token, Token::Sconst | Token::Param | Token::Ident | Token::Uident)
    }

    /// Whether an operator may follow. A keyword that is not reserved may name a column.
    fn ends_operand(&self) -> bool {
        let number = matches!(self.token, Token::Iconst | Token::Fconst);
        let keyword =
            matches!(self.token, Token::NullP | Token::TrueP | Token::FalseP | Token::EndP)
                || self.keyword == KeywordKind::UnreservedKeyword;
        self.is_value() || number || keyword || matches!(self.text, ")" | "]")
    }

    /// Whether it may stand behind an operator that asks for a key; another placeholder may.
    fn begins_operand(&self) -> bool {
        self.is_value() || self.token == Token::Array || matches!(self.text, "(" | "?" | ":" | "%")
    }

    /// The number of a parameter.
    fn parameter(&self) -> Option<u32> {
        self.text.strip_prefix('$')?.parse().ok()
    }
}
