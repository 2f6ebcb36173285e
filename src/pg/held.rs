//! A connection in use: given back clean, or cancelled and hung up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::timeout;

use super::Target;
use super::target::Connection;

/// How long a last word to the server may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// A connection in use. Dropped inside a transaction, it cancels what runs on the server and hangs up.
pub(super) struct Held {
    target: Target,
    connection: Option<Connection>,
    busy: AtomicBool,
}

impl Held {
    pub(super) fn new(target: Target, connection: Connection) -> Self {
        Self { target, connection: Some(connection), busy: AtomicBool::new(false) }
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn connection(&self) -> &Connection {
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("taken only when given back or dropped"),
        }
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

    /// Roll back and give the connection back. Nobody waits: its next user stands in line behind. A server that
    /// does not answer costs the connection, not its place among the few.
    pub(super) fn release(mut self) {
        let Some(connection) = self.connection.take() else { return };
        if self.is_busy() {
            tokio::spawn(async move {
                let rollback = timeout(FAREWELL, connection.batch_execute("rollback")).await;
                if !matches!(rollback, Ok(Ok(()))) {
                    drop(Connection::take(connection));
                }
            });
        }
    }

    /// Hang up. The server rolls back, and gives back what the session held, temporary buffers among it.
    pub(super) fn hang_up(mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Connection::take(connection));
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if !self.is_busy() {
            return;
        }
        let cancel = connection.cancel_token();
        let tls = self.target.tls();
        // Not to the pool: answers nobody waits for are still on their way.
        drop(Connection::take(connection));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // It stops what runs; the report of that shows the server that nobody is there any more.
                let _ = timeout(FAREWELL, cancel.cancel_query(tls)).await;
            });
        }
    }
}
