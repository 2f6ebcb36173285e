//! The limit of a GIN index's pending list, where a migration sets one.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::file::ParsedFile;
use super::tables::{changed, name};
use super::target::TargetTables;
use super::tokens::own_tokens;
use super::{BlockedTable, LocatedFinding};
use crate::checks::gin::limit::{
    CERTAIN_BYTES, FLUSH_INTERVAL_S_MIN, NAME, PENDING_LIMIT_BYTES_MAX, PENDING_PAGES_MIN,
    PendingListLimit, ROW_BYTES_MIN, allowed, meant_kb, off,
};
use crate::checks::migrations;
use crate::model::{Confidence, Severity};

/// Pages of a list, in kB.
const PAGE_KB: f64 = 8.0;

pub(super) fn judge(file: &ParsedFile, sizes: &TargetTables) -> Vec<LocatedFinding> {
    let root = file.tree.syntax_node();
    let sets = |statement: &SyntaxNode| {
        let kind = statement.kind();
        ast::CreateIndex::can_cast(kind)
            || ast::AlterIndex::can_cast(kind)
            || ast::AlterSystem::can_cast(kind)
            || ast::AlterDatabase::can_cast(kind)
            || ast::AlterRole::can_cast(kind)
    };
    root.children().filter(sets).flat_map(|statement| of_statement(&statement, sizes)).collect()
}

fn of_statement(statement: &SyntaxNode, sizes: &TargetTables) -> Vec<LocatedFinding> {
    let words = words(statement);
    // Without a list there is no limit.
    let is_off = value_of(&words, "fastupdate").is_some_and(|(_, value)| off(&value));
    let Some((at, value)) = value_of(&words, NAME).filter(|_| !is_off) else { return Vec::new() };
    let Some(limit) = PendingListLimit::read(&value) else { return Vec::new() };
    let table = table_of(statement, sizes);
    let found = too_large(at, limit, table.as_deref(), sizes);
    found.or_else(|| too_small(at, limit.kilobytes, table.as_deref(), sizes)).into_iter().collect()
}

/// Words, numbers and strings of a statement with their places: words in lower case, strings without their quotes.
fn words(statement: &SyntaxNode) -> Vec<(usize, String)> {
    own_tokens(statement)
        .map(|token| {
            let text = token.text();
            let bare = text.trim_matches(|c: char| c == '\'' || c == '"');
            let word = if text.starts_with('\'') { bare.to_owned() } else { bare.to_lowercase() };
            (usize::from(token.text_range().start()), word)
        })
        .collect()
}

/// The value that an option or setting is given, and where its name stands.
fn value_of(words: &[(usize, String)], of: &str) -> Option<(usize, String)> {
    let position = words.iter().position(|(_, word)| word == of)?;
    let mut behind = words[position + 1..].iter().map(|(_, word)| word.as_str());
    let value = behind.find(|word| !matches!(*word, "=" | "to"))?;
    Some((words[position].0, value.to_owned()))
}

/// The table whose index it is: as the statement names it, else as the target has it.
fn table_of(statement: &SyntaxNode, sizes: &TargetTables) -> Option<String> {
    if ast::CreateIndex::can_cast(statement.kind()) {
        return changed(statement);
    }
    let index = ast::AlterIndex::cast(statement.clone())?.index_ref()?;
    sizes.table_of(&name(&index.syntax().text().to_string())).map(str::to_owned)
}

fn too_large(
    at: usize,
    limit: PendingListLimit,
    table: Option<&str>,
    sizes: &TargetTables,
) -> Option<LocatedFinding> {
    let bytes = limit.kilobytes * 1024.0;
    // A unit that was written is the one that was meant.
    if limit.has_unit || bytes <= PENDING_LIMIT_BYTES_MAX.default {
        return None;
    }
    let is_certain = bytes >= CERTAIN_BYTES;
    let severity = if is_certain { Severity::High } else { Severity::Medium };
    let is_small =
        table.and_then(|table| sizes.of_table(table)).is_some_and(|size| size.is_small());
    Some(LocatedFinding {
        fix: None,
        at,
        check: migrations::PENDING_LIMIT_UNIT,
        severity: if is_small { Severity::Low } else { severity },
        blocked: BlockedTable::None,
        confidence: if is_certain { Confidence::High } else { Confidence::Medium },
        message: format!(
            "allows {}, and every search reads the list to its end; {:.0} is {:.0} MB",
            allowed(limit.kilobytes),
            meant_kb(limit.kilobytes),
            meant_kb(limit.kilobytes) / 1024.0
        ),
    })
}

/// A list shorter than searches notice is drained by inserts all the time, unless hardly anything is written.
fn too_small(
    at: usize,
    kilobytes: f64,
    table: Option<&str>,
    sizes: &TargetTables,
) -> Option<LocatedFinding> {
    if kilobytes >= PENDING_PAGES_MIN.default * PAGE_KB {
        return None;
    }
    let rows = kilobytes * 1024.0 / ROW_BYTES_MIN;
    let written = table.and_then(|table| sizes.rows_written_per_second(table));
    if written.is_some_and(|per_second| rows >= per_second * FLUSH_INTERVAL_S_MIN.default) {
        return None;
    }
    let beginning = format!(
        "limits a pending list to {kilobytes:.0} kB: an insert drains it after {rows:.0} rows at the latest"
    );
    let (severity, confidence, rest) = match written {
        Some(per_second) => (
            Severity::Medium,
            Confidence::Medium,
            format!(", every {:.1} s at the rate that rows are written now", rows / per_second),
        ),
        None => (
            Severity::Low,
            Confidence::Low,
            ", in the middle of its transaction; the number is in kB".to_owned(),
        ),
    };
    Some(LocatedFinding {
        fix: None,
        at,
        check: migrations::SMALL_PENDING_LIMIT,
        severity,
        blocked: BlockedTable::None,
        confidence,
        message: format!("{beginning}{rest}"),
    })
}
