//! What only psql understands of a script.

use squawk_lexer::{TokenKind, tokenize};

/// Bytes of a statement that show whether data follows it: `COPY`, its table and a list of all its columns.
const COPY_BYTES_MAX: usize = 64 * 1024;

/// The same text with psql's own commands, and the data of `COPY … FROM stdin`, replaced by blanks: every place
/// stays where it is.
pub(super) fn blanked(sql: &str) -> String {
    let mut script = Script { text: String::with_capacity(sql.len()), statement: String::new() };
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
}

impl Script {
    /// Read up to the end of the next command or statement. Returns what follows.
    fn read<'a>(&mut self, text: &'a str) -> &'a str {
        let mut at = 0;
        for token in tokenize(text) {
            let rest = text.get(at..).unwrap_or_default();
            let own = rest.get(..token.len as usize).unwrap_or(rest);
            match token.kind {
                TokenKind::Unknown if own == "\\" => return &rest[self.command(rest)..],
                TokenKind::Semi => return &rest[self.end(rest)..],
                TokenKind::LineComment | TokenKind::BlockComment { .. } => {}
                _ if self.statement.len() + own.len() <= COPY_BYTES_MAX => {
                    self.statement.push_str(own);
                }
                _ => {}
            }
            self.text.push_str(own);
            at += own.len();
        }
        ""
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
