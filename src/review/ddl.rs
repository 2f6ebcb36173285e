//! What DDL locks and breaks, by squawk's rules: those about safety, not about taste.

use squawk_linter::{Linter, Rule};
use squawk_syntax::ast::{self, AstNode};

use super::added::is_null_everywhere;
use super::file::ParsedFile;
use super::{BlockedTable, LocatedFinding};
use crate::model::{Confidence, Severity, SourceFix};

/// The rules, as checks, with the harm they warn of.
const RULES: &[(Rule, &str, Severity)] = &[
    (Rule::AddingForeignKeyConstraint, "migration/adding-foreign-key-constraint", Severity::High),
    (Rule::AddingRequiredField, "migration/adding-required-field", Severity::High),
    (
        Rule::AddingSerialPrimaryKeyField,
        "migration/adding-serial-primary-key-field",
        Severity::High,
    ),
    (Rule::BanDropColumn, "migration/drop-column", Severity::Medium),
    (Rule::BanDropDatabase, "migration/drop-database", Severity::High),
    (Rule::BanDropNotNull, "migration/drop-not-null", Severity::Low),
    (Rule::BanDropTable, "migration/drop-table", Severity::Medium),
    (Rule::BanTruncateCascade, "migration/truncate-cascade", Severity::High),
    (Rule::BanUncommittedTransaction, "migration/uncommitted-transaction", Severity::High),
    (Rule::ConstraintMissingNotValid, "migration/constraint-missing-not-valid", Severity::High),
    (Rule::DisallowedUniqueConstraint, "migration/unique-constraint", Severity::High),
    (Rule::RenamingColumn, "migration/renaming-column", Severity::Medium),
    (Rule::RenamingTable, "migration/renaming-table", Severity::Medium),
    (Rule::RequireConcurrentIndexCreation, "migration/index-not-concurrent", Severity::High),
    (Rule::RequireConcurrentIndexDeletion, "migration/drop-index-not-concurrent", Severity::Medium),
    (Rule::RequireConcurrentPartitionDetach, "migration/detach-not-concurrent", Severity::Medium),
    (Rule::RequireConcurrentReindex, "migration/reindex-not-concurrent", Severity::High),
    (Rule::RequireLockTimeout, "migration/no-lock-timeout", Severity::Low),
    (Rule::TransactionNesting, "migration/nested-transaction", Severity::Medium),
];

/// Rules about what waits while a table is read or written: it matters as much as the table is large.
const WAITED_FOR: [Rule; 8] = [
    Rule::AddingForeignKeyConstraint,
    Rule::AddingSerialPrimaryKeyField,
    Rule::ConstraintMissingNotValid,
    Rule::DisallowedUniqueConstraint,
    Rule::RequireConcurrentIndexCreation,
    Rule::RequireConcurrentIndexDeletion,
    Rule::RequireConcurrentPartitionDetach,
    Rule::RequireConcurrentReindex,
];

pub(super) fn judge(file: &ParsedFile) -> Vec<LocatedFinding> {
    let mut linter = Linter::from(RULES.iter().map(|(rule, ..)| *rule));
    let violations = linter.lint(&file.tree, &file.text);
    let found = violations.into_iter().filter_map(|violation| {
        let (_, check, severity) = RULES.iter().find(|(rule, ..)| *rule == violation.code)?;
        let at = usize::from(violation.text_range.start());
        if violation.code == Rule::ConstraintMissingNotValid && !can_be_not_valid(file, at) {
            return None;
        }
        if violation.code == Rule::AddingForeignKeyConstraint && is_of_nulls(file, at) {
            return None;
        }
        if violation.code == Rule::RequireConcurrentIndexCreation && is_of_root_only(file, at) {
            return None;
        }
        let fix = violation.fix.and_then(|fix| fixed(file, at, fix));
        let mut message = violation.message.trim().trim_end_matches('.').to_owned();
        if let Some(help) = violation.help {
            message = format!("{message}. {}", help.trim().trim_end_matches('.'));
        }
        Some(LocatedFinding {
            fix,
            at,
            check,
            severity: *severity,
            blocked: if WAITED_FOR.contains(&violation.code) {
                BlockedTable::Changed
            } else {
                BlockedTable::None
            },
            confidence: Confidence::High,
            message,
        })
    });
    found.collect()
}

/// Lines of a statement that is shown as it should be.
const FIXED_LINES_MAX: usize = 20;

/// The statement at that place with squawk's edits in it; none where an edit is outside of it.
fn fixed(file: &ParsedFile, at: usize, fix: squawk_linter::Fix) -> Option<SourceFix> {
    let (_, statement) = file.statement_at(at)?;
    let range = statement.text_range();
    let mut sql = statement.text().to_string();
    let mut edits = fix.edits;
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.text_range.start()));
    for edit in edits {
        if !range.contains_range(edit.text_range) {
            return None;
        }
        let place = edit.text_range - range.start();
        sql.replace_range(
            usize::from(place.start())..usize::from(place.end()),
            &edit.text.unwrap_or_default(),
        );
    }
    let sql = sql.trim().trim_end_matches(';').to_owned() + ";";
    (sql.lines().count() <= FIXED_LINES_MAX).then_some(SourceFix { title: fix.title, sql })
}

/// Whether the foreign key here is that of a column that is added and is NULL in every row.
fn is_of_nulls(file: &ParsedFile, at: usize) -> bool {
    let Some((_, statement)) = file.statement_at(at) else { return false };
    let mut columns = statement.descendants().filter_map(ast::AddColumn::cast).filter(|added| {
        let range = added.syntax().text_range();
        usize::from(range.start()) <= at && at <= usize::from(range.end())
    });
    columns.any(|added| is_null_everywhere(&added))
}

/// Whether an index is made of a partitioned table alone, `ON ONLY`: nothing is read, and its partitions' come later.
fn is_of_root_only(file: &ParsedFile, at: usize) -> bool {
    let Some((_, statement)) = file.statement_at(at) else { return false };
    let text = statement.text().to_string().to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(2).any(|two| two == ["on", "only"])
}

/// Whether NOT VALID is possible for the constraint that is added here: those that build an index have none.
fn can_be_not_valid(file: &ParsedFile, at: usize) -> bool {
    let Some((_, statement)) = file.statement_at(at) else { return true };
    let mut around =
        statement.descendants().filter(|node| usize::from(node.text_range().start()) == at);
    !around.any(|node| {
        node.descendants().any(|node| {
            let kind = node.kind();
            ast::PrimaryKeyConstraint::can_cast(kind)
                || ast::ExcludeConstraint::can_cast(kind)
                || ast::UniqueConstraint::can_cast(kind)
        })
    })
}
