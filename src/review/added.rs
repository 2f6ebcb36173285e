//! Constraints that come with a column or build an index: what is read, and written, for them.
//!
//! The server reads the table for a CHECK of a new column, although its every value is known, and writes it for a column of
//! a domain with constraints, even without a default. A foreign key of a column that is NULL everywhere it takes as it is.

use std::collections::{HashMap, HashSet};

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::file::{FilePosition, ParsedFile, code};
use super::tables::{TableNames, type_of};
use super::tokens::{has_token, has_tokens, qualified, tokens};
use super::{BlockedTable, LocatedFinding};
use crate::model::{Confidence, Severity};

/// The domains that have constraints, their own or those of the domain they are of, as the files of a run make them, each with
/// the file and the byte of the first statement that gives it one.
pub(super) fn constrained_domains(files: &[ParsedFile]) -> TableNames<FilePosition> {
    let mut constrained = HashMap::new();
    for (index, file) in files.iter().enumerate() {
        for (at, statement) in file.statements() {
            let (own, base) = match ast::Stmt::cast(statement.clone()) {
                Some(ast::Stmt::CreateDomain(made)) => {
                    (defined_name(statement), made.ty().as_ref().map(type_of))
                }
                Some(ast::Stmt::AlterDomain(_)) => (defined_name(statement), None),
                _ => continue,
            };
            let of_constrained = base.is_some_and(|base| constrained.contains_key(&base));
            if let Some(own) = own
                && (of_constrained || is_constrained(statement))
            {
                constrained.entry(own).or_insert(FilePosition { file: index, byte: *at });
            }
        }
    }
    TableNames::new(constrained)
}

/// Whether a definition of a domain names a constraint.
fn is_constrained(domain: &SyntaxNode) -> bool {
    let drops = has_token(domain, "drop");
    !drops && (has_token(domain, "check") || has_tokens(domain, &["not", "null"]))
}

/// The name that follows `CREATE DOMAIN`, `ALTER DOMAIN` or `CREATE TYPE`.
pub(super) fn defined_name(statement: &SyntaxNode) -> Option<String> {
    qualified(tokens(statement).get(2..)?).map(|(own, _)| own)
}

pub(super) fn judge(
    file: &ParsedFile,
    index: usize,
    domains: &TableNames<FilePosition>,
) -> Vec<LocatedFinding> {
    let statements = file.tree.syntax_node().children().filter_map(ast::Stmt::cast);
    let of_domains = judge_domains(file);
    let tables = statements.filter_map(|statement| match statement {
        ast::Stmt::AlterTable(table) => Some(table),
        _ => None,
    });
    let actions = tables.flat_map(|table| table.actions().collect::<Vec<_>>());
    let of_actions = actions.filter_map(|action| {
        let at = FilePosition { file: index, byte: code(action.syntax()) };
        let is_before = |place: &FilePosition| *place < at;
        judge_action(&action, &|domain| domains.same(domain).any(is_before))
    });
    of_domains.into_iter().chain(of_actions).collect()
}

/// Constraints of domains that the file does not make: no column is of one that it makes.
fn judge_domains(file: &ParsedFile) -> Vec<LocatedFinding> {
    let (mut made, mut findings) = (HashSet::new(), Vec::new());
    for (_, statement) in file.statements() {
        if ast::CreateDomain::can_cast(statement.kind()) {
            made.extend(defined_name(statement));
        } else if ast::AlterDomain::can_cast(statement.kind()) {
            findings.extend(judge_domain(statement, &made));
        }
    }
    findings
}

/// A constraint that a domain gets: the server reads each table with a column of it.
fn judge_domain(statement: &SyntaxNode, made: &HashSet<String>) -> Option<LocatedFinding> {
    let is_checked = has_token(statement, "add")
        && is_constrained(statement)
        && !has_tokens(statement, &["not", "valid"]);
    let domain = defined_name(statement)?;
    if !is_checked || made.contains(&domain) {
        return None;
    }
    let message = format!(
        "a constraint of the domain `{domain}` is checked for every row of the tables that have columns of it, under SHARE, which \
         blocks writes: add it NOT VALID, and validate it in another transaction"
    );
    let found = found(statement, "migration/constraint-missing-not-valid", message);
    Some(LocatedFinding {
        severity: Severity::Medium,
        blocked: BlockedTable::None,
        confidence: Confidence::Medium,
        ..found
    })
}

fn judge_action(
    action: &ast::AlterTableAction,
    is_constrained: &dyn Fn(&str) -> bool,
) -> Option<LocatedFinding> {
    match action {
        ast::AlterTableAction::AddColumn(added) => judge_column(added, is_constrained),
        ast::AlterTableAction::AddConstraint(added) => {
            let exclude = added
                .syntax()
                .descendants()
                .find(|node| ast::ExcludeConstraint::can_cast(node.kind()))?;
            let message = "an EXCLUDE constraint reads the whole table and builds its index under ACCESS EXCLUSIVE, and \
                           nothing builds it concurrently: add it while the table is small, or in a maintenance window";
            Some(found(&exclude, "migration/index-not-concurrent", message.to_owned()))
        }
        _ => None,
    }
}

fn judge_column(
    added: &ast::AddColumn,
    is_constrained: &dyn Fn(&str) -> bool,
) -> Option<LocatedFinding> {
    if let Some(ty) = added.ty() {
        let domain = type_of(&ty);
        if is_constrained(&domain) {
            let message = format!(
                "a column of the domain `{domain}`, which has constraints, rewrites the table under ACCESS EXCLUSIVE: add it \
                 with the domain's own type and a CHECK constraint that is NOT VALID, and validate that"
            );
            return Some(found(ty.syntax(), "migration/table-rewrite", message));
        }
    }
    let check =
        added.constraints().find(|one| matches!(one, ast::Constraint::CheckConstraint(_)))?;
    let message = "the CHECK constraint of a new column reads the whole table under ACCESS EXCLUSIVE: add the column, then the \
                   constraint NOT VALID, and validate it";
    Some(found(check.syntax(), "migration/constraint-missing-not-valid", message.to_owned()))
}

/// Whether every row has NULL in a column that is added, for all that the server looks at: then it trusts a foreign key as it
/// is. It does not look at what a default says, even where that is NULL.
pub(super) fn is_null_everywhere(added: &ast::AddColumn) -> bool {
    !added.constraints().any(|one| {
        matches!(
            one,
            ast::Constraint::DefaultConstraint(_) | ast::Constraint::GeneratedConstraint(_)
        )
    })
}

fn found(at: &SyntaxNode, check: &'static str, message: String) -> LocatedFinding {
    LocatedFinding {
        fix: None,
        at: code(at),
        check,
        severity: Severity::High,
        blocked: BlockedTable::Changed,
        confidence: Confidence::High,
        message,
    }
}
