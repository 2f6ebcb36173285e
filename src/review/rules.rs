//! What reviews look for in migrations beside the checks of databases: each rule with its severity and two sentences.

use crate::model::Severity;

/// A rule of `dbopt review`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReviewRule {
    /// `migration/name-of-the-problem`.
    pub id: &'static str,
    /// The most severe that it reports; on small tables it reports less.
    pub worst: Severity,
    /// The problem in a few words.
    pub title: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do instead.
    pub instead: &'static str,
}

const fn rule(
    id: &'static str,
    worst: Severity,
    [title, why, instead]: [&'static str; 3],
) -> ReviewRule {
    ReviewRule { id, worst, title, why, instead }
}

/// Every rule, by id.
pub static RULES: &[ReviewRule] = &[
    rule(
        "migration/adding-field-with-default",
        Severity::High,
        [
            "New column with a volatile default",
            "A default that is not constant is computed for each row: the table is rewritten under ACCESS EXCLUSIVE, and neither read nor written meanwhile.",
            "Add the column without the default, set the default, and fill the rows in batches.",
        ],
    ),
    rule(
        "migration/adding-foreign-key-constraint",
        Severity::High,
        [
            "Foreign key that is validated at once",
            "Both tables are locked against writes (SHARE ROW EXCLUSIVE) while every row is checked.",
            "Add it as NOT VALID, and run VALIDATE CONSTRAINT in another transaction.",
        ],
    ),
    rule(
        "migration/adding-not-nullable-field",
        Severity::High,
        [
            "SET NOT NULL that reads the table",
            "Every row is checked under ACCESS EXCLUSIVE.",
            "Add CHECK (column IS NOT NULL) NOT VALID, validate it, and set NOT NULL afterwards: the server then reads no row.",
        ],
    ),
    rule(
        "migration/adding-required-field",
        Severity::High,
        [
            "New NOT NULL column without a default",
            "The statement fails on a table that has rows, and statements of the previous release that do not name the column fail.",
            "Give it a constant default, or leave it nullable.",
        ],
    ),
    rule(
        "migration/adding-serial-primary-key-field",
        Severity::High,
        [
            "New serial or primary key column",
            "The table is rewritten and its index built under ACCESS EXCLUSIVE.",
            "Add the column, fill it in batches, build a unique index CONCURRENTLY, and adopt it with ADD CONSTRAINT … USING INDEX.",
        ],
    ),
    rule(
        "migration/attach-partition-scan",
        Severity::High,
        [
            "ATTACH PARTITION that scans",
            "Without a CHECK constraint that implies the bounds, every row of the partition, and of the default partition, is read under lock.",
            "Add the CHECK constraint as NOT VALID and validate it before.",
        ],
    ),
    rule(
        "migration/changing-column-type",
        Severity::High,
        [
            "Changed type of a column",
            "Unless the types are binary coercible, the table and its indexes are rewritten under ACCESS EXCLUSIVE; statements of the previous release may fail.",
            "Add a column of the new type, write both, fill it in batches, and switch.",
        ],
    ),
    rule(
        "migration/concurrent-index-in-transaction",
        Severity::High,
        [
            "CONCURRENTLY inside a transaction",
            "The server refuses it inside a transaction block.",
            "Run it in a file of its own, with the transaction of your runner disabled for that file.",
        ],
    ),
    rule(
        "migration/constraint-missing-not-valid",
        Severity::High,
        [
            "Constraint that is validated at once",
            "Every row is checked while the table is locked.",
            "Add it as NOT VALID, and run VALIDATE CONSTRAINT in another transaction.",
        ],
    ),
    rule(
        "migration/detach-not-concurrent",
        Severity::Medium,
        [
            "DETACH PARTITION without CONCURRENTLY",
            "The partitioned table is locked in ACCESS EXCLUSIVE mode.",
            "Use DETACH PARTITION … CONCURRENTLY, outside a transaction.",
        ],
    ),
    rule(
        "migration/drop-cascade",
        Severity::High,
        [
            "DROP … CASCADE that drops columns or tables",
            "Every column of the type, or every table of the schema or owner, is dropped with its values, and the statement names none of them.",
            "Change or drop the columns and tables by name, and drop without CASCADE, which fails while anything depends on it.",
        ],
    ),
    rule(
        "migration/drop-column",
        Severity::Medium,
        [
            "Dropped column",
            "Statements of the previous release that name the column fail, and its values are lost.",
            "Deploy a release that no longer uses the column before.",
        ],
    ),
    rule(
        "migration/drop-database",
        Severity::High,
        [
            "Dropped database",
            "Everything in it is lost.",
            "Do it by hand and with a backup, not in a migration.",
        ],
    ),
    rule(
        "migration/drop-index-not-concurrent",
        Severity::Medium,
        [
            "DROP INDEX without CONCURRENTLY",
            "The table of the index is locked in ACCESS EXCLUSIVE mode, and waits behind every running query.",
            "Use DROP INDEX CONCURRENTLY, outside a transaction.",
        ],
    ),
    rule(
        "migration/drop-not-null",
        Severity::Low,
        [
            "Dropped NOT NULL",
            "Programs that expect a value may fail on NULL.",
            "Check the readers of the column before.",
        ],
    ),
    rule(
        "migration/drop-table",
        Severity::Medium,
        [
            "Dropped table",
            "Statements of the previous release that name the table fail, and its rows are lost.",
            "Rename it first, and drop it when no release uses it.",
        ],
    ),
    rule(
        "migration/index-not-concurrent",
        Severity::High,
        [
            "Index that is built without CONCURRENTLY",
            "Writes to the table wait until the index is built.",
            "Use CREATE INDEX CONCURRENTLY, outside a transaction.",
        ],
    ),
    rule(
        "migration/nested-transaction",
        Severity::Medium,
        [
            "Transaction inside that of the runner",
            "BEGIN has no effect there, and COMMIT ends the transaction of the runner.",
            "Leave transactions to the runner, or disable its own for this file.",
        ],
    ),
    rule(
        "migration/no-lock-timeout",
        Severity::Low,
        [
            "No lock_timeout before a strong lock",
            "A statement that waits for ACCESS EXCLUSIVE makes all later queries of the table wait behind it.",
            "SET lock_timeout = '2s' before it, and repeat the migration when it fails.",
        ],
    ),
    rule(
        "migration/reindex-not-concurrent",
        Severity::High,
        [
            "REINDEX without CONCURRENTLY",
            "Writes to the table wait, and so do reads that use the index.",
            "Use REINDEX … CONCURRENTLY, outside a transaction.",
        ],
    ),
    rule(
        "migration/renaming-column",
        Severity::Medium,
        [
            "Renamed column",
            "Statements of the previous release that name the column fail.",
            "Add a column, write both, and drop the old one with a later release.",
        ],
    ),
    rule(
        "migration/renaming-table",
        Severity::Medium,
        [
            "Renamed table",
            "Statements of the previous release that name the table fail.",
            "Leave a view of the old name until no release uses it.",
        ],
    ),
    rule(
        "migration/statement-in-transaction",
        Severity::High,
        [
            "Statement that no transaction may hold",
            "The runner sends the file in a transaction, where the server refuses this statement.",
            "Run it in a file of its own, with the transaction of your runner disabled for that file.",
        ],
    ),
    rule(
        "migration/table-rewrite",
        Severity::High,
        [
            "Rewrite of a table",
            "The table is copied under ACCESS EXCLUSIVE: neither read nor written meanwhile, with as much WAL and disk space as it has bytes.",
            "Make the change in steps that only change the catalog, and rewrite rows in batches.",
        ],
    ),
    rule(
        "migration/truncate-cascade",
        Severity::High,
        [
            "TRUNCATE … CASCADE",
            "It empties every table that refers to this one, at any distance.",
            "Name the tables to be emptied.",
        ],
    ),
    rule(
        "migration/uncommitted-transaction",
        Severity::High,
        [
            "Transaction without COMMIT",
            "The file begins a transaction and does not end it: nothing of it stays.",
            "Add COMMIT.",
        ],
    ),
    rule(
        "migration/unique-constraint",
        Severity::High,
        [
            "Unique constraint that builds its index",
            "The index is built under ACCESS EXCLUSIVE.",
            "Build a unique index CONCURRENTLY, and adopt it with ADD CONSTRAINT … USING INDEX.",
        ],
    ),
    rule(
        "migration/whole-table-change",
        Severity::High,
        [
            "UPDATE or DELETE of a whole table",
            "Every row is changed in one transaction: its locks, its dead rows and its WAL last until it ends.",
            "Change rows in batches, each in a transaction of its own.",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_says_why_and_what_instead_in_a_sentence_each() {
        assert!(RULES.is_sorted_by_key(|rule| rule.id));
        for rule in RULES {
            assert!(!rule.title.ends_with('.'), "{}", rule.id);
            for sentence in [rule.why, rule.instead] {
                assert!(sentence.ends_with('.') && sentence.len() < 180, "{}: {sentence}", rule.id);
                assert!(sentence.starts_with(char::is_uppercase), "{}: {sentence}", rule.id);
            }
        }
    }
}
