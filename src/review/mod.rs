//! Review of migrations: SQL is read and judged before it runs. Pure: files come in as text.
//!
//! What DDL locks and breaks is judged by squawk's rules, the field's own; what it does to documents, keys and rows by
//! ours. Findings have a place in a file, and a comment suppresses them.

mod added;
mod ddl;
mod depth;
mod documents;
mod dropped;
mod file;
mod lock_timeout;
mod made;
mod names;
mod pending;
mod psql;
mod retype;
mod rewrite;
mod rows;
mod rules;
mod runner;
mod schema;
mod section;
mod session;
mod suppression;
mod tables;
mod target;
mod tokens;
mod types;
mod validation;

use std::collections::BTreeSet;

use crate::checks::number::whole;
use crate::model::{
    Confidence, Evidence, Finding, Gap, GapReason, Grade, Number, Object, ReportedFinding, Review,
    Severity, SourceFix, Unit, finding_id,
};
use file::{FilePosition, ParsedFile};
use tables::TableNames;

pub use names::relation_names;
pub use rules::{RULES, ReviewRule};
pub use runner::Runner;
pub use target::TargetTables;

/// Bytes of a file at most: a dump of data is no migration.
const FILE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Statements of one file that are named where they could not be parsed; further ones are counted.
const BROKEN_MAX: usize = 5;

/// A file of SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlFile {
    /// Where it is, as findings name it.
    pub path: String,
    /// What it says.
    pub sql: String,
}

/// Something found at a place.
#[derive(Debug, Clone, PartialEq)]
struct LocatedFinding {
    /// Byte where it begins.
    at: usize,
    check: &'static str,
    severity: Severity,
    /// The table that others wait for while it is read or written.
    blocked: BlockedTable,
    confidence: Confidence,
    message: String,
    fix: Option<SourceFix>,
}

/// A table that others wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum BlockedTable {
    None,
    /// The one that the statement changes.
    Changed,
    /// The one that the statement changes at once: it matters where it has rows, or statements that use it.
    Used,
    /// The one of this name.
    Named(String),
}

/// What is known of a review beside its files.
struct ReviewContext<'a> {
    /// Tables that are given a key by some file.
    keyed: TableNames<()>,
    schema: schema::SchemaFindings,
    made: made::MadeTables,
    /// Domains with constraints, each with the place of the first one.
    domains: TableNames<FilePosition>,
    /// Tables that are written to the WAL from their first row on, and those that never are.
    logged: tables::Persistences,
    /// Functions that the files declare immutable or stable.
    stable_functions: BTreeSet<String>,
    types: types::Before,
    /// Types that the files make.
    made_types: types::MadeTypes,
    runner: Runner,
    sizes: &'a TargetTables,
}

/// Review files that psql runs; see [`review_by`].
pub fn review(
    files: &[SqlFile],
    sizes: &TargetTables,
    goes_on: &(dyn Fn() -> bool + Sync),
) -> Review {
    review_by(files, sizes, Runner::default(), goes_on)
}

/// Review files, in the order they are run in. Where the tables are known that they are run on, findings say how
/// long these are blocked. Once `goes_on` says no, the files that are left are gaps.
///
/// The work is done on a thread of its own, whose stack suffices for what the limit of depth lets through.
pub fn review_by(
    files: &[SqlFile],
    sizes: &TargetTables,
    runner: Runner,
    goes_on: &(dyn Fn() -> bool + Sync),
) -> Review {
    let reviewed = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(depth::STACK_BYTES);
        let thread = thread.spawn_scoped(scope, || review_here(files, sizes, runner, goes_on));
        thread.ok().map(std::thread::ScopedJoinHandle::join)
    });
    match reviewed {
        Some(Ok(review)) => review,
        Some(Err(panic)) => std::panic::resume_unwind(panic),
        None => {
            let no_thread = |file: &SqlFile| unreviewed(&file.path, "no thread could be started");
            Review { gaps: files.iter().map(no_thread).collect(), ..Review::default() }
        }
    }
}

/// A file that was not reviewed.
fn unreviewed(path: &str, why: &str) -> Gap {
    let detail = format!("{path} was not reviewed: {why}");
    Gap::new("migration", GapReason::BudgetSpent, detail)
}

const NO_TIME: &str = "the time for all files of the review was spent";

fn review_here(
    files: &[SqlFile],
    sizes: &TargetTables,
    runner: Runner,
    goes_on: &dyn Fn() -> bool,
) -> Review {
    let mut review = Review::default();
    let mut read = Vec::new();
    for file in files {
        let known = if goes_on() {
            ParsedFile::read(&file.path, &file.sql)
        } else {
            Err(unreviewed(&file.path, NO_TIME))
        };
        match known {
            Ok(file) => read.push(file),
            Err(gap) => review.gaps.push(gap),
        }
    }
    // A key may be given to a table later, or in another file.
    let known = ReviewContext {
        keyed: TableNames::new(read.iter().flat_map(tables::keyed_later).map(|name| (name, ()))),
        schema: schema::follow(&read, sizes.existing(), goes_on),
        made: made::MadeTables::of(&read, sizes),
        domains: added::constrained_domains(&read),
        logged: tables::persistences(&read),
        stable_functions: rewrite::stable_functions(&read),
        types: types::before(&read, sizes),
        made_types: types::made(&read),
        runner,
        sizes,
    };
    for (index, file) in read.iter().enumerate() {
        match judged(index, file, &known, goes_on) {
            Some(found) => {
                review.gaps.extend(unread(file));
                let found = found.into_iter();
                review.findings.extend(found.map(|found| reported(index, file, found, &known)));
            }
            None => review.gaps.push(unreviewed(&file.path, NO_TIME)),
        }
    }
    review
}

/// What is found in a file; none where there is no time left.
fn judged(
    index: usize,
    file: &ParsedFile,
    known: &ReviewContext<'_>,
    goes_on: &dyn Fn() -> bool,
) -> Option<Vec<LocatedFinding>> {
    let judges: [&dyn Fn() -> Vec<LocatedFinding>; 12] = [
        &|| added::judge(file, index, &known.domains),
        &|| ddl::judge(file, index, known),
        &|| dropped::judge(file),
        &|| rewrite::judge(file, index, known),
        &|| rows::judge(file),
        &|| known.schema.of_file(index),
        &|| runner::judge(file, known.runner),
        &|| validation::judge(file, known.runner),
        &|| tables::judge(file, &known.keyed),
        &|| documents::judge(file),
        &|| pending::judge(file, known.sizes),
        &|| lock_timeout::judge(file, index, known).into_iter().collect(),
    ];
    let mut found = Vec::new();
    for judge in judges {
        found.extend(goes_on().then(judge)?);
    }
    found.sort_by(|a, b| (a.at, a.check).cmp(&(b.at, b.check)));
    let mut left = Vec::new();
    for found in found {
        if !goes_on() {
            return None;
        }
        if !known.blocks_nobody(index, file, &found)
            && !file.is_broken(found.at)
            && !file.suppressions.cover(file, &found)
        {
            left.push(found);
        }
    }
    Some(left)
}

impl ReviewContext<'_> {
    /// Whether a table is as new as the run before a statement: no session uses it.
    fn makes_before(&self, table: &str, at: FilePosition) -> bool {
        self.made.makes_before(table, at, self.sizes.has(table))
    }

    /// The table of an index that a statement drops or changes; the name itself where it is a table's, or not known.
    fn table_of(&self, relation: &str, at: FilePosition) -> String {
        self.table_of_index(relation, at).unwrap_or(relation).to_owned()
    }

    /// Whether the files before a statement, or the target, have an index of a name that it drops.
    fn has_index(&self, index: &str, at: FilePosition) -> bool {
        self.table_of_index(index, at).is_some()
    }

    fn table_of_index(&self, index: &str, at: FilePosition) -> Option<&str> {
        self.schema.table_of(at, index).or_else(|| self.sizes.table_of(index))
    }

    /// The table that others wait for or use, where they do.
    fn blocked_table(
        &self,
        index: usize,
        file: &ParsedFile,
        found: &LocatedFinding,
    ) -> Option<String> {
        match &found.blocked {
            BlockedTable::None => None,
            BlockedTable::Changed | BlockedTable::Used => {
                let (begin, statement) = file.statement_at(found.at)?;
                let relation = tables::changed(statement)?;
                Some(self.table_of(&relation, FilePosition { file: index, byte: *begin }))
            }
            BlockedTable::Named(table) => Some(table.clone()),
        }
    }

    /// Whether others would have to wait for a table that is as new as the run, or that has no rows.
    fn blocks_nobody(&self, index: usize, file: &ParsedFile, found: &LocatedFinding) -> bool {
        let Some(table) = self.blocked_table(index, file, found) else { return false };
        let byte = file.statement_at(found.at).map_or(0, |(begin, _)| *begin);
        let begin = FilePosition { file: index, byte };
        self.makes_before(&table, begin)
            || found.blocked == BlockedTable::Changed && self.schema.reads_nothing(begin)
    }
}

fn reported(
    index: usize,
    file: &ParsedFile,
    found: LocatedFinding,
    known: &ReviewContext<'_>,
) -> ReportedFinding {
    let (line, column) = file.place(found.at);
    let object = Object::Source { path: file.path.clone(), line, column, function: None };
    let id = finding_id("review", found.check, &object);
    let blocked = known.blocked_table(index, file, &found);
    let blocked = blocked.filter(|_| found.blocked != BlockedTable::Used);
    let blocked = blocked.and_then(|table| Some((known.sizes.of_table(&table)?, table)));
    let Some((size, table)) = blocked else {
        let finding = Finding::new(found.check, object, found.severity, found.message);
        let finding = finding.confidence(found.confidence);
        return ReportedFinding { fix: found.fix, ..ReportedFinding::new(id, finding, Vec::new()) };
    };
    let (severity, while_) = if size.is_small() {
        (found.severity.min(Severity::Low), "which is small".to_owned())
    } else {
        (found.severity, format!("for about {:.0} s", size.seconds().max(1.0)))
    };
    let message = format!("{} (blocks `{table}`, {while_})", found.message);
    let finding = Finding::new(found.check, object, severity, message)
        .confidence(found.confidence)
        .statistic("relations.table_rows", whole(size.rows), Unit::Rows)
        .statistic("relations.table_bytes", whole(size.bytes), Unit::Bytes)
        .evidence(Evidence {
            name: "blocked_s".to_owned(),
            value: Number::from(size.seconds()),
            unit: Unit::S,
            source: "relations".to_owned(),
            grade: Grade::Heuristic,
        });
    ReportedFinding { fix: found.fix, ..ReportedFinding::new(id, finding, Vec::new()) }
}

/// What could not be read of a file.
fn unread(file: &ParsedFile) -> Vec<Gap> {
    let mut gaps = not_understood(file);
    gaps.extend(documents::unread_bodies(file));
    gaps
}

/// Statements that could not be parsed, each once: one slip makes many errors, and the parser takes words of what is no SQL
/// for a statement each.
fn not_understood(file: &ParsedFile) -> Vec<Gap> {
    let mut before = None;
    let mut is_apart = |begin: usize| {
        let last = before.replace(begin);
        let between = last.and_then(|last| file.text.get(last..begin));
        between.is_none_or(|text| text.contains(';'))
    };
    let broken = file.broken.iter().filter(|(begin, _)| is_apart(**begin));
    let broken: Vec<usize> = broken.map(|(_, at)| *at).collect();
    let gaps = broken.iter().take(BROKEN_MAX).map(|at| {
        let (line, column) = file.place(*at);
        let detail = format!(
            "{}:{line}:{column} is not understood as SQL; its statement was not judged",
            file.path
        );
        Gap::new("migration", GapReason::NotEnoughEvidence, detail)
    });
    let mut gaps: Vec<Gap> = gaps.collect();
    if broken.len() > BROKEN_MAX {
        let detail = format!(
            "{}: {} more statements are not understood as SQL",
            file.path,
            broken.len() - BROKEN_MAX
        );
        gaps.push(Gap::new("migration", GapReason::NotEnoughEvidence, detail));
    }
    gaps
}

#[cfg(test)]
mod tests;
