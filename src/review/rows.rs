//! Statements that write every row of a table at once.

use std::collections::BTreeSet;

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::file::{ParsedFile, code};
use super::tables::name;
use super::tokens::{has_token, tokens};
use super::{BlockedTable, LocatedFinding};
use crate::model::{Confidence, Severity};

pub(super) fn judge(file: &ParsedFile) -> Vec<LocatedFinding> {
    let mut added = BTreeSet::new();
    let mut found = Vec::new();
    for statement in file.tree.syntax_node().children() {
        match ast::Stmt::cast(statement.clone()) {
            Some(ast::Stmt::AlterTable(table)) => {
                note_added(&table, &mut added);
            }
            Some(ast::Stmt::Update(update)) if update.from_clause().is_none() => {
                let table =
                    update.relation_name().map(|own| name(&own.syntax().text().to_string()));
                let condition =
                    update.where_clause_or_current_of().map(|clause| clause.syntax().clone());
                let table = table.filter(|own| is_of_all_rows(condition.as_ref(), own, &added));
                found.extend(table.map(|own| every_row(&statement, "UPDATE", &own)));
            }
            Some(ast::Stmt::Delete(delete)) if delete.using_clause().is_none() => {
                let table =
                    delete.relation_name().map(|own| name(&own.syntax().text().to_string()));
                let condition =
                    delete.where_clause_or_current_of().map(|clause| clause.syntax().clone());
                let table = table.filter(|own| is_of_all_rows(condition.as_ref(), own, &added));
                found.extend(table.map(|own| every_row(&statement, "DELETE", &own)));
            }
            Some(ast::Stmt::Truncate(_)) => found.extend(truncated(&statement)),
            _ => {}
        }
    }
    found
}

/// Columns that the file has added without a default: they are NULL in every row.
fn note_added(table: &ast::AlterTable, added: &mut BTreeSet<(String, String)>) {
    let Some(own) = table.table_relation_name() else { return };
    let own = name(&own.syntax().text().to_string());
    for action in table.actions() {
        if let ast::AlterTableAction::AddColumn(column) = action
            && !column.constraints().any(|one| matches!(one, ast::Constraint::DefaultConstraint(_)))
            && let Some(called) = column.column_name()
        {
            added.insert((own.clone(), name(&called.syntax().text().to_string())));
        }
    }
}

/// Whether a condition of an UPDATE or DELETE leaves no row of a table out; `added` are its columns that are NULL in every row.
fn is_of_all_rows(
    condition: Option<&SyntaxNode>,
    table: &str,
    added: &BTreeSet<(String, String)>,
) -> bool {
    let Some(condition) = condition else { return true };
    let words = tokens(condition);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["where", "true"] | ["where", "1", "=", "1"] => true,
        ["where", .., column, "is", "null"] => added.contains(&(table.to_owned(), name(column))),
        _ => false,
    }
}

/// An UPDATE or DELETE that leaves no row out.
fn every_row(statement: &SyntaxNode, what: &str, table: &str) -> LocatedFinding {
    let message = format!(
        "{what} of every row of `{table}` in one transaction: rows stay locked for other writers until it ends, and vacuum \
         removes the old versions only later; change it in batches"
    );
    LocatedFinding {
        fix: None,
        at: code(statement),
        check: "migration/whole-table-change",
        severity: Severity::Medium,
        blocked: BlockedTable::Changed,
        confidence: Confidence::High,
        message,
    }
}

/// Tables that are emptied. With CASCADE, another check says so.
fn truncated(statement: &SyntaxNode) -> Option<LocatedFinding> {
    (!has_token(statement, "cascade")).then(|| LocatedFinding { fix: None,
        at: code(statement),
        check: "migration/whole-table-change",
        severity: Severity::Medium,
        blocked: BlockedTable::Changed,
        confidence: Confidence::High,
        message: "TRUNCATE removes every row under ACCESS EXCLUSIVE, for which it waits until readers have ended, and all that \
                  come later wait behind it: set lock_timeout"
            .to_owned(),
    })
}
