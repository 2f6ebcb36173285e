//! A connection in use: given back clean, or cancelled and hung up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::error::says_statement_pooling;
use super::opening::{self, Opening};
use super::retired::{CANCEL_TIMEOUT, retire};
use super::target::Connection;
use super::{Error, Failure, ServerFacts, Target};
use crate::model::GapReason;

/// A connection in use. Dropped inside a transaction, it cancels what runs on the server and hangs up.
pub(super) struct ConnectionLease {
    target: Target,
    connection: Option<Connection>,
    busy: AtomicBool,
    /// Whether a pooler hands out backends to us.
    pooled: AtomicBool,
}

impl ConnectionLease {
    pub(super) fn new(target: Target, connection: Connection) -> Self {
        let (busy, pooled) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { target, connection: Some(connection), busy, pooled }
    }

    fn connection(&self) -> &Connection {
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("taken only when given back or dropped"),
        }
    }

    pub(super) fn client(&self) -> &Client {
        match self.connection().client() {
            Some(client) => client,
            None => unreachable!("hung up only when dropped"),
        }
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// What the server said at login.
    pub(super) fn facts(&self) -> &ServerFacts {
        &self.connection().facts
    }

    /// Whether it was idle since another visit: it may have died, and no one would have noticed.
    pub(super) fn is_reused(&self) -> bool {
        Connection::metrics(self.connection()).recycle_count > 0
    }

    /// Take another connection instead of one that died while it was idle.
    pub(super) async fn replace(&mut self) -> Result<(), Error> {
        if let Some(connection) = self.connection.take() {
            drop(Connection::take(connection));
        }
        let connection = self.target.connection().await?;
        *self = Self::new(self.target.clone(), connection);
        Ok(())
    }

    /// A transaction has begun.
    pub(super) fn begin(&self) {
        self.busy.store(true, Ordering::Relaxed);
    }

    /// It is over.
    pub(super) fn end(&self) {
        self.busy.store(false, Ordering::Relaxed);
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }

    /// What the server said as the transaction began.
    pub(super) fn opened(&self, opening: Opening) {
        let pooled = opening.process_id != self.connection().process_id();
        self.pooled.store(pooled && self.connection().process_id() != 0, Ordering::Relaxed);
    }

    /// What ends the transaction, and leaves nothing of it in the session.
    pub(super) fn ending(&self) -> String {
        opening::ending(self.connection().process_id())
    }

    /// Roll back and give the connection back. No one waits: its next user stands in line behind. A server that
    /// does not answer costs the connection, not its place among the few.
    pub(super) fn release(mut self) {
        if !self.is_busy() {
            return;
        }
        let ending = self.ending();
        let pooled = self.pooled.load(Ordering::Relaxed);
        let Some(connection) = self.connection.take() else { return };
        tokio::spawn(async move {
            let clean = match connection.client() {
                Some(client) => {
                    matches!(
                        timeout(CANCEL_TIMEOUT, client.batch_execute(&ending)).await,
                        Ok(Ok(()))
                    )
                }
                None => false,
            };
            if pooled || !clean {
                drop(Connection::take(connection));
            }
        });
    }

    /// Hang up. The server rolls back, and gives back what the session held, temporary buffers among it.
    pub(super) fn hang_up(mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Connection::take(connection));
        }
    }

    /// A failed query is a gap; only a lost connection ends the visit.
    pub(super) fn failure(&self, source: tokio_postgres::Error) -> Result<Failure, Error> {
        let Some(code) = source.code() else { return Err(self.lost(source)) };
        let reason = match code {
            &SqlState::INSUFFICIENT_PRIVILEGE => GapReason::MissingPrivilege,
            &SqlState::LOCK_NOT_AVAILABLE => GapReason::Locked,
            &SqlState::QUERY_CANCELED => GapReason::TimedOut,
            &SqlState::READ_ONLY_SQL_TRANSACTION => GapReason::InRecovery,
            code if ends_the_connection(code) => return Err(self.lost(source)),
            _ => GapReason::NotVisibleInSql,
        };
        Ok(Failure { reason, sqlstate: code.code().to_owned() })
    }

    /// What the server answers, if it does so in time.
    pub(super) async fn within<T>(
        &self,
        time: Duration,
        answer: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let late =
            || Error::NoAnswer { target: self.target.name().to_owned(), seconds: time.as_secs() };
        timeout(time, answer).await.map_err(|_| late())
    }

    /// The connection is gone.
    pub(super) fn lost(&self, source: tokio_postgres::Error) -> Error {
        let target = self.target.name().to_owned();
        if self.connection.as_ref().is_some_and(|connection| connection.is_too_large()) {
            return Error::TooMuch { target };
        }
        if says_statement_pooling(&source) {
            return Error::StatementPooling { target };
        }
        Error::ConnectionLost { target, source }
    }
}

/// Whether an error with this code comes with the end of the connection: it is no answer to the statement.
pub(super) fn ends_the_connection(code: &SqlState) -> bool {
    code.code().starts_with("57P") || code.code().starts_with("08")
}

impl Drop for ConnectionLease {
    fn drop(&mut self) {
        let (busy, pooled) = (self.is_busy(), self.pooled.load(Ordering::Relaxed));
        let Some(connection) = self.connection.take() else { return };
        if busy {
            // Not to the pool: answers no one waits for are still on their way.
            let process_id = Some(connection.process_id()).filter(|id| !pooled && *id != 0);
            retire(self.target.clone(), connection, process_id);
        } else if pooled {
            // What a pooler keeps of a session is its business once we are gone.
            drop(Connection::take(connection));
        }
    }
}
