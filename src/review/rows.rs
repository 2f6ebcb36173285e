//! Statements that read or write every row of a table: partitions that are attached, and data that is changed at once.

use std::collections::{BTreeSet, HashMap};

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::LocatedFinding;
use super::file::{ParsedFile, code};
use super::tables::{TableNames, name};
use crate::model::{Confidence, Severity};

/// CHECK constraints of tables, as the files of a run declare and validate them.
pub(super) type Checks = TableNames<String>;

/// As many CHECK constraints are kept of one table: more would be compared again and again.
const CHECKS_MAX: usize = 64;

/// Constraints while the files of a run are read.
#[derive(Default)]
struct Declared {
    /// Those that hold for every row.
    proved: HashMap<String, Vec<String>>,
    /// Those that are NOT VALID so far.
    unproved: HashMap<String, Vec<String>>,
}

impl Declared {
    fn add(to: &mut HashMap<String, Vec<String>>, table: &str, check: String) {
        let checks = to.entry(table.to_owned()).or_default();
        if checks.len() < CHECKS_MAX {
            checks.push(check);
        }
    }

    /// The constraints in a statement that makes a table.
    fn made(&mut self, table: &ast::CreateTable) {
        let Some(own) = table.table_name() else { return };
        let own = name(&own.syntax().text().to_string());
        for check in table.syntax().descendants().filter_map(ast::CheckConstraint::cast) {
            Self::add(&mut self.proved, &own, check.syntax().text().to_string());
        }
    }

    fn altered(&mut self, table: &ast::AlterTable) {
        let Some(own) = table.table_relation_name() else { return };
        let own = name(&own.syntax().text().to_string());
        for action in table.actions() {
            match action {
                ast::AlterTableAction::AddConstraint(added) => self.added(&own, &added),
                ast::AlterTableAction::ValidateConstraint(_) => {
                    for check in self.unproved.remove(&own).unwrap_or_default() {
                        Self::add(&mut self.proved, &own, check);
                    }
                }
                _ => {}
            }
        }
    }

    fn added(&mut self, table: &str, added: &ast::AddConstraint) {
        let Some(check) = added.syntax().descendants().find_map(ast::CheckConstraint::cast) else {
            return;
        };
        let text = added.syntax().text().to_string();
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        let is_unproved = words.windows(2).any(|two| two == ["not", "valid"]);
        let to = if is_unproved { &mut self.unproved } else { &mut self.proved };
        Self::add(to, table, check.syntax().text().to_string());
    }
}

/// The CHECK constraints of all files. Those that are NOT VALID prove nothing until they are validated.
pub(super) fn checks(files: &[ParsedFile]) -> Checks {
    let mut declared = Declared::default();
    for file in files {
        for statement in file.tree.syntax_node().children() {
            match ast::Stmt::cast(statement) {
                Some(ast::Stmt::CreateTable(table)) => declared.made(&table),
                Some(ast::Stmt::AlterTable(table)) => declared.altered(&table),
                _ => {}
            }
        }
    }
    let proved = declared.proved.into_iter();
    TableNames::new(
        proved.flat_map(|(table, checks)| {
            checks.into_iter().map(move |check| (table.clone(), check))
        }),
    )
}

pub(super) fn judge(file: &ParsedFile, checks: &Checks) -> Vec<LocatedFinding> {
    let mut added = BTreeSet::new();
    let mut found = Vec::new();
    for statement in file.tree.syntax_node().children() {
        match ast::Stmt::cast(statement.clone()) {
            Some(ast::Stmt::AlterTable(table)) => {
                note_added(&table, &mut added);
                found.extend(table.actions().filter_map(|action| attached(&action, checks)));
            }
            Some(ast::Stmt::Update(update)) if update.from_clause().is_none() => {
                let table =
                    update.relation_name().map(|own| name(&own.syntax().text().to_string()));
                let condition =
                    update.where_clause_or_current_of().map(|clause| clause.syntax().clone());
                found.extend(whole(&statement, "UPDATE", table, (condition, &added)));
            }
            Some(ast::Stmt::Delete(delete)) if delete.using_clause().is_none() => {
                let table =
                    delete.relation_name().map(|own| name(&own.syntax().text().to_string()));
                let condition =
                    delete.where_clause_or_current_of().map(|clause| clause.syntax().clone());
                found.extend(whole(&statement, "DELETE", table, (condition, &added)));
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

/// An UPDATE or DELETE whose condition leaves no row out.
fn whole(
    statement: &SyntaxNode,
    what: &str,
    table: Option<String>,
    (condition, added): (Option<SyntaxNode>, &BTreeSet<(String, String)>),
) -> Option<LocatedFinding> {
    let table = table?;
    if let Some(condition) = condition {
        let text = condition.text().to_string().to_lowercase();
        let words: Vec<&str> = text.split_whitespace().collect();
        let is_of_all = match words.as_slice() {
            ["where", "true" | "1=1"] | ["where", "1", "=", "1"] => true,
            ["where", column, "is", "null"] => {
                let column = column.rsplit('.').next().unwrap_or_default();
                added.contains(&(table.clone(), name(column)))
            }
            _ => false,
        };
        if !is_of_all {
            return None;
        }
    }
    let message = format!(
        "{what} of every row of `{table}` in one transaction: rows stay locked for other writers until it ends, and vacuum \
         removes the old versions only later; change it in batches"
    );
    Some(LocatedFinding {
        at: code(statement),
        check: "migration/whole-table-change",
        severity: Severity::Medium,
        waited_for: true,
        confidence: Confidence::High,
        message,
    })
}

/// Tables that are emptied. With CASCADE, another check says so.
fn truncated(statement: &SyntaxNode) -> Option<LocatedFinding> {
    let text = statement.text().to_string().to_lowercase();
    let is_cascade = text.split_whitespace().any(|word| word == "cascade");
    (!is_cascade).then(|| LocatedFinding {
        at: code(statement),
        check: "migration/whole-table-change",
        severity: Severity::Medium,
        waited_for: true,
        confidence: Confidence::High,
        message: "TRUNCATE removes every row under ACCESS EXCLUSIVE, for which it waits until readers have ended, and all that \
                  come later wait behind it: set lock_timeout"
            .to_owned(),
    })
}

/// A partition whose rows are read under lock while it is attached.
fn attached(action: &ast::AlterTableAction, checks: &Checks) -> Option<LocatedFinding> {
    let ast::AlterTableAction::AttachPartition(attach) = action else { return None };
    let partition = name(&attach.table_name_ref()?.syntax().text().to_string());
    let bounds = attach.partition_type().map(|bounds| bounds.syntax().text().to_string());
    let literals = literals(&bounds.unwrap_or_default());
    let proves = |check: &String| literals.iter().all(|literal| check.contains(literal.as_str()));
    if checks.same(&partition).any(proves) {
        return None;
    }
    let message = format!(
        "ATTACH PARTITION reads all of `{partition}` under ACCESS EXCLUSIVE, unless a CHECK constraint of it proves the \
         bounds: add that NOT VALID, and validate it, before"
    );
    Some(LocatedFinding {
        at: code(attach.syntax()),
        check: "migration/attach-partition-scan",
        severity: Severity::High,
        waited_for: true,
        confidence: Confidence::Medium,
        message,
    })
}

/// Strings and numbers of a partition's bounds.
fn literals(bounds: &str) -> Vec<String> {
    let mut literals = Vec::new();
    let mut rest = bounds;
    while let Some(at) = rest.find(|c: char| c == '\'' || c.is_ascii_digit()) {
        let text = &rest[at..];
        let end = match text.strip_prefix('\'') {
            Some(inner) => inner.find('\'').map_or(text.len(), |end| end + 2),
            None => text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()),
        };
        literals.push(text[..end].to_owned());
        rest = &text[end..];
    }
    literals
}
