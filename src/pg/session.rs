//! A guarded session: one read-only transaction whose queries are sent ahead without waiting.

use std::time::{Duration, Instant};

use futures_util::future::{MaybeDone, maybe_done};
use futures_util::{Future, TryStreamExt, poll};
use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};

use super::connect::CONNECT_TIMEOUT;
use super::lease::{ConnectionLease, ends_the_connection};
use super::opening::{self, Opening, guarded};
use super::row::ResultRow;
use super::target::Connection;
use super::{Error, ServerFacts, Target};
use crate::model::{Cost, GapReason};

/// What every visit runs under. Read-only stops writes; the time limits stop us from standing in the way;
/// an empty search path lets no one slip their objects under our names, and has the server print the schema of all that
/// stands outside `pg_catalog`; texts are printed one way whatever the role has set; without row security a query
/// that would be filtered silently fails instead; without constraint exclusion the planner does not evaluate the
/// tables' checks, which may call functions of their owners; what is sorted of a large catalog is no file of the server's.
const GUARD: &str = "begin transaction read only;
set local statement_timeout = '5s';
set local lock_timeout = '500ms';
set local idle_in_transaction_session_timeout = '30s';
set local search_path = '';
set local row_security = off;
set local timezone = 'UTC';
set local datestyle = 'ISO';
set local intervalstyle = 'postgres';
set local extra_float_digits = 1;
set local quote_all_identifiers = off;
set local standard_conforming_strings = on;
set local constraint_exclusion = off;
set local jit = off;
set local synchronize_seqscans = off;
set local max_parallel_workers_per_gather = 0;
set local work_mem = '32MB';";

/// Every query starts here again, whatever became of the one before.
const MARK: &str = "savepoint visit";
const BACK: &str = "rollback to savepoint visit";

/// How long a connection that was idle may take for its first answer. One that died silently never gives it.
pub(super) const FIRST_ANSWER_MAX: Duration = Duration::from_secs(3);
/// How long the server may say nothing while it is to answer: the time limit of a statement three times over. One that was
/// stopped keeps its connections, and its host acknowledges what is sent.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// Bytes of rows that one visit takes: a catalog of 50,000 tables has 20 MB, and samples of documents some hundred.
const VISIT_BYTES_MAX: u64 = 1 << 30;

/// Parameters of a query with their types.
pub type QueryParameters = Vec<(Box<dyn ToSql + Sync + Send>, Type)>;

/// A query.
pub struct Question {
    /// The source, for metrics and gaps.
    pub source: &'static str,
    /// The query.
    pub sql: String,
    /// Its parameters with their types.
    pub parameters: QueryParameters,
    /// `SET LOCAL` statements that hold for this question alone, and for those asked together with it; empty for none.
    pub settings: &'static str,
    /// Whether the next question is asked on top of what this one did, and fails where this one fails. The next one's settings
    /// are this one's.
    pub continues: bool,
}

impl Question {
    /// A query that takes no parameters, needs no settings and is followed by nothing.
    pub fn new(source: &'static str, sql: String) -> Self {
        Self { source, sql, parameters: Vec::new(), settings: "", continues: false }
    }

    fn typed(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        typed(&self.parameters).collect()
    }
}

/// Parameters as the driver takes them.
pub(super) fn typed(
    parameters: &QueryParameters,
) -> impl ExactSizeIterator<Item = (&(dyn ToSql + Sync), Type)> {
    parameters.iter().map(|(value, kind)| {
        let value: &(dyn ToSql + Sync) = &**value;
        (value, kind.clone())
    })
}

/// Whether a row could be read.
pub type RowTaken = Result<(), tokio_postgres::Error>;

/// What became of a question: rows were handed out as they came.
pub type QueryResult = Result<(), Failure>;

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
    lease: ConnectionLease,
    facts: ServerFacts,
    cost: Cost,
}

impl Session {
    pub(super) fn new(target: Target, connection: Connection) -> Self {
        let lease = ConnectionLease::new(target, connection);
        Self { facts: lease.facts().clone(), lease, cost: Cost::default() }
    }

    /// What the server said of itself: at login, and whether it is in recovery as the transaction began.
    pub fn facts(&self) -> &ServerFacts {
        &self.facts
    }

    /// Whether code of the target's own may run with our role's rights.
    pub fn trusts_code(&self) -> bool {
        self.lease.target().trusts_code()
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
    pub async fn query(
        &mut self,
        questions: &[Question],
        on_row: impl FnMut(usize, ResultRow<'_>) -> RowTaken + Send,
    ) -> Result<Vec<QueryResult>, Error> {
        self.send(questions, false, on_row).await
    }

    /// The same, and the end of the visit with it.
    ///
    /// # Errors
    /// Only a lost connection; what fails alone fails alone.
    pub async fn query_finally(
        &mut self,
        questions: &[Question],
        on_row: impl FnMut(usize, ResultRow<'_>) -> RowTaken + Send,
    ) -> Result<Vec<QueryResult>, Error> {
        self.send(questions, true, on_row).await
    }

    /// Send all, and once more on another connection where one that was idle turns out to be dead.
    async fn send(
        &mut self,
        questions: &[Question],
        finally: bool,
        mut on_row: impl FnMut(usize, ResultRow<'_>) -> RowTaken + Send,
    ) -> Result<Vec<QueryResult>, Error> {
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        let begun = Instant::now();
        let mut answers = Box::pin(self.exchange(questions, finally, &mut on_row)).await?;
        while answers.is_none() {
            self.lease.replace().await?;
            self.facts = self.lease.facts().clone();
            answers = Box::pin(self.exchange(questions, finally, &mut on_row)).await?;
        }
        self.cost.round_trips += 1;
        self.cost.queries += u32::try_from(questions.len()).unwrap_or(u32::MAX);
        self.cost.target_ms += begun.elapsed().as_secs_f64() * 1e3;
        Ok(answers.unwrap_or_default())
    }

    /// What is sent before the first question, and behind each: nothing where the next one goes on with it.
    fn around(&self, questions: &[Question], finally: bool) -> (String, Vec<Option<String>>) {
        let settings = |position: usize| questions.get(position).map_or("", |next| next.settings);
        let first = if self.lease.is_busy() {
            format!("{BACK};{}", settings(0))
        } else {
            format!("{}\n{MARK};{}", guarded(GUARD, &self.facts), settings(0))
        };
        let ending = if finally { self.lease.ending() } else { BACK.to_owned() };
        let after = |position: usize| match position + 1 {
            next if next == questions.len() => Some(ending.clone()),
            _ if questions[position].continues => None,
            next => Some(format!("{BACK};{}", settings(next))),
        };
        (first, (0..questions.len()).map(after).collect())
    }

    /// Everything is on its way before the first answer is waited for. No answers where the connection was idle before and
    /// is dead: no row was handed out then.
    async fn exchange(
        &mut self,
        questions: &[Question],
        finally: bool,
        on_row: &mut (impl FnMut(usize, ResultRow<'_>) -> RowTaken + Send),
    ) -> Result<Option<Vec<QueryResult>>, Error> {
        let (lease, client) = (&self.lease, self.lease.client());
        let reused = !lease.is_busy() && lease.is_reused();
        let (first, behind) = self.around(questions, finally);
        lease.begin();
        let mut opening = SentRequest::new(opening::run(client, &first)).await;
        let mut sent = Vec::with_capacity(questions.len());
        for (position, question) in questions.iter().enumerate() {
            let query =
                SentRequest::new(client.query_typed_raw(&question.sql, question.typed())).await;
            let back = match &behind[position] {
                Some(back) => Some(SentRequest::new(client.batch_execute(back)).await),
                None => None,
            };
            sent.push((query, back));
        }
        let Some(opening) = first_answer(lease, &mut opening, reused).await? else {
            lease.end();
            return Ok(None);
        };
        if let Some(opening) = opening {
            lease.opened(opening);
            self.facts.in_recovery = opening.in_recovery;
        }
        let mut answers = Vec::with_capacity(questions.len());
        for (position, (mut query, mut back)) in sent.into_iter().enumerate() {
            let cost = &mut self.cost;
            let sent_at = Instant::now();
            let answer = read(lease, &mut query, |row| {
                cost.rows_read += 1;
                cost.bytes_read += row.bytes();
                on_row(position, row)?;
                Ok(cost.bytes_read <= VISIT_BYTES_MAX)
            })
            .await?;
            count(questions[position].source, &answer, sent_at);
            answers.push(match answer {
                Ok(true) => Ok(()),
                Ok(false) => {
                    let target = lease.target().name().to_owned();
                    return Err(Error::TooMuch { target });
                }
                Err(source) => Err(lease.failure(source)?),
            });
            if let Some(back) = &mut back {
                let back = lease.within(SILENCE_MAX, back.answer()).await?;
                back.map_err(|source| lease.lost(source))?;
            }
        }
        if finally {
            lease.end();
        }
        Ok(Some(answers))
    }

    /// End the visit. No one waits for it: the next user of the connection stands in line behind it.
    pub fn finish(self) {
        self.lease.release();
    }
}

/// What the server says as the transaction begins; nothing where the connection is dead that was used before.
async fn first_answer<F>(
    lease: &ConnectionLease,
    opening: &mut SentRequest<F>,
    reused: bool,
) -> Result<Option<Option<Opening>>, Error>
where
    F: Future<Output = Result<Option<Opening>, tokio_postgres::Error>>,
{
    if !reused {
        // A pooler that lost its server lets us in and answers nothing.
        let answered = lease.within(CONNECT_TIMEOUT, opening.answer()).await?;
        return answered.map(Some).map_err(|source| lease.lost(source));
    }
    match timeout(FIRST_ANSWER_MAX, opening.answer()).await {
        Ok(Ok(opening)) => Ok(Some(opening)),
        Ok(Err(source)) if source.code().is_none_or(ends_the_connection) => Ok(None),
        Ok(Err(source)) => Err(lease.lost(source)),
        Err(_) => Ok(None),
    }
}

/// A request that is on its way before anyone waits for its answer.
struct SentRequest<F: Future>(std::pin::Pin<Box<MaybeDone<F>>>);

impl<F: Future> SentRequest<F> {
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

/// Hand out rows as long as they are taken; whether all were, or the error of the server.
async fn read<F>(
    lease: &ConnectionLease,
    query: &mut SentRequest<F>,
    mut on_row: impl FnMut(ResultRow<'_>) -> Result<bool, tokio_postgres::Error>,
) -> Result<Result<bool, tokio_postgres::Error>, Error>
where
    F: Future<Output = Result<tokio_postgres::RowStream, tokio_postgres::Error>>,
{
    let rows = match lease.within(SILENCE_MAX, query.answer()).await? {
        Ok(rows) => rows,
        Err(source) => return Ok(Err(source)),
    };
    let mut rows = std::pin::pin!(rows);
    loop {
        let row = match lease.within(SILENCE_MAX, rows.try_next()).await? {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(Ok(true)),
            Err(source) => return Ok(Err(source)),
        };
        match on_row(ResultRow::new(&row)) {
            Ok(true) => {}
            other => return Ok(other),
        }
    }
}

fn count(source: &'static str, answer: &Result<bool, tokio_postgres::Error>, sent_at: Instant) {
    let outcome = match answer {
        Ok(true) => "seen",
        Ok(false) | Err(_) => "gap",
    };
    metrics::counter!("dbopt_source_reads_total", "source" => source, "outcome" => outcome)
        .increment(1);
    metrics::histogram!("dbopt_source_read_seconds", "source" => source)
        .record(sent_at.elapsed().as_secs_f64());
}
