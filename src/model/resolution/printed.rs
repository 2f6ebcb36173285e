//! Definitions that the server printed, so that they are read again as what they are whatever the search path.
//!
//! `pg_get_indexdef` and `pg_get_expr` leave out the schema of what the search path of the session shows. Our sessions have
//! an empty one (`pg::session`), under which that is what stands in `pg_catalog` and nothing else. An operation is printed in
//! brackets of its own, so that `OPERATOR(…)`, which binds like no comparison does, changes nothing.

use super::token::{SqlToken, tokens};
use super::{GRAMMAR, catalog_operator};

/// What follows the first word in the names of types that the grammar spells.
const TYPE_WORDS: &[&str] = &[
    "varying",
    "precision",
    "with",
    "without",
    "time",
    "zone",
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "to",
];

/// SQL that was printed, with the schemas that were left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The SQL.
    pub sql: String,
    /// Whether it has one of the few forms whose operator the grammar looks up by its name alone: NULLIF, CASE with an
    /// operand, IS DISTINCT FROM. They mean PostgreSQL's own under a search path that has `pg_catalog` first.
    pub by_name: bool,
}

/// An expression, as `pg_get_expr` prints it.
pub fn pinned_expression(printed: &str) -> Pinned {
    let mut writer = Writer::new(printed);
    writer.expression(usize::MAX);
    writer.finish()
}

/// A `CREATE INDEX`, as `pg_get_indexdef` prints it.
pub fn pinned_index(printed: &str) -> Pinned {
    let mut writer = Writer::new(printed);
    // The access method has no schema, and is followed by the keys.
    writer.copy_until(|token| token == SqlToken::Word("USING"));
    writer.copy_until(|token| token.text() == "(");
    writer.keys();
    writer.copy_until(|token| token == SqlToken::Word("WHERE"));
    writer.expression(usize::MAX);
    writer.finish()
}

/// Goes through the pieces once and writes them down again.
struct Writer<'a> {
    tokens: Vec<SqlToken<'a>>,
    at: usize,
    sql: String,
    by_name: bool,
}

impl<'a> Writer<'a> {
    fn new(printed: &'a str) -> Self {
        Self { tokens: tokens(printed), at: 0, sql: String::new(), by_name: false }
    }

    fn finish(self) -> Pinned {
        Pinned { sql: self.sql, by_name: self.by_name }
    }

    fn peek(&self, ahead: usize) -> Option<SqlToken<'a>> {
        self.tokens.get(self.at + ahead).copied()
    }

    fn is(&self, ahead: usize, text: &str) -> bool {
        self.peek(ahead).is_some_and(|token| token.text() == text)
    }

    /// The next piece that is no blank.
    fn next_word(&self, ahead: usize) -> Option<SqlToken<'a>> {
        let mut rest = self.tokens.iter().skip(self.at + ahead);
        rest.find(|token| !matches!(token, SqlToken::Space(_))).copied()
    }

    fn copy(&mut self) {
        if let Some(token) = self.peek(0) {
            self.sql.push_str(token.text());
            self.at += 1;
        }
    }

    fn copy_until(&mut self, end: impl Fn(SqlToken<'_>) -> bool) {
        while self.peek(0).is_some_and(|token| !end(token)) {
            self.copy();
        }
    }

    fn copy_blanks(&mut self) {
        self.copy_until(|token| !matches!(token, SqlToken::Space(_)));
    }

    /// Brackets and what is between them, as it is.
    fn copy_group(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.peek(0) {
            depth += usize::from(token.text() == "(");
            depth = depth.saturating_sub(usize::from(token.text() == ")"));
            self.copy();
            if depth == 0 {
                return;
            }
        }
    }

    /// A name with the schema that was left out; one that has a schema is copied.
    fn qualified(&mut self) {
        if !self.is(1, ".") {
            self.sql.push_str("pg_catalog.");
        }
        self.copy();
        while self.is(0, ".") {
            self.copy();
            self.copy();
        }
    }

    /// An expression until so many brackets are closed, or until the end.
    fn expression(&mut self, mut depth: usize) {
        while let Some(token) = self.peek(0) {
            match token {
                SqlToken::Other("(") => depth = depth.saturating_add(1),
                SqlToken::Other(")") => depth = depth.saturating_sub(1),
                _ => {}
            }
            match token {
                // The field of a row.
                SqlToken::Other(".") => {
                    self.copy();
                    self.copy();
                }
                SqlToken::Cast(_) => {
                    self.copy();
                    self.type_name();
                }
                // The name of an argument.
                SqlToken::Operator("=>") => self.copy(),
                SqlToken::Operator(symbol) => {
                    self.sql.push_str(&catalog_operator(symbol));
                    self.at += 1;
                }
                name if name.is_name() => self.name(),
                SqlToken::Word(word) => self.grammar(word),
                _ => self.copy(),
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// A column, or a function where a bracket follows at once.
    fn name(&mut self) {
        if self.is(1, "(") || self.is(1, ".") {
            self.qualified();
        } else {
            self.copy();
        }
    }

    /// A word of the grammar.
    fn grammar(&mut self, word: &str) {
        self.copy();
        match word {
            "OPERATOR" => self.copy_group(),
            "COLLATE" => {
                self.copy_blanks();
                self.qualified();
            }
            "NULLIF" | "DISTINCT" => self.by_name = true,
            "CASE" => self.by_name |= self.next_word(0) != Some(SqlToken::Word("WHEN")),
            _ => {}
        }
    }

    fn type_name(&mut self) {
        let first = self.peek(0).map_or("", SqlToken::text);
        if !GRAMMAR.contains(&first) {
            self.qualified();
            if self.is(0, "(") {
                self.copy_group();
            }
            return;
        }
        self.copy();
        loop {
            let word = matches!(self.peek(0), Some(SqlToken::Space(_)))
                && self.peek(1).is_some_and(|token| TYPE_WORDS.contains(&token.text()));
            if word {
                self.copy();
                self.copy();
            } else if self.is(0, "(") {
                self.copy_group();
            } else {
                return;
            }
        }
    }

    /// The keys of an index in their brackets, with collations and operator classes.
    fn keys(&mut self) {
        self.copy();
        let mut is_class = false;
        while let Some(token) = self.peek(0) {
            match token {
                SqlToken::Other(")") => return self.copy(),
                SqlToken::Other(",") => {
                    is_class = false;
                    self.copy();
                }
                SqlToken::Space(_) => self.copy(),
                SqlToken::Word("COLLATE") => self.grammar("COLLATE"),
                // A class, perhaps with parameters.
                name if name.is_name() && is_class => {
                    self.qualified();
                    if self.is(0, " ") && self.is(1, "(") {
                        self.copy_blanks();
                        self.copy_group();
                    }
                }
                _ if is_class => self.copy(),
                _ => {
                    self.key();
                    is_class = true;
                }
            }
        }
    }

    /// A column, a call of a function, or an expression in brackets.
    fn key(&mut self) {
        match self.peek(0) {
            Some(name) if name.is_name() => self.name(),
            Some(SqlToken::Word(word)) => self.grammar(word),
            _ => {}
        }
        if self.is(0, "(") {
            self.expression(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(printed: &str) -> String {
        pinned_expression(printed).sql
    }

    #[test]
    fn operators_functions_types_and_collations_get_the_schema_that_was_left_out() {
        assert_eq!(
            expression(r"((data ->> 'true'::text) = 'it''s - all'::text)"),
            "((data OPERATOR(pg_catalog.->>) 'true'::pg_catalog.text) OPERATOR(pg_catalog.=) 'it''s - all'::pg_catalog.text)"
        );
        assert_eq!(
            expression(r#"(lower((name)::text) ~~ 'a%'::text COLLATE "C")"#),
            r#"(pg_catalog.lower((name)::pg_catalog.text) OPERATOR(pg_catalog.~~) 'a%'::pg_catalog.text COLLATE pg_catalog."C")"#
        );
        assert_eq!(
            expression(r#"((a)::character varying(10) <> ALL ('{}'::"char"[]))"#),
            r#"((a)::character varying(10) OPERATOR(pg_catalog.<>) ALL ('{}'::pg_catalog."char"[]))"#
        );
        assert_eq!(
            expression("((t)::timestamp(3) without time zone AT TIME ZONE 'UTC'::text)"),
            "((t)::timestamp(3) without time zone AT TIME ZONE 'UTC'::pg_catalog.text)"
        );
        assert_eq!(
            expression(r#"(COALESCE("left"(a, 3), EXTRACT(year FROM d), (- n)) IS NOT NULL)"#),
            r#"(COALESCE(pg_catalog."left"(a, 3), EXTRACT(year FROM d), (OPERATOR(pg_catalog.-) n)) IS NOT NULL)"#
        );
        assert_eq!(expression("(c).f"), "(c).f");
        assert_eq!(expression("ext.f(x => (a + 1))"), "ext.f(x => (a OPERATOR(pg_catalog.+) 1))");
    }

    #[test]
    fn what_has_a_schema_stays_as_it_is() {
        for sql in [
            "(a OPERATOR(ext.<=>) b)",
            "ext.binary_quantize(\"E\")::bit(3)",
            "e::ext.halfvec(3)",
            "\"My Ext\".f(a)::\"My Ext\".t[]",
            "deleted_at IS NULL AND x IS NOT NULL",
        ] {
            assert_eq!(expression(sql), sql);
        }
        let once = expression("(f((a || 'x'::text)) >= '2020-01-01'::date)");
        assert_eq!(expression(&once), once);
    }

    #[test]
    fn of_an_index_the_keys_and_the_predicate_get_it() {
        let pinned = |printed: &str| pinned_index(printed).sql;
        assert_eq!(
            pinned(
                "CREATE UNIQUE INDEX \"a (b)\" ON ml.t USING btree (a, lower(b) COLLATE \"C\" text_pattern_ops DESC NULLS LAST, \
                 ((c + 1))) INCLUDE (d) NULLS NOT DISTINCT WITH (fillfactor='70') TABLESPACE fast WHERE (a > 0)"
            ),
            "CREATE UNIQUE INDEX \"a (b)\" ON ml.t USING btree (a, pg_catalog.lower(b) COLLATE pg_catalog.\"C\" \
             pg_catalog.text_pattern_ops DESC NULLS LAST, ((c OPERATOR(pg_catalog.+) 1))) INCLUDE (d) NULLS NOT DISTINCT \
             WITH (fillfactor='70') TABLESPACE fast WHERE (a OPERATOR(pg_catalog.>) 0)"
        );
        assert_eq!(
            pinned(
                "CREATE INDEX i ON ONLY ml.t USING gist (a ext.gist_trgm_ops (siglen='32'), EXTRACT(year FROM d), ext.f(b) int4_ops)"
            ),
            "CREATE INDEX i ON ONLY ml.t USING gist (a ext.gist_trgm_ops (siglen='32'), EXTRACT(year FROM d), ext.f(b) pg_catalog.int4_ops)"
        );
        assert_eq!(
            pinned(
                "CREATE INDEX i ON ml.t USING gin (payload jsonb_path_ops) WITH (fastupdate=off)"
            ),
            "CREATE INDEX i ON ml.t USING gin (payload pg_catalog.jsonb_path_ops) WITH (fastupdate=off)"
        );
    }

    #[test]
    fn forms_whose_operator_has_no_place_for_a_schema_are_known() {
        let by_name = |printed| pinned_expression(printed).by_name;
        assert!(by_name("NULLIF(a, b)") && by_name("(a IS NOT DISTINCT FROM b)"));
        assert!(by_name("CASE a WHEN 1 THEN 2 ELSE 3 END"));
        assert!(!by_name("CASE WHEN (a = 1) THEN 2 ELSE 3 END"));
        assert!(pinned_index("CREATE INDEX i ON s.t USING btree (NULLIF(a, 0))").by_name);
        assert!(!pinned_index("CREATE INDEX i ON s.t USING btree (a) NULLS NOT DISTINCT").by_name);
    }

    #[test]
    fn no_text_is_too_strange() {
        for text in [
            "",
            "(",
            "::",
            "COLLATE",
            "a::",
            "OPERATOR",
            "CASE",
            "CREATE INDEX USING",
            "USING x (a",
            "a.",
            "'",
        ] {
            pinned_expression(text);
            pinned_index(text);
        }
    }
}
