//! The account of what was sent of the workload: how much of it was read, and what was not.

use crate::model::{Gap, GapReason, Topic, counted};
use crate::workload::{Ledger, SourceCounts};

const FORMATS: &str = "send the log as the server writes it (csvlog, jsonlog or stderr); docs/api.md lists what is read";

const LOG_ALL: &str = "log statements before you send the log: ALTER SYSTEM SET log_min_duration_statement = 0; SELECT \
                       pg_catalog.pg_reload_conf();";

/// What was not understood of a workload, and what was not kept of it.
pub(super) fn not_read(ledger: &Ledger) -> Vec<Gap> {
    not_understood(ledger).into_iter().chain(left_out(ledger)).collect()
}

/// Statements beyond the number that is kept. Their keys are counted; which of them stand together in a call is not.
fn left_out(ledger: &Ledger) -> Option<Gap> {
    let left_out = ledger.statements_left_out();
    let detail = format!(
        "{} with least time {} counted by keys alone: what a call does with several keys is known of the others",
        counted(left_out, "statement that uses documents", "statements that use documents"),
        if left_out == 1 { "is" } else { "are" },
    );
    let gap = Gap::new(Topic::WORKLOAD.as_str(), GapReason::BudgetSpent, detail)
        .lifted_by("send the workload of one application, or of less time");
    (left_out > 0).then_some(gap)
}

/// What was sent and not understood; nothing where all of it was, or nothing was sent.
fn not_understood(ledger: &Ledger) -> Option<Gap> {
    let (read, coverage) = (ledger.read(), ledger.total_coverage());
    if read.bytes == 0 {
        return None;
    }
    let gap = |detail: String, hint: &str| {
        let gap = Gap::new(Topic::WORKLOAD.as_str(), GapReason::NotEnoughEvidence, detail);
        Some(gap.lifted_by(hint))
    };
    let mut parts = parts(read);
    if coverage.all.entries == 0 {
        let rest = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
        let detail = format!(
            "No statement was found in the {} sent{rest}",
            counted(read.lines, "line", "lines")
        );
        return gap(detail, if read.malformed + read.skipped > 0 { FORMATS } else { LOG_ALL });
    }
    if coverage.not_understood.entries > 0 {
        parts.push(counted(
            coverage.not_understood.entries,
            "statement that is not valid SQL",
            "statements that are not valid SQL",
        ));
    }
    if parts.is_empty() {
        return None;
    }
    let detail = format!(
        "Of {} with {} that were sent, these are not understood: {}",
        counted(read.lines, "line", "lines"),
        counted(coverage.all.entries, "statement", "statements"),
        parts.join(", ")
    );
    let only_times = read.without_statement > 0 && read.malformed + read.skipped == 0;
    gap(detail, if only_times { LOG_ALL } else { FORMATS })
}

/// What was not understood, each kind with its number.
fn parts(read: &SourceCounts) -> Vec<String> {
    // `log_duration` alone writes times and no statements.
    let kinds = [
        (read.malformed, "line of no known form", "lines of no known form"),
        (read.skipped, "message in unknown words", "messages in unknown words"),
        (read.cut_off, "statement that is cut off", "statements that are cut off"),
        (read.without_statement, "time without its statement", "times without their statement"),
        (read.elsewhere, "statement of another database", "statements of other databases"),
    ];
    let some = kinds.into_iter().filter(|(count, ..)| *count > 0);
    some.map(|(count, one, several)| counted(count, one, several)).collect()
}
