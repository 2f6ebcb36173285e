//! Constraints that are validated in a transaction which has locked their table already.
//!
//! VALIDATE CONSTRAINT blocks neither reads nor writes of its own; what an ALTER TABLE before it in the same transaction has locked
//! stays locked while it reads every row.

use std::collections::BTreeSet;

use squawk_syntax::ast::{self, AstNode};

use super::file::{ParsedFile, code};
use super::runner::{Runner, transactions};
use super::tables::{changed, unqualified};
use super::{BlockedTable, LocatedFinding};
use crate::model::{Confidence, Severity};
use crate::sql::table_locks;

pub(super) fn judge(file: &ParsedFile, runner: Runner) -> Vec<LocatedFinding> {
    // Each table that was locked, with the transaction.
    let mut locked: BTreeSet<((usize, usize), String)> = BTreeSet::new();
    let mut found = Vec::new();
    for ((_, node), transaction) in file.statements().iter().zip(transactions(file, runner)) {
        let Some(ast::Stmt::AlterTable(altered)) = ast::Stmt::cast(node.clone()) else { continue };
        let (Some(transaction), Some(table)) = (transaction, changed(node)) else { continue };
        let key = (transaction, unqualified(&table).to_owned());
        if !table_locks(&node.text().to_string()).unwrap_or_default().is_empty() {
            locked.insert(key.clone());
        }
        let is_validation = |action: &ast::AlterTableAction| {
            matches!(action, ast::AlterTableAction::ValidateConstraint(_))
        };
        if locked.contains(&key) {
            let validations = altered.actions().filter(is_validation);
            found.extend(validations.map(|action| validated(code(action.syntax()), &table)));
        }
    }
    found
}

fn validated(at: usize, table: &str) -> LocatedFinding {
    LocatedFinding {
        fix: None,
        at,
        check: "migration/constraint-missing-not-valid",
        severity: Severity::High,
        blocked: BlockedTable::Changed,
        confidence: Confidence::High,
        message: format!(
            "VALIDATE CONSTRAINT reads all of `{table}` in the transaction that has locked it before with ALTER TABLE: run it in \
             another one"
        ),
    }
}
