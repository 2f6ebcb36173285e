//! The least that must be known of SQL's spelling to distinguish literals and parameters from everything else.
//!
//! PostgreSQL's own scanner would do, at a tenth of the speed; this one only decides which texts are the same, and what it
//! cannot distinguish makes two texts differ.

/// What a piece of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A name or a keyword.
    Word,
    /// A number without its sign.
    Number,
    /// `'…'` without a prefix.
    Text,
    /// `$1`
    Parameter,
    /// One or more of the characters that operators are made of.
    Operator,
    /// `(`, `)`, `,` and the like, one each.
    Punctuation,
    /// Anything else: quoted names, strings with a prefix or in dollars.
    Other,
}

/// A piece of a text, by its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextToken {
    pub(super) kind: TokenKind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The pieces of a text, without space and comments.
pub(super) struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
}

/// The pieces of a text, without space and comments.
pub(super) fn tokens(text: &str) -> Tokens<'_> {
    Tokens { text: text.as_bytes(), at: 0 }
}

impl Iterator for Tokens<'_> {
    type Item = TextToken;

    fn next(&mut self) -> Option<TextToken> {
        self.skip_space();
        let start = self.at;
        let kind = self.kind(*self.text.get(start)?);
        // Nothing may stand still, and nothing may end within a character.
        self.at = self.at.clamp(start + 1, self.text.len());
        while self.text.get(self.at).is_some_and(|byte| byte & 0xC0 == 0x80) {
            self.at += 1;
        }
        Some(TextToken { kind, start, end: self.at })
    }
}

impl Tokens<'_> {
    /// Reads over the token that begins with this byte.
    fn kind(&mut self, first: u8) -> TokenKind {
        match first {
            b'\'' => {
                self.quoted(b'\'', false);
                TokenKind::Text
            }
            b'"' => {
                self.quoted(b'"', false);
                TokenKind::Other
            }
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_ascii_digit() => self.number(),
            b'$' if self.peek(1).is_ascii_digit() => {
                self.at += 1;
                self.while_is(|byte| byte.is_ascii_digit());
                TokenKind::Parameter
            }
            b'$' => self.dollars(),
            byte if is_name(byte) => self.word(),
            byte if is_operator(byte) => self.operator(),
            _ => {
                self.at += 1;
                TokenKind::Punctuation
            }
        }
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn while_is(&mut self, is: impl Fn(u8) -> bool) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|byte| !is(*byte)).unwrap_or(rest.len());
    }

    /// Up to the end of a needle, or of the text.
    fn past(&mut self, needle: &[u8]) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let found = memchr::memmem::find(rest, needle).map(|at| at + needle.len());
        self.at += found.unwrap_or(rest.len());
    }

    fn skip_space(&mut self) {
        loop {
            self.while_is(|byte| byte.is_ascii_whitespace() || byte == 0x0B);
            match (self.peek(0), self.peek(1)) {
                (b'-', b'-') => self.past(b"\n"),
                (b'/', b'*') => self.comment(),
                _ => return,
            }
        }
    }

    /// Comments stand in one another.
    fn comment(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.text.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => depth += 1,
                (b'*', b'/') => depth -= 1,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            self.at += 2;
            if depth == 0 {
                break;
            }
        }
        self.at = self.at.min(self.text.len());
    }

    /// A quote that is doubled ends and begins again, which is the same.
    fn quoted(&mut self, quote: u8, escapes: bool) {
        self.at += 1;
        while self.at < self.text.len() {
            let byte = self.peek(0);
            if escapes && byte == b'\\' {
                self.at += 2;
            } else if byte == quote {
                if self.peek(1) != quote {
                    self.at += 1;
                    return;
                }
                self.at += 2;
            } else {
                self.at += 1;
            }
        }
    }

    fn number(&mut self) -> TokenKind {
        self.while_is(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'));
        TokenKind::Number
    }

    /// A name, or a string that begins with one: `E'…'`, `U&'…'`.
    fn word(&mut self) -> TokenKind {
        let start = self.at;
        self.while_is(|byte| is_name(byte) || byte.is_ascii_digit() || byte == b'$');
        let prefix = self.text.get(start..self.at).unwrap_or_default();
        match (prefix, self.peek(0), self.peek(1)) {
            ([b'e' | b'E'], b'\'', _) => self.quoted(b'\'', true),
            ([b'b' | b'B' | b'x' | b'X' | b'n' | b'N'], b'\'', _) => self.quoted(b'\'', false),
            ([b'u' | b'U'], b'&', quote @ (b'\'' | b'"')) => {
                self.at += 1;
                self.quoted(quote, false);
            }
            _ => return TokenKind::Word,
        }
        TokenKind::Other
    }

    /// `$$…$$` or `$name$…$name$`.
    fn dollars(&mut self) -> TokenKind {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let name = rest[1..].iter().position(|byte| !is_name(*byte) && !byte.is_ascii_digit());
        let Some(length) = name.filter(|length| rest[1 + length] == b'$') else {
            self.at += 1;
            return TokenKind::Punctuation;
        };
        self.at += length + 2;
        self.past(&rest[..length + 2]);
        TokenKind::Other
    }

    fn operator(&mut self) -> TokenKind {
        let start = self.at;
        self.while_is(is_operator);
        // A comment may begin within.
        let run = self.text.get(start..self.at).unwrap_or_default();
        let comment = run.windows(2).position(|pair| pair == b"--" || pair == b"/*");
        if let Some(at) = comment.filter(|at| *at > 0) {
            self.at = start + at;
        }
        TokenKind::Operator
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_operator(byte: u8) -> bool {
    matches!(
        byte,
        b'+' | b'-'
            | b'*'
            | b'/'
            | b'<'
            | b'>'
            | b'='
            | b'~'
            | b'!'
            | b'@'
            | b'#'
            | b'%'
            | b'^'
            | b'&'
            | b'|'
            | b'`'
            | b'?'
            | b':'
    )
}
