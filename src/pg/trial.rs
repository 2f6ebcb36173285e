//! A transaction that may write temporary tables, and that is always rolled back.

use futures_util::{SinkExt, StreamExt};
use tokio_postgres::CopyInSink;

use super::held::Held;
use super::session::{failure, guarded, lost};
use super::target::Connection;
use super::{Error, Failure, ServerFacts, Target};

/// What every experiment runs under. It may write, so it lasts shortly and waits for nobody.
const GUARD: &str = "begin;
set local statement_timeout = '15s';
set local lock_timeout = '500ms';
set local idle_in_transaction_session_timeout = '30s';
set local search_path = '';
set local row_security = off;
set local jit = off;
set local max_parallel_workers_per_gather = 0;
set local client_min_messages = error;
set local temp_buffers = '64MB';";

/// A transaction for an experiment. Whatever becomes of it, it is rolled back.
pub struct Trial {
    held: Held,
}

/// Why a step of an experiment did not work out.
#[derive(Debug)]
pub enum TrialError {
    /// The server refused the step; the experiment is over.
    Refused(Failure),
    /// The connection is gone.
    Lost(Error),
}

impl Trial {
    pub(super) async fn begin(
        target: Target,
        connection: Connection,
        facts: &ServerFacts,
    ) -> Result<Self, TrialError> {
        let trial = Self { held: Held::new(target, connection) };
        trial.held.begin();
        trial.run(&guarded(GUARD, facts)).await?;
        Ok(trial)
    }

    /// Run statements that return nothing.
    ///
    /// # Errors
    /// The server's refusal, or the loss of the connection.
    pub async fn run(&self, sql: &str) -> Result<(), TrialError> {
        let outcome = self.held.connection().batch_execute(sql).await;
        outcome.map_err(|source| self.failed(source))
    }

    /// The first column of each row, as text.
    ///
    /// # Errors
    /// The server's refusal, or the loss of the connection.
    pub async fn rows(&self, sql: &str) -> Result<Vec<String>, TrialError> {
        let rows = self.held.connection().query_typed(sql, &[]).await;
        let rows = rows.map_err(|source| self.failed(source))?;
        rows.iter().map(|row| row.try_get(0).map_err(|source| self.failed(source))).collect()
    }

    /// Stream what `from` reads there into what `into` writes here, as binary COPY does.
    ///
    /// # Errors
    /// The refusal of either server, or the loss of a connection.
    pub async fn copy_from(&self, other: &Self, from: &str, into: &str) -> Result<(), TrialError> {
        let source = other.held.connection().copy_out(from).await;
        let mut source = std::pin::pin!(source.map_err(|error| other.failed(error))?);
        let sink = self.held.connection().copy_in(into).await;
        let mut sink: std::pin::Pin<Box<CopyInSink<bytes::Bytes>>> =
            Box::pin(sink.map_err(|error| self.failed(error))?);
        while let Some(chunk) = source.next().await {
            let chunk = chunk.map_err(|error| other.failed(error))?;
            sink.send(chunk).await.map_err(|error| self.failed(error))?;
        }
        sink.as_mut().finish().await.map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// Roll everything back, and leave no session with buffers for temporary tables.
    pub fn finish(self) {
        self.held.hang_up();
    }

    fn failed(&self, source: tokio_postgres::Error) -> TrialError {
        let target = self.held.target();
        if source.code().is_none() {
            return TrialError::Lost(lost(target, source));
        }
        match failure(target, source) {
            Ok(failure) => TrialError::Refused(failure),
            Err(error) => TrialError::Lost(error),
        }
    }
}
