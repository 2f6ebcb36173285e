//! What DDL locks and breaks, by squawk's rules: those about safety, not about taste.

use squawk_linter::{Linter, Rule};
use squawk_syntax::ast::{self, AstNode};

use super::added::is_null_everywhere;
use super::file::{FilePosition, ParsedFile};
use super::tables::name;
use super::tokens::has_tokens;
use super::{BlockedTable, LocatedFinding, ReviewContext};
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

/// Rules about what rows and statements are there already: there are none of a table that is as new as the run.
const OF_TABLE: [Rule; 6] = [
    Rule::AddingRequiredField,
    Rule::BanDropColumn,
    Rule::BanDropNotNull,
    Rule::BanDropTable,
    Rule::RenamingColumn,
    Rule::RenamingTable,
];

pub(super) fn judge(
    file: &ParsedFile,
    index: usize,
    known: &ReviewContext<'_>,
) -> Vec<LocatedFinding> {
    let mut linter = Linter::from(RULES.iter().map(|(rule, ..)| *rule));
    let violations = linter.lint(&file.tree, &file.text);
    let found = violations.into_iter().filter_map(|violation| {
        let (_, check, severity) = RULES.iter().find(|(rule, ..)| *rule == violation.code)?;
        let at = usize::from(violation.text_range.start());
        if violation.code == Rule::ConstraintMissingNotValid && is_judged_elsewhere(file, at) {
            return None;
        }
        if violation.code == Rule::AddingForeignKeyConstraint && is_of_nulls(file, at) {
            return None;
        }
        if OF_ROWS.contains(&violation.code) && is_not_enforced(file, at) {
            return None;
        }
        if violation.code == Rule::RequireConcurrentIndexCreation && is_of_root_only(file, at) {
            return None;
        }
        let begin = file.statement_at(at).map_or(0, |(begin, _)| *begin);
        if violation.code == Rule::RequireConcurrentIndexDeletion
            && let Some(found) = of_unknown_index(file, at, index, known)
        {
            return Some(found);
        }
        let partitioned = known.schema.partitioned(FilePosition { file: index, byte: begin });
        let own = partitioned.and_then(|root| of_partitioned(violation.code, root));
        let severity = own.as_ref().map_or(*severity, |(_, severity)| *severity);
        let fix = violation.fix.filter(|_| own.is_none()).and_then(|fix| fixed(file, at, fix));
        let message = match own {
            Some((message, _)) => message,
            None if violation.code == Rule::ConstraintMissingNotValid => CHECKED.to_owned(),
            None => with_help(&violation.message, violation.help.as_deref()),
        };
        Some(LocatedFinding {
            fix,
            at,
            check,
            severity,
            blocked: if WAITED_FOR.contains(&violation.code) {
                BlockedTable::Changed
            } else if OF_TABLE.contains(&violation.code) {
                BlockedTable::Used
            } else {
                BlockedTable::None
            },
            confidence: Confidence::High,
            message,
        })
    });
    found.collect()
}

const CHECKED: &str = "the constraint is checked for every row under ACCESS EXCLUSIVE, which blocks reads and writes: add it NOT \
                       VALID, and VALIDATE it in another transaction";

fn with_help(message: &str, help: Option<&str>) -> String {
    let message = message.trim().trim_end_matches('.').to_owned();
    match help {
        Some(help) => format!("{message}. {}", help.trim().trim_end_matches('.')),
        None => message,
    }
}

/// What is said of a partitioned table, where the server refuses there what is advised for others; and how severe it is.
fn of_partitioned(rule: Rule, root: &str) -> Option<(String, Severity)> {
    Some(match rule {
        Rule::RequireConcurrentIndexCreation => (
            format!(
                "CREATE INDEX on the partitioned table `{root}` blocks writes to all of its partitions until their indexes are \
                 built, and CONCURRENTLY is refused there: create it ON ONLY `{root}`, build an index on each partition \
                 CONCURRENTLY, and attach each with ALTER INDEX … ATTACH PARTITION"
            ),
            Severity::High,
        ),
        Rule::RequireConcurrentIndexDeletion => (
            format!(
                "DROP INDEX of the partitioned table `{root}` locks it and its partitions in ACCESS EXCLUSIVE mode, and \
                 CONCURRENTLY is refused there: set lock_timeout before, and try again where it fails"
            ),
            Severity::Low,
        ),
        Rule::AddingForeignKeyConstraint => (
            format!(
                "a foreign key of the partitioned table `{root}` is checked for every row of its partitions under SHARE ROW \
                 EXCLUSIVE, which blocks writes, and before PostgreSQL 18 NOT VALID is refused there: add it to each partition \
                 NOT VALID, validate it there, and add it to `{root}` afterwards, which reads nothing"
            ),
            Severity::High,
        ),
        Rule::DisallowedUniqueConstraint | Rule::AddingSerialPrimaryKeyField => (
            format!(
                "the constraint builds an index on each partition of `{root}` under ACCESS EXCLUSIVE, and USING INDEX is refused \
                 there: build a unique index on each partition CONCURRENTLY, adopt it there with ADD CONSTRAINT … USING INDEX, \
                 and add the constraint to `{root}` afterwards, which builds nothing"
            ),
            Severity::High,
        ),
        _ => return None,
    })
}

/// What is said of DROP INDEX IF EXISTS where nothing is known of any such index: it may not be there.
fn of_unknown_index(
    file: &ParsedFile,
    at: usize,
    index: usize,
    known: &ReviewContext<'_>,
) -> Option<LocatedFinding> {
    let (begin, statement) = file.statement_at(at)?;
    let drop = ast::DropIndex::cast(statement.clone())?;
    drop.if_exists()?;
    let mut names = statement.descendants().filter(|node| ast::IndexRef::can_cast(node.kind()));
    let begin = FilePosition { file: index, byte: *begin };
    if names.any(|own| known.has_index(&name(&own.text().to_string()), begin)) {
        return None;
    }
    Some(LocatedFinding {
        fix: None,
        at,
        check: "migration/drop-index-not-concurrent",
        severity: Severity::Low,
        blocked: BlockedTable::None,
        confidence: Confidence::Low,
        message: "where the index exists, which is not known here, DROP INDEX locks its table in ACCESS EXCLUSIVE mode, and waits \
                  behind every running query: use DROP INDEX CONCURRENTLY, outside a transaction"
            .to_owned(),
    })
}

/// Rules about constraints that rows are checked for.
const OF_ROWS: [Rule; 2] = [Rule::AddingForeignKeyConstraint, Rule::ConstraintMissingNotValid];

/// Whether the constraint that is added here is NOT ENFORCED: the server looks at no row for it.
fn is_not_enforced(file: &ParsedFile, at: usize) -> bool {
    let Some((_, statement)) = file.statement_at(at) else { return false };
    let mut around = statement.descendants().filter(|node| {
        let range = node.text_range();
        let is_added =
            ast::AddConstraint::can_cast(node.kind()) || ast::AddColumn::can_cast(node.kind());
        is_added && (usize::from(range.start())..=usize::from(range.end())).contains(&at)
    });
    around.any(|node| has_tokens(&node, &["not", "enforced"]))
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
    has_tokens(statement, &["on", "only"])
}

/// Whether the constraint that is added here is judged by other rules: one that builds an index has no NOT VALID, a foreign key
/// blocks less, and what VALIDATE does depends on the transaction.
fn is_judged_elsewhere(file: &ParsedFile, at: usize) -> bool {
    let Some((_, statement)) = file.statement_at(at) else { return false };
    let mut around =
        statement.descendants().filter(|node| usize::from(node.text_range().start()) == at);
    around.any(|node| {
        node.descendants().any(|node| {
            let kind = node.kind();
            ast::PrimaryKeyConstraint::can_cast(kind)
                || ast::ExcludeConstraint::can_cast(kind)
                || ast::UniqueConstraint::can_cast(kind)
                || ast::ForeignKeyConstraint::can_cast(kind)
                || ast::ReferencesConstraint::can_cast(kind)
                || ast::ValidateConstraint::can_cast(kind)
                || ast::NotNullConstraint::can_cast(kind)
        })
    })
}
