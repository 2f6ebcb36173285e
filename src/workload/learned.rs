//! Values among literals that their surroundings do not distinguish from keys: `jsonb_set(data, '{a}', '1')`,
//! `'2026-11-25'::date`.
//!
//! Where texts come again and again that differ in such literals, each literal is replaced by what a key, a path, a
//! document and a jsonpath look like. One whose replacement never changes what the statement means is a value.

use std::collections::HashMap;

use super::session::identity;
use super::tokens::{TextToken, TokenKind, tokens};

/// Statements that differ in literals parsed before it is found out which of these are values at most.
const LEARN_AFTER: u8 = 16;

/// Literals of one statement tried at most; each costs a parse for each probe.
const LITERALS_MAX: usize = 32;

/// Kinds of statements remembered at most.
const TEMPLATES_MAX: usize = 8192;

/// What a literal may be that matters: a key, a position, a path, documents, a jsonpath.
const PROBES: &[&str] = &["k", "0", "{k}", "{\"k\": 1}", "[{\"k\": 1}]", "1", "$.k"];

/// What a number may be that matters: a position, a limit.
const NUMBERS: &[&str] = &["0", "1", "7"];

/// What a literal is tried with.
fn probes(token: TextToken) -> &'static [&'static str] {
    if token.kind == TokenKind::Number { NUMBERS } else { PROBES }
}

/// Which literals of which statements are values.
#[derive(Default)]
pub(super) struct LiteralClassifier {
    templates: HashMap<u64, TemplateState>,
}

enum TemplateState {
    /// How often it came.
    Seen(u8),
    /// Which of its literals are values.
    Values(Vec<bool>),
}

impl LiteralClassifier {
    /// The statement with one and the same value for all that were found to be values. `means_same` says whether a
    /// statement means what this one means.
    pub(super) fn shape(
        &mut self,
        sql: String,
        means_same: impl FnOnce(&str, &[String]) -> Vec<bool>,
    ) -> String {
        let literals: Vec<TextToken> =
            tokens(&sql).filter(is_literal).take(LITERALS_MAX + 1).collect();
        if literals.is_empty() || literals.len() > LITERALS_MAX {
            return sql;
        }
        let template =
            identity(replaced(&sql, literals.iter().map(|token| (*token, same_for_all(*token)))));
        if self.templates.len() > TEMPLATES_MAX {
            self.templates.clear();
        }
        let state = self.templates.entry(template).or_insert(TemplateState::Seen(0));
        if let TemplateState::Seen(times) = state {
            *times += 1;
            if *times <= LEARN_AFTER {
                return sql;
            }
            let tried: Vec<String> = literals
                .iter()
                .flat_map(|token| probes(*token).iter().map(|probe| (*token, *probe)))
                .map(|probe| replaced(&sql, [probe].into_iter()))
                .collect();
            let mut same = means_same(&sql, &tried).into_iter();
            let is_value = |token: &TextToken| {
                let own: Vec<bool> = same.by_ref().take(probes(*token).len()).collect();
                own.iter().all(|same| *same)
            };
            *state = TemplateState::Values(literals.iter().map(is_value).collect());
        }
        let TemplateState::Values(values) = state else { return sql };
        let values = literals.into_iter().zip(values).filter(|(_, is_value)| **is_value);
        replaced(&sql, values.map(|(token, _)| (token, same_for_all(token))))
    }
}

fn is_literal(token: &TextToken) -> bool {
    matches!(token.kind, TokenKind::Text | TokenKind::Number)
}

/// What stands for every value in place of a literal.
fn same_for_all(token: TextToken) -> &'static str {
    if token.kind == TokenKind::Number { "0" } else { "" }
}

/// The text with other contents in some of its literals, which come in their order.
fn replaced<'p>(sql: &str, literals: impl Iterator<Item = (TextToken, &'p str)>) -> String {
    let (mut text, mut copied) = (String::with_capacity(sql.len()), 0);
    for (token, content) in literals {
        let quote = if token.kind == TokenKind::Number { "" } else { "'" };
        for piece in [&sql[copied..token.start], quote, content, quote] {
            text.push_str(piece);
        }
        copied = token.end;
    }
    text.push_str(&sql[copied..]);
    text
}
