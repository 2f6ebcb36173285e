//! A guarded session: one read-only transaction whose queries are sent ahead without waiting.

use std::time::Instant;

use futures_util::future::{MaybeDone, maybe_done};
use futures_util::{Future, TryStreamExt, poll};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};

use super::held::Held;
use super::target::Connection;
use super::{Error, ServerFacts, Target};
use crate::model::{Cost, GapReason};

/// What every visit runs under. Read-only stops writes; the time limits stop us from standing in the way;
/// an empty search path lets nobody slip their objects under our names; without row security a query
/// that would be filtered silently fails instead.
const GUARD: &str = "begin transaction read only;
set local statement_timeout = '5s';
set local lock_timeout = '500ms';
set local idle_in_transaction_session_timeout = '30s';
set local search_path = '';
set local row_security = off;
set local timezone = 'UTC';
set local datestyle = 'ISO';
set local jit = off;
set local synchronize_seqscans = off;
set local max_parallel_workers_per_gather = 0;";

/// Our reads are not to be counted among the workload's, where we are allowed to switch that off. Asked
/// for politely: a refused SET would leave an error in the server's log at every visit.
const UNCOUNTED: &str = "select pg_catalog.set_config('track_counts', 'off', true)
from pg_catalog.pg_roles where rolname = current_user and rolsuper;";
const UNCOUNTED_15: &str = "select pg_catalog.set_config('track_counts', 'off', true)
where pg_catalog.has_parameter_privilege('track_counts', 'set');";

/// What the role or the database limits whole transactions to would end the connection in mid-visit; the limits above
/// are ours to keep.
const UNLIMITED_17: &str = "set local transaction_timeout = 0;";

/// Every query starts here again, whatever became of the one before.
const MARK: &str = "savepoint visit";
const BACK: &str = "rollback to savepoint visit";
/// The last one takes the end of the transaction along.
const END: &str = "rollback";

/// A query whose rows are one column of JSON text.
pub struct Question {
    /// The source, for metrics and gaps.
    pub source: &'static str,
    /// The query.
    pub sql: String,
    /// Its parameters with their types.
    pub parameters: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
    /// `SET LOCAL` statements that hold for this question alone; empty for none.
    pub settings: &'static str,
}

/// What became of a question: rows were handed out as they came.
pub type Answer = Result<(), Failure>;

/// Why a question was not answered. The visit goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The reason as the contract names it.
    pub reason: GapReason,
    /// The SQLSTATE, which names no host, user or literal.
    pub sqlstate: String,
}

/// A guarded session. Dropped in mid-visit, it cancels what runs on the server and hangs up.
pub struct Session {
    held: Held,
    facts: ServerFacts,
    cost: Cost,
}

impl Session {
    pub(super) fn new(target: Target, connection: Connection, facts: ServerFacts) -> Self {
        Self { held: Held::new(target, connection), facts, cost: Cost::default() }
    }

    /// What the server said of itself.
    pub fn facts(&self) -> &ServerFacts {
        &self.facts
    }

    /// What the session has cost so far.
    pub fn cost(&self) -> Cost {
        // Digits below a microsecond are noise of the addition.
        Cost { target_ms: (self.cost.target_ms * 1e3).round() / 1e3, ..self.cost }
    }

    /// Ask all questions in one round trip, and hand out each row with its question's position.
    ///
    /// # Errors
    /// Only a lost connection; what fails alone fails alone.
    pub async fn ask(
        &mut self,
        questions: &[Question],
        on_row: impl FnMut(usize, &str) + Send,
    ) -> Result<Vec<Answer>, Error> {
        self.send(questions, BACK, on_row).await
    }

    /// The same, and the end of the visit with it.
    ///
    /// # Errors
    /// Only a lost connection; what fails alone fails alone.
    pub async fn ask_finally(
        &mut self,
        questions: &[Question],
        on_row: impl FnMut(usize, &str) + Send,
    ) -> Result<Vec<Answer>, Error> {
        self.send(questions, END, on_row).await
    }

    /// Everything is on its way before the first answer is waited for; `ending` follows the last question.
    async fn send(
        &mut self,
        questions: &[Question],
        ending: &str,
        mut on_row: impl FnMut(usize, &str) + Send,
    ) -> Result<Vec<Answer>, Error> {
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        let (connection, target) = (self.held.connection(), self.held.target().clone());
        let begun = Instant::now();
        let settings = |position: usize| questions.get(position).map_or("", |next| next.settings);
        let first = if self.held.is_busy() {
            format!("{BACK};{}", settings(0))
        } else {
            format!("{}\n{MARK};{}", guarded(GUARD, &self.facts), settings(0))
        };
        let after = |position: usize| match position + 1 {
            next if next == questions.len() => ending.to_owned(),
            next => format!("{BACK};{}", settings(next)),
        };
        let between: Vec<String> = (0..questions.len()).map(after).collect();
        self.held.begin();
        let mut opening = Sent::new(connection.batch_execute(&first)).await;
        let mut sent = Vec::with_capacity(questions.len());
        for (position, question) in questions.iter().enumerate() {
            let parameters = question.parameters.iter().map(|(value, kind)| {
                let value: &(dyn ToSql + Sync) = &**value;
                (value, kind.clone())
            });
            let query = Sent::new(
                connection.query_typed_raw(&question.sql, parameters.collect::<Vec<_>>()),
            )
            .await;
            sent.push((query, Sent::new(connection.batch_execute(&between[position])).await));
        }
        self.cost.round_trips += 1;
        self.cost.queries += u32::try_from(questions.len()).unwrap_or(u32::MAX);

        opening.answer().await.map_err(|source| lost(&target, source))?;
        let mut answers = Vec::with_capacity(questions.len());
        for (position, (mut query, mut back)) in sent.into_iter().enumerate() {
            let cost = &mut self.cost;
            let asked = Instant::now();
            let answer = read(&mut query, |row| {
                cost.rows_read += 1;
                cost.bytes_read += row.len() as u64;
                on_row(position, row);
            })
            .await;
            count(questions[position].source, &answer, asked);
            answers.push(match answer {
                Ok(()) => Ok(()),
                Err(source) => Err(failure(&target, source)?),
            });
            back.answer().await.map_err(|source| lost(&target, source))?;
        }
        if ending == END {
            self.held.end();
        }
        self.cost.target_ms += begun.elapsed().as_secs_f64() * 1e3;
        Ok(answers)
    }

    /// End the visit. Nobody waits for it: the next user of the connection stands in line behind it.
    pub fn finish(self) {
        self.held.release();
    }
}

/// What a transaction of ours begins with: its guard, and what only some versions know.
pub(super) fn guarded(guard: &str, facts: &ServerFacts) -> String {
    let unlimited = if facts.major < 17 { "" } else { UNLIMITED_17 };
    let uncounted = if facts.major < 15 { UNCOUNTED } else { UNCOUNTED_15 };
    format!("{guard}\n{unlimited}\n{uncounted}")
}

/// A request that is on its way before anybody waits for its answer.
struct Sent<F: Future>(std::pin::Pin<Box<MaybeDone<F>>>);

impl<F: Future> Sent<F> {
    /// The driver sends when first polled.
    async fn new(request: F) -> Self {
        let mut request = Box::pin(maybe_done(request));
        let _ = poll!(&mut request);
        Self(request)
    }

    async fn answer(&mut self) -> F::Output {
        (&mut self.0).await;
        match self.0.as_mut().take_output() {
            Some(output) => output,
            None => unreachable!("each answer is taken once"),
        }
    }
}

async fn read<F>(
    query: &mut Sent<F>,
    mut on_row: impl FnMut(&str),
) -> Result<(), tokio_postgres::Error>
where
    F: Future<Output = Result<tokio_postgres::RowStream, tokio_postgres::Error>>,
{
    let mut rows = std::pin::pin!(query.answer().await?);
    while let Some(row) = rows.try_next().await? {
        on_row(row.try_get(0)?);
    }
    Ok(())
}

/// A failed query is a gap; only a lost connection ends the visit.
pub(super) fn failure(target: &Target, source: tokio_postgres::Error) -> Result<Failure, Error> {
    let Some(code) = source.code() else { return Err(lost(target, source)) };
    let reason = match code {
        &SqlState::INSUFFICIENT_PRIVILEGE => GapReason::MissingPrivilege,
        &SqlState::LOCK_NOT_AVAILABLE => GapReason::Locked,
        &SqlState::QUERY_CANCELED => GapReason::TimedOut,
        &SqlState::READ_ONLY_SQL_TRANSACTION => GapReason::InRecovery,
        code if code.code().starts_with("57P") || code.code().starts_with("08") => {
            return Err(lost(target, source));
        }
        _ => GapReason::NotVisibleInSql,
    };
    Ok(Failure { reason, sqlstate: code.code().to_owned() })
}

pub(super) fn lost(target: &Target, source: tokio_postgres::Error) -> Error {
    Error::ConnectionLost { target: target.name().to_owned(), source }
}

fn count(source: &'static str, answer: &Result<(), tokio_postgres::Error>, asked: Instant) {
    let outcome = match answer {
        Ok(()) => "seen",
        Err(_) => "gap",
    };
    metrics::counter!("dbopt_source_reads_total", "source" => source, "outcome" => outcome)
        .increment(1);
    metrics::histogram!("dbopt_source_read_seconds", "source" => source)
        .record(asked.elapsed().as_secs_f64());
}
