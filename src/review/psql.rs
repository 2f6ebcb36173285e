//! What only psql understands of a script.

use squawk_lexer::{LiteralKind, TokenKind, tokenize};

/// Bytes of a statement that show whether data follows it: `COPY`, its table and a list of all its columns.
const COPY_BYTES_MAX: usize = 64 * 1024;

/// The same text with psql's own commands, and the data of `COPY … FROM stdin`, replaced by blanks: every place
/// stays where it is.
pub(super) fn blanked(sql: &str) -> String {
    let mut script = Script {
        text: String::with_capacity(sql.len()),
        statement: String::new(),
        brackets: 0,
        has_variables: false,
    };
    let mut rest = sql;
    while !rest.is_empty() {
        rest = script.read(rest);
    }
    script.text
}

/// A script while it is read as psql does: a backslash is a command wherever it is in no string, name or comment.
struct Script {
    text: String,
    /// The statement so far, as far as it shows whether data follows it.
    statement: String,
    /// Brackets of arrays that are open.
    brackets: u32,
    /// Whether a variable stood anywhere before.
    has_variables: bool,
}

impl Script {
    /// Read up to the end of the next command or statement. Returns what follows.
    fn read<'a>(&mut self, text: &'a str) -> &'a str {
        let mut at = 0;
        for token in tokenize(text) {
            let rest = text.get(at..).unwrap_or_default();
            let own = rest.get(..token.len as usize).unwrap_or(rest);
            if let Some(length) = self.variable(rest) {
                return &rest[length..];
            }
            // A name may hold the sign that a placeholder begins with.
            let is_name = token.kind == TokenKind::Ident && own.len() > 1;
            if is_name && own.ends_with('$') && rest[own.len()..].starts_with('{') {
                let length = own.len() - 1;
                self.put(&own[..length]);
                return &rest[length..];
            }
            match token.kind {
                TokenKind::OpenBracket => self.brackets += 1,
                TokenKind::CloseBracket => self.brackets = self.brackets.saturating_sub(1),
                _ => {}
            }
            match token.kind {
                TokenKind::Unknown if own == "\\" => return &rest[self.command(rest)..],
                TokenKind::Semi => return &rest[self.end(rest)..],
                TokenKind::LineComment | TokenKind::BlockComment { .. } => {}
                _ if self.statement.len() + own.len() <= COPY_BYTES_MAX => {
                    self.statement.push_str(own);
                }
                _ => {}
            }
            let is_body = matches!(
                token.kind,
                TokenKind::Literal { kind: LiteralKind::DollarQuotedString { .. } }
            );
            if is_body && self.has_variables {
                self.body(own);
            } else {
                self.text.push_str(own);
            }
            at += own.len();
        }
        ""
    }

    /// The body of a function in a script with variables: some runners replace them there, too. It does not run now.
    fn body(&mut self, text: &str) {
        let mut before = ' ';
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            let begins = letters.peek().is_some_and(|next| next.is_alphabetic() || *next == '_');
            let is_apart = !before.is_alphanumeric() && !matches!(before, ':' | ']' | '_');
            self.text.push(if letter == ':' && begins && is_apart { '_' } else { letter });
            before = letter;
        }
    }

    /// A variable of psql, or a placeholder of Flyway and Liquibase, made a name or string of the same length: `:schema`,
    /// `:'value'`, `${schema}`. What stands between brackets may be a slice of an array.
    fn variable(&mut self, text: &str) -> Option<usize> {
        if let Some(inner) = text.strip_prefix("${") {
            let is_named = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
            let length =
                inner.find(|c| !is_named(c)).filter(|end| inner[*end..].starts_with('}'))?;
            let name = inner[..length].replace(['.', ':', '-'], "_");
            self.put(&format!("__{name}_"));
            return Some(length + 3);
        }
        let name = text.strip_prefix(':')?;
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let is_quoted = name.starts_with(['\'', '"']);
        let is_variable = (is_name || is_quoted) && !self.text.ends_with(':') && self.brackets == 0;
        is_variable.then(|| {
            self.put(if is_name { "_" } else { " " });
            1
        })
    }

    fn put(&mut self, text: &str) {
        self.has_variables = true;
        self.text.push_str(text);
        self.statement.push_str(text);
    }

    /// A command, up to the end of its line. Some send the statement before them as a semicolon does.
    fn command(&mut self, text: &str) -> usize {
        let length = text.find('\n').unwrap_or(text.len());
        let sends = ["\\g", "\\watch", "\\crosstabview"].iter().any(|name| text.starts_with(name));
        if sends && !self.statement.trim().is_empty() {
            self.text.push(';');
            self.blank(&text[1..length]);
            self.statement.clear();
        } else {
            self.blank(&text[..length]);
        }
        length
    }

    /// The end of a statement, and the data that follows it from the next line on.
    fn end(&mut self, text: &str) -> usize {
        self.text.push(';');
        self.brackets = 0;
        let statement = std::mem::take(&mut self.statement).to_ascii_lowercase();
        let words: Vec<&str> = statement.split_whitespace().collect();
        let copies =
            words.first() == Some(&"copy") && words.windows(2).any(|w| w == ["from", "stdin"]);
        if !copies {
            return 1;
        }
        let line = text.find('\n').map_or(text.len(), |end| end + 1);
        self.blank(&text[1..line]);
        let mut length = line;
        for data in text[line..].split_inclusive('\n') {
            self.blank(data);
            length += data.len();
            if data.trim() == "\\." {
                break;
            }
        }
        length
    }

    fn blank(&mut self, text: &str) {
        self.text.extend(text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
    }
}
