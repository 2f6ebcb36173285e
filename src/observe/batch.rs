//! The queries of one round trip. Each is given a [`Slot`] or a [`Receipt`] when it is added, and that alone knows its
//! answer: nothing is matched by position, and what was never added was never asked.
//!
//! Small sources go in one statement. If it fails, each of them is asked alone in another round trip: the one that failed is
//! lost, and no other.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use tokio_postgres::types::Type;

use super::gaps;
use super::source::{Source, as_columns, row_as_json, with_row};
use crate::model::{Gap, GapReason, Observation};
use crate::pg::{
    Error, Failure, QueryParameters, QueryResult, Question, ResultRow, RowTaken, Session,
};

/// Bytes of documents, as text, that are counted in one round trip. Their size is known only as they are stored, where they
/// may be compressed many times over.
pub(super) const SAMPLED_BYTES_MAX: u64 = 256 << 20;
/// How long documents are counted in one round trip, the time with it that the server takes for them: well below what a visit
/// may take.
pub(super) const SAMPLED_TIME_MAX: Duration = Duration::from_secs(20);

/// How much was taken of documents.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    bytes: Arc<AtomicU64>,
    begun: Instant,
}

impl Taken {
    fn begin() -> Self {
        Self { bytes: Arc::default(), begun: Instant::now() }
    }

    /// Whether so many bytes may still be counted; they are then.
    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        let before = self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        before + bytes as u64 <= SAMPLED_BYTES_MAX && self.begun.elapsed() < SAMPLED_TIME_MAX
    }
}

/// What takes the rows of a query as they come.
type OnRow<'a> = Box<dyn FnMut(ResultRow<'_>) -> RowTaken + Send + 'a>;
/// The same of rows that are text.
type OnText = Box<dyn FnMut(&str) + Send>;

/// The queries of one round trip.
pub(super) struct Batch<'a> {
    major: u32,
    queries: Vec<Question>,
    on_rows: Vec<OnRow<'a>>,
    receipts: Vec<Receipt>,
    documents: Taken,
    small: Vec<Small>,
}

/// A source that shares a statement with others.
struct Small {
    source: &'static Source,
    /// The expression that is its row as JSON.
    row: String,
    on_row: OnText,
    receipt: Receipt,
}

impl<'a> Batch<'a> {
    /// Of no query yet, for a server of that major version.
    pub(super) fn new(major: u32) -> Self {
        Self {
            major,
            queries: Vec::new(),
            on_rows: Vec::new(),
            receipts: Vec::new(),
            documents: Taken::begin(),
            small: Vec::new(),
        }
    }

    /// What all of its questions take of documents together.
    pub(super) fn documents(&self) -> Taken {
        self.documents.clone()
    }

    /// The server's major version.
    pub(super) fn major(&self) -> u32 {
        self.major
    }

    /// Ask a source; its rows are decoded as they come.
    pub(super) fn query<T>(
        &mut self,
        source: &'static Source,
        parameters: QueryParameters,
    ) -> Slot<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.query_with(source, &source.spelling(self.major), parameters)
    }

    /// The same with another spelling of the source's SQL.
    pub(super) fn query_with<T>(
        &mut self,
        source: &'static Source,
        sql: &str,
        parameters: QueryParameters,
    ) -> Slot<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let rows = SharedRows::default();
        let question = Question { parameters, ..Question::new(source.name, as_columns::<T>(sql)) };
        let kept = rows.clone();
        let receipt = self.add(question, move |row| {
            kept.add(row);
            Ok(())
        });
        Slot { source: source.name, rows, receipt }
    }

    /// Ask a source of few rows that every role may read, in one statement with the others of its kind.
    pub(super) fn query_together<T>(&mut self, source: &'static Source) -> Slot<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let rows = SharedRows::default();
        let kept = rows.clone();
        let on_row = move |row: &str| kept.add_json(row);
        let receipt = Receipt::sent();
        let row = row_as_json::<T>();
        self.small.push(Small { source, row, on_row: Box::new(on_row), receipt: receipt.clone() });
        Slot { source: source.name, rows, receipt }
    }

    /// Ask a source about these relations. About none there is nothing to ask, and nothing to see.
    pub(super) fn query_relations<T>(
        &mut self,
        source: &'static Source,
        relations: &[i64],
    ) -> Slot<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        if relations.is_empty() {
            let answered = Receipt(Some(Arc::new(OnceLock::from(Ok(())))));
            return Slot { receipt: answered, ..Slot::unasked(source) };
        }
        self.query(source, vec![(Box::new(relations.to_vec()), Type::INT8_ARRAY)])
    }

    /// Ask something whose rows are text, not kept but handed to `on_row`.
    pub(super) fn stream(
        &mut self,
        question: Question,
        on_row: impl FnMut(&str) + Send + 'a,
    ) -> Receipt {
        self.add(question, of_text(on_row))
    }

    fn add(
        &mut self,
        question: Question,
        on_row: impl FnMut(ResultRow<'_>) -> RowTaken + Send + 'a,
    ) -> Receipt {
        let receipt = Receipt::sent();
        self.queries.push(question);
        self.on_rows.push(Box::new(on_row));
        self.receipts.push(receipt.clone());
        receipt
    }

    /// How many statements it takes, as long as none fails.
    #[cfg(test)]
    pub(super) fn statements(&self) -> usize {
        self.queries.len() + usize::from(!self.small.is_empty())
    }

    /// Send all at once, and hand out the answers.
    ///
    /// # Errors
    /// Only a lost connection; a query that fails alone fails alone.
    pub(super) async fn send(mut self, session: &mut Session) -> Result<(), Error> {
        let mut small = std::mem::take(&mut self.small);
        if small.is_empty() {
            return self.exchange(session, false).await;
        }
        let major = self.major;
        let rows = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&rows);
        let receipt = self.stream(joined(&small, major), move |row| {
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(row.to_owned());
        });
        self.exchange(session, false).await?;
        if receipt.failure().is_none() {
            let rows = std::mem::take(&mut *rows.lock().unwrap_or_else(PoisonError::into_inner));
            share_out(&mut small, &rows);
            return Ok(());
        }
        let mut apart = Batch::new(major);
        for Small { source, row, on_row, receipt } in small {
            let sql = with_row(&row, &source.spelling(major));
            let parameters = QueryParameters::new();
            apart.queries.push(Question { parameters, ..Question::new(source.name, sql) });
            apart.on_rows.push(Box::new(of_text(on_row)));
            apart.receipts.push(receipt);
        }
        apart.exchange(session, false).await
    }

    /// The same, and the end of the visit with it.
    ///
    /// # Errors
    /// Only a lost connection; a query that fails alone fails alone.
    pub(super) async fn send_finally(self, session: &mut Session) -> Result<(), Error> {
        debug_assert!(self.small.is_empty(), "what fails together is asked again, which is no end");
        self.exchange(session, true).await
    }

    async fn exchange(self, session: &mut Session, finally: bool) -> Result<(), Error> {
        let Self { queries, mut on_rows, receipts, .. } = self;
        let on_row = |position: usize, row: ResultRow<'_>| on_rows[position](row);
        let answers = if finally {
            session.query_finally(&queries, on_row).await?
        } else {
            session.query(&queries, on_row).await?
        };
        deliver(&receipts, answers);
        Ok(())
    }
}

/// What takes rows of text.
fn of_text<'a>(
    mut on_row: impl FnMut(&str) + Send + 'a,
) -> impl FnMut(ResultRow<'_>) -> RowTaken + Send + 'a {
    move |row| row.text().map(&mut on_row)
}

/// One statement of several sources: each row begins with the position of its source.
fn joined(small: &[Small], major: u32) -> Question {
    let one = |(position, small): (usize, &Small)| {
        let Small { source, row, .. } = small;
        with_row(&format!("'{position} ' || {row}"), &source.spelling(major))
    };
    let parts: Vec<String> = small.iter().enumerate().map(one).collect();
    let sql = parts.join("\nunion all\n");
    Question::new("small_sources", sql)
}

/// Hand each row to its source.
fn share_out(small: &mut [Small], rows: &[String]) {
    for row in rows {
        let Some((position, row)) = row.split_once(' ') else { continue };
        let source = position.parse().ok().and_then(|at: usize| small.get_mut(at));
        if let Some(source) = source {
            (source.on_row)(row);
        }
    }
    let receipts: Vec<Receipt> = small.iter().map(|source| source.receipt.clone()).collect();
    deliver(&receipts, vec![Ok(()); receipts.len()]);
}

fn deliver(receipts: &[Receipt], answers: Vec<QueryResult>) {
    for (Receipt(receipt), answer) in receipts.iter().zip(answers) {
        let _ = receipt.as_ref().map(|receipt| receipt.set(answer));
    }
}

/// What became of one query. The default was never asked.
#[derive(Clone, Default)]
pub(super) struct Receipt(Option<Arc<OnceLock<QueryResult>>>);

impl Receipt {
    /// Of a query that is on its way.
    fn sent() -> Self {
        Self(Some(Arc::default()))
    }

    /// The answer; absent where the query was never sent.
    pub(super) fn answer(&self) -> Option<&QueryResult> {
        self.0.as_ref()?.get()
    }

    /// Why the query failed, where it did.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.answer()?.as_ref().err()
    }
}

/// The rows of one source, once they have come.
pub(super) struct Slot<T> {
    source: &'static str,
    rows: SharedRows<T>,
    receipt: Receipt,
}

/// Where the rows of a source are kept. Never contended: answers come one after the other.
struct SharedRows<T>(Arc<Mutex<DecodedRows<T>>>);

struct DecodedRows<T> {
    decoded: Vec<T>,
    unreadable: Option<String>,
}

impl<T> Default for SharedRows<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(DecodedRows { decoded: Vec::new(), unreadable: None })))
    }
}

impl<T> Clone for SharedRows<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: DeserializeOwned> SharedRows<T> {
    fn add(&self, row: ResultRow<'_>) {
        self.keep(row.decode().map_err(|error| error.to_string()));
    }

    fn add_json(&self, row: &str) {
        let row = serde_json::from_str(row);
        self.keep(row.map_err(|error| format!("{:?} at {}", error.classify(), error.column())));
    }

    fn keep(&self, row: Result<T, String>) {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match row {
            Ok(row) => rows.decoded.push(row),
            Err(how) => rows.unreadable = Some(how),
        }
    }
}

impl<T> Slot<T> {
    /// A source that this visit does not ask.
    pub(super) fn unasked(source: &'static Source) -> Self {
        Self { source: source.name, rows: SharedRows::default(), receipt: Receipt::default() }
    }

    /// The source's name.
    pub(super) fn source(&self) -> &'static str {
        self.source
    }

    /// Why the query failed, where it did.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.receipt.failure()
    }

    /// All rows, or why there are none.
    pub(super) fn rows(self) -> Observation<Vec<T>> {
        let mut rows = self.rows.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (self.receipt.answer(), rows.unreadable.take()) {
            (None, _) => Observation::Unseen(gaps::unasked(self.source)),
            (Some(Err(failure)), _) => Observation::Unseen(gaps::failed(self.source, failure)),
            (Some(Ok(())), Some(how)) => Observation::Unseen(Gap::new(
                self.source,
                GapReason::NotVisibleInSql,
                format!("the server's answer has another shape than expected ({how})"),
            )),
            (Some(Ok(())), None) => Observation::Seen(std::mem::take(&mut rows.decoded)),
        }
    }

    /// The only row, or why there is none.
    pub(super) fn row(self) -> Observation<T> {
        let source = self.source;
        match self.rows() {
            Observation::Seen(rows) => match rows.into_iter().next() {
                Some(row) => Observation::Seen(row),
                None => Observation::Unseen(Gap::new(
                    source,
                    GapReason::NotVisibleInSql,
                    "no row came back",
                )),
            },
            Observation::Unseen(gap) => Observation::Unseen(gap),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_counted_until_there_are_enough_of_them_or_it_takes_too_long() {
        let taken = Taken::begin();
        let half = usize::try_from(SAMPLED_BYTES_MAX / 2).unwrap();
        assert!(taken.has_room_for(half) && taken.clone().has_room_for(half));
        assert!(!taken.has_room_for(1), "all samples of a round trip together");
        let begun = Instant::now().checked_sub(SAMPLED_TIME_MAX).unwrap();
        assert!(!Taken { begun, ..Taken::begin() }.has_room_for(1));
    }

    static SOURCE: Source = Source::new("test", "select 1");

    #[test]
    fn a_source_that_was_never_asked_is_unseen_and_one_that_answered_nothing_is_empty() {
        let never = Slot::<i64>::unasked(&SOURCE).rows();
        assert!(matches!(&never, Observation::Unseen(gap) if gap.observation == "test"));

        let mut batch = Batch::new(18);
        let (first, second) =
            (batch.query::<i64>(&SOURCE, vec![]), batch.query::<i64>(&SOURCE, vec![]));
        let failed = Failure { reason: GapReason::Locked, sqlstate: "55P03".to_owned() };
        deliver(&batch.receipts, vec![Err(failed), Ok(())]);
        assert!(
            matches!(first.rows(), Observation::Unseen(gap) if gap.reason == GapReason::Locked)
        );
        assert_eq!(second.rows(), Observation::Seen(vec![]));
    }
}
