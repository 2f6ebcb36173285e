//! A transaction that may write temporary tables, and that is always rolled back.

use std::time::Duration;

use futures_util::{SinkExt, TryStreamExt};
use tokio::time::timeout;
use tokio_postgres::CopyInSink;
use tokio_postgres::types::Type;

use super::lease::ConnectionLease;
use super::opening::{self, guarded};
use super::session::{FIRST_ANSWER_MAX, QueryParameters, typed};
use super::target::Connection;
use super::text_parameter::TextParameter;
use super::text_value::TextValue;
use super::{Error, Failure, Target};

/// Bytes of rows that one question of an experiment takes.
const ROWS_BYTES_MAX: usize = 64 << 20;

/// How long the server may say nothing while it is to answer: its time limit for a statement, and what the way takes.
const SILENCE_MAX: Duration = Duration::from_secs(25);

/// What every experiment runs under. It may write, so it lasts shortly and waits for no one.
const GUARD: &str = "begin;
set local statement_timeout = '15s';
set local lock_timeout = '500ms';
set local idle_in_transaction_session_timeout = '30s';
set local search_path = '';
set local row_security = off;
set local standard_conforming_strings = on;
set local constraint_exclusion = off;
set local jit = off;
set local max_parallel_workers_per_gather = 0;
set local client_min_messages = error;
set local temp_buffers = '64MB';";

/// A transaction for an experiment. Whatever becomes of it, it is rolled back.
pub struct TrialTransaction {
    lease: ConnectionLease,
}

/// Why a step of an experiment did not work out.
#[derive(Debug)]
pub enum TrialError {
    /// The server refused the step; the experiment is over.
    Refused(Failure),
    /// The connection is gone.
    Lost(Error),
}

impl TrialTransaction {
    pub(super) async fn begin(target: Target, connection: Connection) -> Result<Self, TrialError> {
        let mut trial = Self { lease: ConnectionLease::new(target, connection) };
        // One that was idle may have died: the first answer shows it.
        while trial.lease.is_reused() && !trial.open_in_time().await? {
            trial.lease.replace().await.map_err(TrialError::Lost)?;
        }
        if !trial.lease.is_busy() {
            trial.open().await?;
        }
        Ok(trial)
    }

    async fn open(&self) -> Result<(), TrialError> {
        let guard = guarded(GUARD, self.lease.facts());
        self.lease.begin();
        if let Some(opening) = self.answer(opening::run(self.lease.client(), &guard)).await? {
            self.lease.opened(opening);
        }
        Ok(())
    }

    async fn open_in_time(&self) -> Result<bool, TrialError> {
        match timeout(FIRST_ANSWER_MAX, self.open()).await {
            Ok(Ok(())) => Ok(true),
            Ok(Err(TrialError::Lost(Error::ConnectionLost { .. }))) | Err(_) => {
                self.lease.end();
                Ok(false)
            }
            Ok(Err(error)) => Err(error),
        }
    }

    /// The server's major version.
    pub fn major(&self) -> u32 {
        self.lease.facts().major
    }

    /// Run statements that return nothing.
    ///
    /// # Errors
    /// The server's refusal, or the loss of the connection.
    pub async fn run(&self, sql: &str) -> Result<(), TrialError> {
        self.answer(self.lease.client().batch_execute(sql)).await
    }

    /// The first column of each row, as text.
    ///
    /// # Errors
    /// The server's refusal, the loss of the connection, or more rows than are taken.
    pub async fn rows(&self, sql: &str) -> Result<Vec<String>, TrialError> {
        self.rows_with(sql, &[]).await
    }

    /// The same with values for its parameters, as text or NULL; the server works out their types.
    ///
    /// # Errors
    /// The server's refusal, the loss of the connection, or more rows than are taken.
    pub async fn rows_with(
        &self,
        sql: &str,
        parameters: &[Option<String>],
    ) -> Result<Vec<String>, TrialError> {
        let mut typed = QueryParameters::new();
        for value in parameters {
            typed.push((Box::new(TextParameter(value.clone())), Type::UNKNOWN));
        }
        self.rows_typed(sql, &typed).await
    }

    /// The same with values of known types.
    ///
    /// # Errors
    /// The server's refusal, the loss of the connection, or more rows than are taken.
    pub async fn rows_typed(
        &self,
        sql: &str,
        parameters: &QueryParameters,
    ) -> Result<Vec<String>, TrialError> {
        let rows = self.lease.client().query_typed_raw(sql, typed(parameters));
        let rows = self.answer(rows).await?;
        let mut rows = std::pin::pin!(rows);
        let (mut all, mut bytes) = (Vec::<String>::new(), 0);
        while let Some(row) = self.answer(rows.try_next()).await? {
            let value: TextValue<'_> = row.try_get(0).map_err(|source| self.failed(source))?;
            let row = value.0.to_owned();
            bytes += row.len();
            if bytes > ROWS_BYTES_MAX {
                let target = self.lease.target().name().to_owned();
                return Err(TrialError::Lost(Error::TooMuch { target }));
            }
            all.push(row);
        }
        Ok(all)
    }

    /// Stream what `from` reads there into what `into` writes here, as binary COPY does.
    ///
    /// # Errors
    /// The refusal of either server, or the loss of a connection.
    pub async fn copy_from(&self, other: &Self, from: &str, into: &str) -> Result<(), TrialError> {
        let mut source = std::pin::pin!(other.answer(other.lease.client().copy_out(from)).await?);
        let mut sink: std::pin::Pin<Box<CopyInSink<bytes::Bytes>>> =
            Box::pin(self.answer(self.lease.client().copy_in(into)).await?);
        while let Some(chunk) = other.answer(source.try_next()).await? {
            self.answer(sink.send(chunk)).await?;
        }
        self.answer(sink.as_mut().finish()).await?;
        Ok(())
    }

    /// Roll everything back, and leave no session with buffers for temporary tables.
    pub fn finish(self) {
        self.lease.hang_up();
    }

    /// What the server answers, if it does so in time.
    async fn answer<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, TrialError> {
        let answer = self.lease.within(SILENCE_MAX, answer).await.map_err(TrialError::Lost)?;
        answer.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: tokio_postgres::Error) -> TrialError {
        match self.lease.failure(source) {
            Ok(failure) => TrialError::Refused(failure),
            Err(error) => TrialError::Lost(error),
        }
    }
}
