//! A file of SQL: parsed, with places.

use std::cell::Cell;
use std::collections::BTreeMap;

use squawk_syntax::{Parse, SourceFile, SyntaxNode};

use super::depth::{self, Excess};
use super::psql;
use super::section;
use super::suppression::Suppressions;
use super::tokens::own_tokens;
use super::{FILE_BYTES_MAX, unreviewed};
use crate::model::Gap;

/// Where something begins: in which of the files, by its number, and at which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FilePosition {
    pub(super) file: usize,
    pub(super) byte: usize,
}

/// A file of SQL.
pub(super) struct ParsedFile {
    pub(super) path: String,
    /// Its text, with what only psql understands blanked out.
    pub(super) text: String,
    pub(super) tree: Parse<SourceFile>,
    pub(super) suppressions: Suppressions,
    /// Each statement with the byte where its own text begins, in order.
    statements: Vec<(usize, SyntaxNode)>,
    /// Statements that could not be parsed, by where they begin, each with its first error.
    pub(super) broken: BTreeMap<usize, usize>,
    /// Where each line begins.
    lines: Vec<usize>,
    /// The place that was computed last, and its column: the next one is often on the same line.
    last: Cell<(usize, usize)>,
}

impl ParsedFile {
    /// Read it, unless it is no migration.
    pub(super) fn read(path: &str, sql: &str) -> Result<Self, Gap> {
        let gap = |why: &str| unreviewed(path, why);
        if sql.len() > FILE_BYTES_MAX {
            return Err(gap("it is over 8 MiB, which is more than migrations are"));
        }
        let text = psql::blanked(sql.trim_start_matches('\u{feff}'));
        let text = section::without_down(&text);
        match depth::excess(&text) {
            None => {}
            Some(Excess::Depth) => {
                return Err(gap("a statement is nested or chained more than 2,500 levels deep"));
            }
            Some(Excess::Work) => {
                return Err(gap("its long statements take too much time together; split the file"));
            }
        }
        let tree = SourceFile::parse(&text);
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines: Vec<usize> = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        let suppressions = Suppressions::of(&text);
        let nodes = tree.syntax_node().children();
        let statements: Vec<_> = nodes.map(|node| (code(&node), node)).collect();
        let path = path.to_owned();
        let broken = broken(&tree, &statements);
        let last = Cell::new((0, 0));
        Ok(Self { path, text, tree, suppressions, statements, broken, lines, last })
    }

    /// The statements, each with the byte where its own text begins.
    pub(super) fn statements(&self) -> &[(usize, SyntaxNode)] {
        &self.statements
    }

    /// The statement that holds a byte, and where it begins.
    pub(super) fn statement_at(&self, at: usize) -> Option<&(usize, SyntaxNode)> {
        let behind = self.statements.partition_point(|(begin, _)| *begin <= at);
        self.statements[..behind].last()
    }

    /// Whether the statement that holds a byte could not be parsed: nothing is concluded from its half.
    pub(super) fn is_broken(&self, at: usize) -> bool {
        let begin = self.statement_at(at).map_or(0, |(begin, _)| *begin);
        self.broken.contains_key(&begin)
    }

    /// The line and column of a byte, counted from 1, columns in characters.
    pub(super) fn place(&self, at: usize) -> (u32, u32) {
        let line = self.lines.partition_point(|begin| *begin <= at).max(1);
        let begin = self.lines[line - 1];
        let (last, counted) = self.last.get();
        let (from, counted) =
            if (begin..=at).contains(&last) { (last, counted) } else { (begin, 0) };
        let before = counted + self.text.get(from..at).map_or(0, |text| text.chars().count());
        self.last.set((at, before));
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (count(line), count(before + 1))
    }
}

/// The statements that hold errors, with the first of each.
fn broken(tree: &Parse<SourceFile>, statements: &[(usize, SyntaxNode)]) -> BTreeMap<usize, usize> {
    let mut broken = BTreeMap::new();
    for error in tree.errors() {
        let at = usize::from(error.range().start());
        let behind = statements.partition_point(|(begin, _)| *begin <= at);
        let begin = statements[..behind].last().map_or(0, |(begin, _)| *begin);
        broken.entry(begin).or_insert(at);
    }
    // What the parser could not read behind a statement that nothing ends is the server's rest of that statement.
    for (own, next) in statements.iter().zip(statements.iter().skip(1)).rev() {
        let is_open = || own_tokens(&own.1).last().is_none_or(|last| last.text() != ";");
        if let Some(at) = broken.get(&next.0).copied()
            && is_open()
        {
            broken.entry(own.0).or_insert(at);
        }
    }
    broken
}

/// The byte where a node's own text begins, behind the space and comments before it.
pub(super) fn code(node: &SyntaxNode) -> usize {
    let first = own_tokens(node).next();
    let start = first.map_or(node.text_range().start(), |token| token.text_range().start());
    usize::from(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_psql_understands_is_blanked_and_places_stay() {
        let sql = "\\set x 1\nCOPY t (a) FROM stdin;\n1\tnaïve\n\\.\nSELECT 'ü', 1;\n";
        let file = ParsedFile::read("a.sql", sql).unwrap();
        assert!(!file.text.contains("\\set") && !file.text.contains("1\t"), "{}", file.text);
        assert_eq!(file.text.len(), sql.len());
        let at = file.text.find("1;").unwrap();
        assert_eq!(file.place(at), (5, 13));
        assert!(file.tree.errors().is_empty());
    }

    #[test]
    fn data_and_commands_are_told_from_statements_as_psql_does() {
        let read = |sql: &str| ParsedFile::read("a.sql", sql).unwrap().text.clone();
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
        assert!(ParsedFile::read("deep.sql", &deep).is_err());
        assert!(
            ParsedFile::read("text.sql", &format!("select '{}'; -- ((", "(".repeat(10_000)))
                .is_ok()
        );
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
                assert!(ParsedFile::read("m.sql", &sql).is_err(), "{}", &sql[..40]);
            }
        }
        let rows =
            format!("insert into t values {};", vec!["(1, -2.5, 'it''s ((')"; 10_000].join(",\n"));
        assert!(ParsedFile::read("rows.sql", &rows).is_ok());
    }
}
