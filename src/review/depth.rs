//! How deep a parser may go into a text, known before it is parsed.
//!
//! squawk's parser calls itself for whatever stands inside or behind something else, and dropping its tree does the same.
//! Each level costs at least one token. So the estimate counts tokens: in each bracket that is open, those since the last
//! comma, and all words of a statement behind which another query or block may stand. It may be too high, never too low.

use squawk_lexer::{LiteralKind, TokenKind, tokenize};

/// Levels that are parsed. In a debug build, squawk takes up to 3 kB of stack for each.
const LEVELS_MAX: usize = 2500;
/// Levels of all tokens together, for squawk's time grows with their sum: a debug build takes 1 s for a million.
const LEVELS_SUM_MAX: usize = 10_000_000;
/// Bytes of the stack of the thread that parses: over four times what a debug build takes at most.
pub(super) const STACK_BYTES: usize = 64 << 20;

/// Words behind which another query, block or join stands, so that a comma does not end what is open.
const CHAINING: [&str; 16] = [
    "begin",
    "case",
    "create",
    "declare",
    "except",
    "explain",
    "insert",
    "intersect",
    "join",
    "merge",
    "prepare",
    "schema",
    "select",
    "union",
    "values",
    "with",
];

/// Words that begin the query behind a WITH clause.
const QUERIES: [&str; 7] = ["delete", "insert", "merge", "select", "table", "update", "values"];

/// Why the text is not parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    /// A statement nests too deep, or is too long a chain.
    Depth,
    /// Its statements take too long together.
    Work,
}

/// Why the text should not be parsed, where it should not.
pub(super) fn excess(text: &str) -> Option<Excess> {
    let depth = Depth::of(text, true);
    if depth.deepest > LEVELS_MAX {
        Some(Excess::Depth)
    } else if depth.sum > LEVELS_SUM_MAX {
        Some(Excess::Work)
    } else {
        None
    }
}

/// What is open at a token of a text.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the statement")]
struct Depth {
    /// Brackets that are open.
    brackets: Vec<OpenBracket>,
    /// The sum of the tokens before them.
    around: usize,
    /// Tokens since the last comma, bracket or statement.
    run: usize,
    /// Words of this statement that begin another query or block.
    chain: usize,
    /// WITH clauses of this statement that no query has followed. In such a clause the parser takes a semicolon for a missing
    /// comma, and what follows may stand inside it.
    open_with: usize,
    /// The same of the statements before.
    open_before: usize,
    /// Levels in the strings of this statement, which the parser may read as bodies.
    bodies: usize,
    /// Whether a function or procedure is created: its body may be a string.
    is_function: bool,
    is_created: bool,
    /// Whether the statement has begun.
    has_begun: bool,
    /// Whether a block may be open that holds statements. Where it ends is the parser's to know.
    in_block: bool,
    deepest: usize,
    sum: usize,
}

/// A bracket that is open.
#[derive(Debug)]
struct OpenBracket {
    kind: TokenKind,
    /// The tokens before it since the last comma of its level.
    before: usize,
    /// The WITH clauses before it that no query has followed.
    open_with: usize,
}

impl Depth {
    fn of(text: &str, with_bodies: bool) -> Self {
        let mut depth = Self::default();
        let mut at = 0;
        for token in tokenize(text) {
            let end = at + token.len as usize;
            let own = text.get(at..end).unwrap_or_default();
            at = end;
            match token.kind {
                TokenKind::Whitespace
                | TokenKind::LineComment
                | TokenKind::BlockComment { .. }
                | TokenKind::Eof => continue,
                TokenKind::Literal { kind } if with_bodies => {
                    if depth.is_created {
                        depth.body(kind, own);
                    }
                    depth.step();
                }
                kind => depth.token(kind, own),
            }
            let here = depth.here();
            depth.deepest = depth.deepest.max(here + depth.open_before);
            depth.sum = depth.sum.saturating_add(here);
            if depth.deepest > LEVELS_MAX || depth.sum > LEVELS_SUM_MAX {
                break;
            }
        }
        depth
    }

    /// A string that may be read as SQL, once more than the statement it is part of.
    fn body(&mut self, kind: LiteralKind, text: &str) {
        let body = match kind {
            LiteralKind::DollarQuotedString { .. } => {
                let tag = text[1..].find('$').map_or(text.len(), |end| end + 2);
                let end = text.len().saturating_sub(tag);
                Self::of(text.get(tag..end).unwrap_or_default(), false)
            }
            LiteralKind::Str { .. } => Self::of(&text.trim_matches('\'').replace("''", "'"), false),
            LiteralKind::Int { .. } | LiteralKind::Numeric { .. } => return,
            // Escapes may stand for anything: a token for each byte at worst.
            LiteralKind::EscStr { .. }
            | LiteralKind::UnicodeEscStr { .. }
            | LiteralKind::NationalStr { .. }
            | LiteralKind::ByteStr { .. }
            | LiteralKind::BitStr { .. } => {
                Self { deepest: text.len(), sum: text.len().saturating_pow(2), ..Self::default() }
            }
        };
        // Strings behind one another are one.
        self.bodies += body.deepest;
        if self.is_function {
            self.sum = self.sum.saturating_add(body.sum);
        }
    }

    fn here(&self) -> usize {
        let own = self.around + self.brackets.len() + self.run + self.chain;
        if self.is_function { own.max(self.bodies) } else { own }
    }

    fn token(&mut self, kind: TokenKind, text: &str) {
        match kind {
            TokenKind::OpenParen | TokenKind::OpenBracket => {
                self.step();
                let open_with = self.open_with;
                self.brackets.push(OpenBracket { kind, before: self.run, open_with });
                self.around += self.run;
                self.run = 0;
            }
            TokenKind::CloseParen => self.close(TokenKind::OpenParen),
            TokenKind::CloseBracket => self.close(TokenKind::OpenBracket),
            TokenKind::Comma => self.run = 0,
            TokenKind::Semi => self.end_statement(),
            TokenKind::Ident => {
                self.word(text);
                self.step();
            }
            _ => self.step(),
        }
    }

    fn step(&mut self) {
        self.run += 1;
        self.has_begun = true;
    }

    /// A bracket closes only the one of its own kind. What stood before that is still open, and it is part of it.
    fn close(&mut self, open: TokenKind) {
        match self.brackets.pop_if(|bracket| bracket.kind == open) {
            Some(OpenBracket { before, open_with, .. }) => {
                self.around -= before;
                self.run = before;
                self.open_with = open_with;
            }
            None => self.step(),
        }
    }

    fn end_statement(&mut self) {
        self.run = 0;
        if self.brackets.is_empty() && !self.in_block {
            let open_before = self.open_before + self.open_with;
            *self = Self { deepest: self.deepest, sum: self.sum, open_before, ..Self::default() };
        }
    }

    fn word(&mut self, word: &str) {
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        if CHAINING.iter().any(|chaining| is(chaining)) {
            self.chain += 1;
        }
        if is("with") {
            self.open_with += 1;
        } else if QUERIES.iter().any(|query| is(query)) {
            self.open_with = self.open_with.saturating_sub(1);
        }
        // `BEGIN` alone begins a transaction.
        self.in_block |= self.has_begun && is("begin");
        self.is_created |= is("create");
        self.is_function |= self.is_created && (is("function") || is("procedure"));
    }
}

#[cfg(test)]
mod tests;
