//! Strong locks that are waited for without a limit.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::file::{FilePosition, ParsedFile, code};
use super::{BlockedTable, LocatedFinding, ReviewContext};
use crate::model::{Confidence, Severity};
use crate::sql::{LockMode, TableLock, table_locks};

/// The first statement of a file that locks a table which others use, where no `lock_timeout` is set before it.
pub(super) fn judge(
    file: &ParsedFile,
    index: usize,
    known: &ReviewContext<'_>,
) -> Option<LocatedFinding> {
    for (at, statement) in file.statements() {
        if sets_timeout(statement) {
            return None;
        }
        if !may_lock(statement) || file.is_broken(*at) {
            continue;
        }
        let locks = table_locks(&statement.text().to_string()).unwrap_or_default();
        let position = FilePosition { file: index, byte: *at };
        let is_used = |lock: &&TableLock| {
            let table = known.table_of(&lock.relation, position);
            !known.makes_before(&table, position)
        };
        if let Some(lock) = locks.iter().filter(is_used).max_by_key(|lock| lock.mode) {
            let table = known.table_of(&lock.relation, position);
            return Some(found(statement, lock.mode, &table));
        }
    }
    None
}

fn found(statement: &SyntaxNode, mode: LockMode, table: &str) -> LocatedFinding {
    let waiting = match mode {
        LockMode::AccessExclusive => "all later reads and writes of it",
        LockMode::Exclusive | LockMode::ShareRowExclusive | LockMode::Share => {
            "all later writes of it"
        }
    };
    LocatedFinding {
        fix: None,
        at: code(statement),
        check: "migration/no-lock-timeout",
        severity: Severity::Low,
        blocked: BlockedTable::None,
        confidence: Confidence::High,
        message: format!(
            "the {mode} lock on `{table}` is waited for without a lock_timeout, and {waiting} wait behind it: set one before"
        ),
    }
}

/// Whether a statement sets the time that locks are waited for.
fn sets_timeout(statement: &SyntaxNode) -> bool {
    let is_setting = matches!(
        ast::Stmt::cast(statement.clone()),
        Some(
            ast::Stmt::Set(_)
                | ast::Stmt::Select(_)
                | ast::Stmt::AlterRole(_)
                | ast::Stmt::AlterDatabase(_)
        )
    );
    is_setting && {
        let text = statement.text().to_string().to_lowercase();
        let mut names = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        names.any(|name| name == "lock_timeout")
    }
}

/// Whether a statement may lock a table so that others wait. Only those are parsed again.
fn may_lock(statement: &SyntaxNode) -> bool {
    use ast::Stmt as Of;
    !matches!(
        ast::Stmt::cast(statement.clone()),
        None | Some(
            Of::Insert(_)
                | Of::Update(_)
                | Of::Delete(_)
                | Of::Select(_)
                | Of::Copy(_)
                | Of::CommentOn(_)
                | Of::Do(_)
                | Of::CreateFunction(_)
                | Of::Set(_)
        )
    )
}
