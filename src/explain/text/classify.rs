//! What a line is, by its start and by where it stands.

use super::{Section, TextReader, head, indent, trim};

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineKind {
    /// The first line of a plan.
    Root,
    /// A line with an arrow.
    Node,
    /// The name of a subplan whose node follows.
    Label,
    /// A property of a node, a worker or a section.
    Property,
    /// A property of the statement, or the start of a section of them.
    Statement,
    /// It belongs to the line before.
    Continuation,
    Blank,
    /// A footer: the plan ended before it.
    End,
    /// No plan is open.
    Outside,
}

impl TextReader<'_> {
    pub(super) fn classify(&self, line: &str) -> LineKind {
        let text = trim(line);
        if text.is_empty() {
            return if self.section == Section::Outside {
                LineKind::Outside
            } else {
                LineKind::Blank
            };
        }
        let column = indent(line);
        if self.section == Section::Outside {
            return if is_root(text) && !self.next.is_statement_without(text) {
                LineKind::Root
            } else {
                LineKind::Outside
            };
        }
        if is_arrow(text) {
            return LineKind::Node;
        }
        // The footer of a frame may stand a blank behind a plan that has no margin.
        if column <= self.base || column == self.base + 1 && is_footer(text) {
            return Self::at_the_base(text);
        }
        if let Some(kind) = property(text) {
            return match kind {
                PropertyOrigin::Yes => LineKind::Property,
                PropertyOrigin::Perhaps
                    if self.stands_as_property(column) || self.stands_as_label(column) =>
                {
                    LineKind::Property
                }
                PropertyOrigin::Perhaps => LineKind::Continuation,
            };
        }
        if is_label(text) && (self.stands_as_label(column) || is_whole_label(text)) {
            return LineKind::Label;
        }
        if self.stands_as_property(column) && (is_target(text) || is_begun(text)) {
            return LineKind::Property;
        }
        LineKind::Continuation
    }

    /// A line that stands where the root does: of the statement, another plan, a footer, or the end of a wrapped line.
    fn at_the_base(text: &str) -> LineKind {
        if is_footer(text) || is_log(text) {
            return LineKind::End;
        }
        if statement_key(text) {
            return LineKind::Statement;
        }
        if is_root(text) && (head::has_figures(text) || text.contains("  (cost=")) {
            return LineKind::Root;
        }
        if let Some(PropertyOrigin::Yes) = property(text) {
            // Lines whose blanks were lost.
            return LineKind::Property;
        }
        LineKind::Continuation
    }

    /// Whether a line stands where the subplans of an open node do.
    fn stands_as_label(&self, column: usize) -> bool {
        column == self.column
            || column == self.base + 2
            || self.open.iter().any(|(open, _)| open + 6 == column)
    }

    /// Whether a line stands where properties of the last node, worker or section do.
    fn stands_as_property(&self, column: usize) -> bool {
        match self.section {
            Section::Node => column == self.column,
            Section::Worker(_, at) | Section::WorkerJit(_, at) => {
                column >= self.column && column <= at + 4
            }
            _ => column == self.base + 2,
        }
    }
}

/// Whether the name of a property is one that servers print.
enum PropertyOrigin {
    Yes,
    Perhaps,
}

/// Whether a line is `Name: value` or `Name:`, of whatever name.
pub(super) fn is_property(text: &str) -> bool {
    property(text).is_some()
}

/// Whether a line is `Name: value` or `Name:`, and of what name.
fn property(text: &str) -> Option<PropertyOrigin> {
    let colon = memchr::memchr(b':', text.as_bytes())?;
    let (name, after) = (&text[..colon], &text[colon + 1..]);
    if !after.is_empty() && !after.starts_with(' ') {
        return None;
    }
    if is_known(name) {
        return Some(PropertyOrigin::Yes);
    }
    let worker = name.strip_prefix("Worker ");
    if worker.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit())) {
        return Some(PropertyOrigin::Yes);
    }
    let plain = name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -/_".contains(&byte));
    plain.then_some(PropertyOrigin::Perhaps)
}

/// Whether a line is a name, or the beginning of one, whose end was wrapped.
fn is_begun(text: &str) -> bool {
    text.starts_with("Rows Removed") || is_known(text)
}

pub(super) fn is_known(name: &str) -> bool {
    matches!(
        name,
        "Output"
            | "Filter"
            | "Index Cond"
            | "Recheck Cond"
            | "Hash Cond"
            | "Merge Cond"
            | "Join Filter"
            | "TID Cond"
            | "Order By"
            | "One-Time Filter"
            | "Run Condition"
            | "Conflict Filter"
            | "Buffers"
            | "I/O Timings"
            | "WAL"
            | "Sort Key"
            | "Presorted Key"
            | "Group Key"
            | "Hash Key"
            | "Sort Method"
            | "Buckets"
            | "Batches"
            | "Planned Partitions"
            | "Heap Blocks"
            | "Heap Fetches"
            | "Index Searches"
            | "Workers Planned"
            | "Workers Launched"
            | "Rows Removed by Filter"
            | "Rows Removed by Join Filter"
            | "Rows Removed by Index Recheck"
            | "Rows Removed by Conflict Filter"
            | "Subplans Removed"
            | "Cache Key"
            | "Cache Mode"
            | "Hits"
            | "Estimates"
            | "Storage"
            | "Window"
            | "Inner Unique"
            | "Disabled"
            | "Single Copy"
            | "Function Call"
            | "Table Function Call"
            | "Remote SQL"
            | "Relations"
            | "Sampling"
            | "Full-sort Groups"
            | "Pre-sorted Groups"
            | "Conflict Resolution"
            | "Conflict Arbiter Indexes"
            | "Tuples Inserted"
            | "Conflicting Tuples"
            | "Tuples"
            | "Planning"
            | "Planning Time"
            | "Execution Time"
    )
}

/// `InitPlan 1 (returns $0)`, `SubPlan 2`, `CTE totals`.
fn is_label(text: &str) -> bool {
    ["InitPlan ", "SubPlan ", "CTE "].iter().any(|word| text.starts_with(word))
}

/// Whether a label is all of a line: then it is no part of a condition that was wrapped, wherever it stands.
fn is_whole_label(text: &str) -> bool {
    let mut words = text.split(' ');
    let (kind, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_name = kind == "CTE" || name.bytes().all(|byte| byte.is_ascii_digit());
    let returns = || text.split_once(" (returns $").is_some_and(|(_, rest)| rest.ends_with(')'));
    is_name && !name.is_empty() && (words.next().is_none() || returns())
}

/// Whether a line starts with the arrow of a node. Operators of JSON begin alike where a condition was wrapped: `-> 'k'`.
pub(super) fn is_arrow(text: &str) -> bool {
    text.strip_prefix("->").is_some_and(|node| {
        let node = node.trim_start();
        node.is_empty() || node.starts_with(|c: char| c.is_ascii_uppercase())
    })
}

/// One of several tables that a `ModifyTable` changes: `Update on part_1 t_1`.
pub(super) fn is_target(text: &str) -> bool {
    let text = text.strip_prefix("Foreign ").unwrap_or(text);
    ["Insert on ", "Update on ", "Delete on ", "Merge on "]
        .iter()
        .any(|word| text.starts_with(word))
}

/// `(12 rows)`, in the language of psql; `Time: 3.1 ms` of psql.
fn is_footer(text: &str) -> bool {
    let rows = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'))
        .and_then(|text| text.split_once(' '));
    rows.is_some_and(|(number, word)| {
        number.bytes().all(|byte| byte.is_ascii_digit()) && !word.contains(['=', '(', ' '])
    }) || text.strip_prefix("Time: ").is_some_and(|time| time.contains(" ms"))
}

/// The next entry of a log, by its time or its level.
pub(super) fn is_log(text: &str) -> bool {
    let digits = |from: usize, to: usize| {
        text.as_bytes().get(from..to).is_some_and(|bytes| bytes.iter().all(u8::is_ascii_digit))
    };
    (digits(0, 4) && digits(5, 7) && text.as_bytes()[4] == b'-')
        || ["LOG:  ", "DETAIL:  ", "STATEMENT:  ", "ERROR:  ", "WARNING:  "]
            .iter()
            .any(|level| text.starts_with(level))
}

/// Whether a line that stands at the base is of the statement.
fn statement_key(text: &str) -> bool {
    let name = text.split(':').next().unwrap_or_default();
    matches!(
        name,
        "Planning Time"
            | "Planning time"
            | "Execution Time"
            | "Execution time"
            | "Total runtime"
            | "Planning"
            | "JIT"
            | "Settings"
            | "Serialization"
            | "Query Identifier"
            | "Unprunable RTIs"
            | "Result RTIs"
            | "Memory"
    ) && text.len() > name.len()
        || is_group(text)
        || (text.starts_with("Trigger ") && text.contains(" calls=")
            || text.starts_with("Trigger ") && text.contains(": time="))
}

/// What modules of the server print behind a plan: the tables of a statement, as `pg_overexplain` does, or how it was advised.
pub(super) fn is_group(text: &str) -> bool {
    let numbered = || {
        let number = text.strip_prefix("RTI ").and_then(|text| text.split_once(" ("));
        number.is_some_and(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    text == "PlannedStmt:" || text.ends_with(" Plan Advice:") || text.ends_with("):") && numbered()
}

/// Whether a line may be the first of a plan that a log holds.
pub(super) fn is_root_with_costs(text: &str) -> bool {
    text.contains("  (cost=") && !text.starts_with("->") && is_root(text)
}

/// Whether a line may be the first of a plan.
pub(super) fn is_root(text: &str) -> bool {
    let text = text.strip_prefix("->").map_or(text, str::trim_start);
    if head::cost_at(text).is_some() || head::has_figures(text) {
        // A statement may hold `f(cost=>1)`.
        return text.starts_with(|c: char| c.is_ascii_uppercase())
            && !text.starts_with("Query Text:")
            && !head::is_prefixed(text);
    }
    let text =
        text.strip_prefix("Parallel ").or_else(|| text.strip_prefix("Async ")).unwrap_or(text);
    let text =
        text.strip_prefix("Partial ").or_else(|| text.strip_prefix("Finalize ")).unwrap_or(text);
    ROOTS.iter().any(|name| {
        text.strip_prefix(name).is_some_and(|rest| {
            rest.is_empty()
                || rest.starts_with(" on ")
                || rest.starts_with(" using ")
                || rest.starts_with(" (")
        })
    }) || is_join(text)
        || is_target(text)
        || text.starts_with("SetOp ")
        || text.starts_with("HashSetOp ")
        // `Gather Motion 3:1  (slice1; segments: 3)` of Greenplum.
        || text.contains("  (slice")
}

fn is_join(text: &str) -> bool {
    text.strip_suffix(" Join").is_some_and(|text| {
        ["Hash", "Merge", "Nested Loop"].iter().any(|kind| text.starts_with(kind))
            && text.len() < 40
    })
}

/// Names of nodes without figures, which COSTS OFF prints.
const ROOTS: &[&str] = &[
    "Result",
    "ProjectSet",
    "Append",
    "Merge Append",
    "Recursive Union",
    "BitmapAnd",
    "BitmapOr",
    "Nested Loop",
    "Seq Scan",
    "Sample Scan",
    "Gather",
    "Gather Merge",
    "Index Scan",
    "Index Only Scan",
    "Index Scan Backward",
    "Index Only Scan Backward",
    "Bitmap Index Scan",
    "Bitmap Heap Scan",
    "Tid Scan",
    "Tid Range Scan",
    "Subquery Scan",
    "Function Scan",
    "Table Function Scan",
    "Values Scan",
    "CTE Scan",
    "Named Tuplestore Scan",
    "WorkTable Scan",
    "Foreign Scan",
    "Custom Scan",
    "Materialize",
    "Memoize",
    "Sort",
    "Incremental Sort",
    "Group",
    "Aggregate",
    "GroupAggregate",
    "HashAggregate",
    "MixedAggregate",
    "WindowAgg",
    "Unique",
    "LockRows",
    "Limit",
    "Hash",
];
