//! The statements of the workload that take most time, explained in the last round trip of a visit. Nothing is executed.

use std::collections::BTreeSet;

use super::batch::{Batch, Receipt};
use super::explaining::words;
use super::statement_code::{self, PATH_ASIDE, PATH_BACK, Permission, STATEMENT_CODE};
use super::texts::{CountedStatement, ServerStatementText, StatementTexts};
use super::visit::CatalogStage;
use super::{foreign_code, gaps};
use crate::model::observation::WorkloadStatement;
use crate::model::{Gap, GapReason, Observation, PlanSource, Topic, alter_role, beginning};
use crate::pg::{Failure, Question};
use crate::sql::{Explainable, explainable, fingerprint, redacted};

/// Statements that are explained at most.
const STATEMENTS_MAX: usize = 10;

/// Statements that are looked at for these: utility statements are passed over.
const CANDIDATES_MAX: usize = 200;

/// Bytes of a statement that are kept of its text.
const TEXT_BYTES_MAX: usize = 4096;

/// The source's name.
const SOURCE: &str = "plans";

/// Planning as the application's sessions do it, in less time than a visit has for ten of them. Constraint exclusion stays
/// off, for it evaluates checks of tables, and so does what row security would hide.
macro_rules! as_the_application {
    ($more:literal) => {
        concat!(
            "set local search_path to default;
set local jit to default;
set local max_parallel_workers_per_gather to default;
set local work_mem to default;
set local timezone to default;
set local datestyle to default;
set local intervalstyle to default;
set local statement_timeout = '500ms';
set local lock_timeout = '100ms';",
            $more
        )
    };
}
const WITH_VALUES: &str = as_the_application!("");
const FOR_ANY_VALUES: &str =
    as_the_application!("\nset local plan_cache_mode = force_generic_plan;");

/// The statement whose generic plan is asked for. It outlives a rollback, and is deallocated.
const PREPARED: &str = "dbopt_explained";

/// What EXPLAIN printed of a statement of the workload. It may hold literals: it is not kept, and cannot be printed.
pub struct ExplainedStatement {
    /// The statement.
    pub statement: WorkloadStatement,
    /// With which values.
    pub source: PlanSource,
    /// What EXPLAIN printed.
    pub output: String,
}

/// What became of the statements that take most time.
#[derive(Default)]
pub struct ExplainedStatements {
    /// Those that were explained, the one with most time first.
    pub explained: Vec<ExplainedStatement>,
    /// Why the others were not; why none was.
    pub gaps: Vec<Gap>,
}

/// The statements to explain, and the questions about them.
pub(super) struct ExplainLook {
    queries: Vec<ExplainQuery>,
    gaps: Vec<Gap>,
}

/// A statement that is explained.
struct ExplainQuery {
    statement: WorkloadStatement,
    explainable: Explainable,
    source: PlanSource,
    lines: Vec<String>,
}

/// What the server answers to the questions about one statement.
pub(super) struct Receipts {
    code: Option<Receipt>,
    prepared: Option<Receipt>,
    explained: Receipt,
}

impl ExplainLook {
    /// The statements with most time, of those that the server counted and those that were sent.
    pub(super) fn choose(
        first: &CatalogStage,
        texts: &StatementTexts,
        statements: &[WorkloadStatement],
    ) -> Self {
        let mut look = Self { queries: Vec::new(), gaps: Vec::new() };
        let known: Vec<&ServerStatementText> =
            texts.activity.iter().chain(&texts.examples).collect();
        let mut candidates: Vec<WorkloadStatement> = statements.to_vec();
        candidates.extend(texts.counted.iter().flatten().filter_map(CountedStatement::statement));
        candidates.retain(|one| one.calls > 0 && one.total_ms > 0.0 && !is_own(&one.text));
        candidates.sort_by(|one, other| other.total_ms.total_cmp(&one.total_ms));
        let mut seen = BTreeSet::new();
        for mut candidate in candidates.into_iter().take(CANDIDATES_MAX) {
            let Ok(generic) = explainable(&candidate.text) else { continue };
            candidate.fingerprint = fingerprint(&generic.text);
            if !seen.insert(candidate.fingerprint.clone()) {
                continue;
            }
            let example = example(&candidate, &known);
            let (explainable, source) = match example {
                Some(example) => (example, PlanSource::Explained),
                None if generic.parameters == 0 => (generic, PlanSource::Explained),
                None => (generic, PlanSource::Generic),
            };
            candidate.text = clipped(redacted(&candidate.text, false));
            if let Some(gap) = refusal(first, &explainable) {
                look.gaps.push(of_statement(&candidate, gap));
            } else {
                let lines = Vec::new();
                look.queries.push(ExplainQuery {
                    statement: candidate,
                    explainable,
                    source,
                    lines,
                });
            }
            if seen.len() == STATEMENTS_MAX {
                break;
            }
        }
        let counted = texts.counted.as_deref().unwrap_or_default();
        if counted.iter().any(|one| one.hidden) {
            look.gaps.extend(gaps::hidden_texts(&[], counted));
        } else if seen.is_empty() {
            look.gaps.push(gaps::no_statement_to_explain(texts.counted.is_some()));
        }
        look
    }

    /// Queries each of them alone; a statement that may not be planned, or cannot be prepared, is not explained.
    pub(super) fn query<'b>(&'b mut self, batch: &mut Batch<'b>, trusted: bool) -> Vec<Receipts> {
        self.queries.iter_mut().map(|query| query.query(batch, trusted)).collect()
    }

    /// What was seen.
    pub(super) fn seen(self, receipts: &[Receipts]) -> ExplainedStatements {
        let mut seen = ExplainedStatements { explained: Vec::new(), gaps: self.gaps };
        for (query, receipts) in self.queries.into_iter().zip(receipts) {
            match receipts.gap() {
                Some(gap) => seen.gaps.push(of_statement(&query.statement, gap)),
                None => seen.explained.push(ExplainedStatement {
                    statement: query.statement,
                    source: query.source,
                    output: query.lines.join("\n"),
                }),
            }
        }
        seen
    }
}

impl ExplainQuery {
    fn query<'b>(&'b mut self, batch: &mut Batch<'b>, trusted: bool) -> Receipts {
        let Self { explainable, source, lines, .. } = self;
        let text = &explainable.text;
        let generic = *source == PlanSource::Generic;
        let settings = if generic { FOR_ANY_VALUES } else { WITH_VALUES };
        let question = |sql: String, continues: bool| Question {
            settings,
            continues,
            ..Question::new(SOURCE, sql)
        };
        let code = (!trusted).then(|| {
            batch.stream(question(PATH_ASIDE.to_owned(), true), |_| {});
            let code = batch.stream(code_question(explainable, settings), |_| {});
            batch.stream(question(PATH_BACK.to_owned(), true), |_| {});
            code
        });
        let prepared = generic.then(|| {
            let sql = format!("prepare /* dbopt */ {PREPARED} as {text}");
            batch.stream(question(sql, true), |_| {})
        });
        let explained = if generic {
            let nulls = vec!["null"; explainable.parameters as usize].join(", ");
            format!("execute {PREPARED}({nulls})")
        } else {
            text.clone()
        };
        let sql = format!("explain /* dbopt */ (verbose, settings) {explained}");
        let explained = batch.stream(question(sql, false), |row| lines.push(row.to_owned()));
        if generic {
            // Where it was not prepared, there is nothing to deallocate.
            batch.stream(question(format!("deallocate {PREPARED}"), false), |_| {});
        }
        Receipts { code, prepared, explained }
    }
}

/// Fails where the statement would run code of the target's own.
fn code_question(statement: &Explainable, settings: &'static str) -> Question {
    // Neither executed nor trusted.
    let parameters = statement_code::parameters(statement, Permission::default());
    let sql = format!(
        "select /* dbopt */ (1 / case when exists (\n{STATEMENT_CODE}\n) then 0 else 1 end)::text"
    );
    Question { parameters, settings, continues: true, ..Question::new(SOURCE, sql) }
}

impl Receipts {
    /// Why the statement was not explained.
    fn gap(&self) -> Option<Gap> {
        if let Some(failure) = self.code.as_ref().and_then(Receipt::failure) {
            return Some(if failure.sqlstate == DIVISION_BY_ZERO {
                runs_code()
            } else {
                refused(failure)
            });
        }
        let failed = self.prepared.as_ref().and_then(Receipt::failure);
        match (failed.or(self.explained.failure()), self.explained.answer()) {
            (Some(failure), _) => Some(refused(failure)),
            (None, None) => Some(gaps::unasked(OBSERVATION)),
            (None, Some(_)) => None,
        }
    }
}

const DIVISION_BY_ZERO: &str = "22012";

/// What a gap about plans names.
const OBSERVATION: &str = Topic::PLANS.as_str();

fn refused(failure: &Failure) -> Gap {
    let Failure { reason, sqlstate } = failure;
    let detail = format!("{} (SQLSTATE {sqlstate})", words(*reason, sqlstate));
    let gap = Gap::new(OBSERVATION, *reason, detail);
    match (reason, sqlstate.as_str()) {
        (GapReason::MissingPrivilege, _) => {
            gap.lifted_by(
                "GRANT SELECT on what it reads: scripts/grants --schema NAME; or, for a SELECT without reading rows: \
                 scripts/grants --explain, then dbopt plan --query-file FILE",
            )
        }
        (_, "42P01" | "3F000") => gap.lifted_by(format!(
            "{} with the schemas that the application's role has in it",
            alter_role("SET search_path = …")
        )),
        (GapReason::Locked | GapReason::TimedOut, _) => gap.lifted_by("analyse again"),
        _ => gap.lifted_by(
            "dbopt plan --query-file FILE, with the statement as the application sends it",
        ),
    }
}

fn runs_code() -> Gap {
    let detail = "to plan it runs code of the database's own";
    Gap::new(OBSERVATION, GapReason::ForeignCode, detail).lifted_by(foreign_code::TRUST)
}

/// Why a statement may not be planned, as far as relations and types show.
fn refusal(first: &CatalogStage, statement: &Explainable) -> Option<Gap> {
    match &first.catalog.foreign_code {
        Observation::Seen(foreign) => {
            foreign_code::named_in(foreign, statement).map(|_| runs_code())
        }
        Observation::Unseen(gap) => Some(gap.clone()),
    }
}

/// The gap with the statement that it is about.
fn of_statement(statement: &WorkloadStatement, gap: Gap) -> Gap {
    let text = beginning(&statement.text, TEXT_CHARS_MAX);
    let detail = format!("{text} was not explained: {}", gap.detail);
    Gap { observation: OBSERVATION.to_owned(), detail, ..gap }
}

/// Characters of a statement in a gap.
const TEXT_CHARS_MAX: usize = 120;

/// A text of the statement with its literals, where a session or `pg_qualstats` shows one.
fn example(statement: &WorkloadStatement, known: &[&ServerStatementText]) -> Option<Explainable> {
    let whole = known.iter().filter(|text| !text.cut_off);
    let same_id = whole.filter(|text| {
        statement.query_id.is_none()
            || text.query_id.is_none()
            || text.query_id == statement.query_id
    });
    let read = same_id.filter_map(|text| explainable(text.sql.as_ref()?).ok());
    let mut literal = read.filter(|example| example.parameters == 0);
    literal.find(|example| fingerprint(&example.text) == statement.fingerprint)
}

fn is_own(sql: &str) -> bool {
    sql.contains("/* dbopt */")
}

fn clipped(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text.push('…');
    }
    text
}
