//! A file of SQL: parsed, with places.

use squawk_syntax::{Parse, SourceFile, SyntaxNode};

use super::FILE_BYTES_MAX;
use super::suppression::Suppressions;
use super::tables::{are_same, changed, made};
use crate::model::{Gap, GapReason};

/// Brackets within brackets at most: the parser goes as deep as the text does.
const NESTING_MAX: usize = 200;
/// Words and operators that no comma, bracket or end of a statement parts, at most.
const RUN_MAX: usize = 2000;
/// Queries and blocks of one statement at most.
const CHAIN_MAX: usize = 1000;

/// A file of SQL.
pub(super) struct File {
    pub(super) path: String,
    /// Its text, with what only psql understands blanked out.
    pub(super) text: String,
    pub(super) tree: Parse<SourceFile>,
    pub(super) suppressions: Suppressions,
    /// Each statement with the byte where its own text begins, in order.
    statements: Vec<(usize, SyntaxNode)>,
    /// Each table that it makes, with the byte where the statement begins.
    made: Vec<(usize, String)>,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl File {
    /// Read it, unless it is no migration.
    pub(super) fn read(path: &str, sql: &str) -> Result<Self, Gap> {
        let gap = |detail: &str| {
            Gap::new("migration", GapReason::BudgetSpent, format!("{path} was not read: {detail}"))
        };
        if sql.len() > FILE_BYTES_MAX {
            return Err(gap("it is over 8 MiB, which is more than migrations are"));
        }
        let text = without_psql(sql.trim_start_matches('\u{feff}'));
        if Depth::default().through(&text).is_too_much() {
            return Err(gap(
                "a statement of it nests deeper, or runs on for longer, than can be read",
            ));
        }
        let tree = SourceFile::parse(&text);
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines: Vec<usize> = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        let suppressions = Suppressions::of(&text);
        let nodes = tree.syntax_node().children();
        let statements: Vec<_> = nodes.map(|node| (code(&node), node)).collect();
        let made = statements.iter().filter_map(|(at, statement)| Some((*at, made(statement)?)));
        let (path, made) = (path.to_owned(), made.collect());
        Ok(Self { path, text, tree, suppressions, statements, made, lines })
    }

    /// The statement that holds a byte, and where it begins.
    pub(super) fn statement_at(&self, at: usize) -> Option<&(usize, SyntaxNode)> {
        let behind = self.statements.partition_point(|(begin, _)| *begin <= at);
        self.statements[..behind].last()
    }

    /// Whether the statement that holds a byte changes a table that the file has made before: nobody waits for it.
    pub(super) fn is_of_new_table(&self, at: usize) -> bool {
        let Some((begin, statement)) = self.statement_at(at) else { return false };
        let Some(table) = changed(statement) else { return false };
        let mut before = self.made.iter().take_while(|(at, _)| at < begin);
        before.any(|(_, made)| are_same(made, &table))
    }

    /// The line and column of a byte, counted from 1, columns in characters.
    pub(super) fn place(&self, at: usize) -> (u32, u32) {
        let line = self.lines.partition_point(|begin| *begin <= at).max(1);
        let begin = self.lines[line - 1];
        let before = self.text.get(begin..at).map_or(0, |text| text.chars().count());
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (count(line), count(before + 1))
    }
}

/// The byte where a node's own text begins, behind the space and comments before it.
pub(super) fn code(node: &SyntaxNode) -> usize {
    let tokens =
        node.descendants_with_tokens().filter_map(squawk_syntax::SyntaxElement::into_token);
    let mut own = tokens.filter(|token| !token.kind().is_trivia());
    let start = own.next().map_or(node.text_range().start(), |token| token.text_range().start());
    usize::from(start)
}

/// The same text with psql's own commands, and the data of `COPY … FROM stdin`, replaced by blanks: every place
/// stays where it is.
fn without_psql(sql: &str) -> String {
    let mut script = Script { text: String::with_capacity(sql.len()), statement: String::new() };
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '\\' => script.command(rest),
            ';' => script.end(rest),
            _ => script.token(rest, c),
        };
        rest = &rest[length..];
    }
    script.text
}

/// A script for psql while it is read as psql does: a backslash is a command wherever it is in no string, name or comment.
struct Script {
    text: String,
    /// The statement so far, as far as it tells whether data follows it.
    statement: String,
}

/// Bytes of a statement that tell whether data follows it: `COPY`, its table and a list of all its columns.
const COPY_BYTES_MAX: usize = 64 * 1024;

impl Script {
    /// What is no end of anything. Returns its length.
    fn token(&mut self, text: &str, c: char) -> usize {
        let (length, is_code) = match c {
            '\'' | '"' => (quoted_length(text, c), true),
            'e' | 'E' if text[1..].starts_with('\'') && !self.is_in_word() => {
                (escaped_length(text), true)
            }
            '-' if text.starts_with("--") => (text.find('\n').unwrap_or(text.len()), false),
            '/' if text.starts_with("/*") => (comment_length(text), false),
            '$' if !self.is_in_word() => (dollar_quoted_length(text), true),
            c => (c.len_utf8(), true),
        };
        let token = &text[..length];
        self.text.push_str(token);
        if is_code && self.statement.len() + length <= COPY_BYTES_MAX {
            self.statement.push_str(token);
        }
        length
    }

    fn is_in_word(&self) -> bool {
        self.text.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$')
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

/// Bytes of what stands between dollar quotes, these included; of the sign alone where it is none.
fn dollar_quoted_length(text: &str) -> usize {
    let Some(tag) = dollar_tag(text) else { return 1 };
    // Without an end, the rest is a string to every reader.
    text[tag.len()..].find(tag).map_or(text.len(), |end| tag.len() + end + tag.len())
}

/// The quote that a text begins with: `$$` or `$name$`.
fn dollar_tag(text: &str) -> Option<&str> {
    let end = text[1..].find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
    text[1 + end..].starts_with('$').then(|| &text[..end + 2])
}

/// What makes a parser go deep: brackets in brackets, long runs of words and operators that no comma or bracket
/// parts, and queries or blocks in a row. Outside of strings and comments; each statement by itself.
#[derive(Debug, Default)]
struct Depth {
    nesting: usize,
    nesting_max: usize,
    /// Words and operators since the last comma, bracket or statement.
    run: usize,
    run_max: usize,
    /// Words of this statement that begin another query or block.
    chain: usize,
    chain_max: usize,
    /// Dollar quotes around this text.
    level: usize,
}

/// Bodies within bodies that are looked into.
const LEVELS_MAX: usize = 4;

/// Words behind which another query or block stands.
const CHAINING: [&str; 14] = [
    "union",
    "intersect",
    "except",
    "join",
    "select",
    "explain",
    "prepare",
    "create",
    "with",
    "case",
    "begin",
    "schema",
    "if",
    "loop",
];

impl Depth {
    fn through(mut self, text: &str) -> Self {
        let depth = &mut self;
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let length = match c {
                '\'' | '"' => quoted_length(rest, c),
                'e' | 'E' if rest[1..].starts_with('\'') => escaped_length(rest),
                '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
                '/' if rest.starts_with("/*") => comment_length(rest),
                '$' => depth.dollar_quoted(rest),
                c if c.is_alphanumeric() || c == '_' => {
                    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
                    let word = &rest[..end.unwrap_or(rest.len())];
                    depth.word(word);
                    word.len()
                }
                c => {
                    depth.mark(c);
                    c.len_utf8()
                }
            };
            rest = &rest[length..];
        }
        self
    }

    /// What stands between dollar quotes may be a body of SQL: it is as deep as it is. Returns its length.
    fn dollar_quoted(&mut self, text: &str) -> usize {
        let Some(tag) = dollar_tag(text) else { return 1 };
        let body = &text[tag.len()..];
        // Without an end, the rest is a string to every reader.
        let Some(end) = body.find(tag) else { return text.len() };
        let inner = if self.level < LEVELS_MAX {
            Self { level: self.level + 1, ..Self::default() }.through(&body[..end])
        } else {
            Self::default()
        };
        self.nesting_max = self.nesting_max.max(inner.nesting_max);
        self.run_max = self.run_max.max(inner.run_max);
        self.chain_max = self.chain_max.max(inner.chain_max);
        tag.len() + end + tag.len()
    }

    fn word(&mut self, word: &str) {
        self.step();
        if CHAINING.iter().any(|chaining| word.eq_ignore_ascii_case(chaining)) {
            self.chain += 1;
            self.chain_max = self.chain_max.max(self.chain);
        }
    }

    fn mark(&mut self, c: char) {
        match c {
            '(' | '[' => {
                self.nesting += 1;
                self.nesting_max = self.nesting_max.max(self.nesting);
                self.run = 0;
            }
            ')' | ']' => self.nesting = self.nesting.saturating_sub(1),
            ',' => self.run = 0,
            ';' => (self.nesting, self.run, self.chain) = (0, 0, 0),
            c if c.is_whitespace() => {}
            _ => self.step(),
        }
    }

    fn step(&mut self) {
        self.run += 1;
        self.run_max = self.run_max.max(self.run);
    }

    fn is_too_much(&self) -> bool {
        self.nesting_max > NESTING_MAX || self.run_max > RUN_MAX || self.chain_max > CHAIN_MAX
    }
}

/// Bytes of `E'…'`, in which a backslash escapes a quote.
fn escaped_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(2) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Bytes of a comment in `/* */`; these nest.
fn comment_length(text: &str) -> usize {
    let (mut open, mut at) = (1_usize, 2);
    while open > 0 {
        let Some(next) = text[at..].find(['*', '/']) else { return text.len() };
        at += next;
        match text.as_bytes().get(at..at + 2) {
            Some(b"*/") => (open, at) = (open - 1, at + 2),
            Some(b"/*") => (open, at) = (open + 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

/// Bytes of a string or quoted name, its quotes included. A doubled quote ends one and begins the next.
fn quoted_length(text: &str, quote: char) -> usize {
    text[1..].find(quote).map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_psql_understands_is_blanked_and_places_stay() {
        let sql = "\\set x 1\nCOPY t (a) FROM stdin;\n1\tnaïve\n\\.\nSELECT 'ü', 1;\n";
        let file = File::read("a.sql", sql).unwrap();
        assert!(!file.text.contains("\\set") && !file.text.contains("1\t"), "{}", file.text);
        assert_eq!(file.text.len(), sql.len());
        let at = file.text.find("1;").unwrap();
        assert_eq!(file.place(at), (5, 13));
        assert!(file.tree.errors().is_empty());
    }

    #[test]
    fn data_and_commands_are_told_from_statements_as_psql_does() {
        let read = |sql: &str| File::read("a.sql", sql).unwrap().text.clone();
        for copy in [
            "copy t from stdin",
            "COPY public.t (a,\n    b) FROM STDIN\n",
            "copy t (\"a;b\") from stdin with (format csv)",
        ] {
            let text = read(&format!("{copy}; -- rows\nit's data\n\\.\ncreate table u (a int);"));
            assert!(!text.contains("data") && text.contains("create table u"), "{text}");
        }
        for not_copied in
            ["select 'copy t from stdin'", "copy t from 'stdin'", "-- copy t from stdin\nselect 1"]
        {
            assert!(read(&format!("{not_copied};\nselect 2;")).contains("select 2"));
        }
        for string in ["'a\n\\b'", "$$a\n\\b'$$", "E'\\'\n\\b'", "/* ' \n\\b */ 1", "\"a\n\\b\""] {
            let sql = format!("select {string};\n");
            assert_eq!(read(&sql), sql);
        }
        assert_eq!(read("select 1 \\gset\nselect 2;"), "select 1 ;    \nselect 2;");
        assert_eq!(read("\\gset\nselect 2;"), "     \nselect 2;");
    }

    #[test]
    fn brackets_without_end_are_not_followed() {
        let deep = format!("select {}1{};", "(".repeat(10_000), ")".repeat(10_000));
        assert!(File::read("deep.sql", &deep).is_err());
        assert!(File::read("text.sql", &format!("select '{}'; -- ((", "(".repeat(10_000))).is_ok());
    }

    #[test]
    fn what_would_take_a_parser_too_deep_is_not_parsed() {
        for hostile in [
            "- ",
            "not ",
            "case when ",
            "1 + ",
            "1 union select 1, 2 ",
            "begin ",
            "explain ",
            "prepare a as ",
            "create schema a ",
            "a.",
            "join a ",
            "is not distinct from 1 ",
        ] {
            let hostile = hostile.repeat(100_000);
            for sql in [
                format!("select {hostile}1;"),
                format!("select E'\\'', {hostile} '1';"),
                format!("/* /* ' */ ' */ select {hostile}1;"),
                format!("select $a$ ' $a$, {hostile} $a$ ' $a$;"),
                format!("create function f() as $$ {hostile} $$;"),
            ] {
                assert!(File::read("m.sql", &sql).is_err(), "{}", &sql[..40]);
            }
        }
        let rows =
            format!("insert into t values {};", vec!["(1, -2.5, 'it''s ((')"; 10_000].join(",\n"));
        assert!(File::read("rows.sql", &rows).is_ok());
    }
}
