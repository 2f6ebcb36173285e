//! A connection in use: given back clean, or cancelled and hung up.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Target;
use super::target::Connection;

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

    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }

    /// Roll back and give the connection back. Nobody waits: its next user stands in line behind.
    pub(super) fn release(mut self) {
        let Some(connection) = self.connection.take() else { return };
        if self.is_busy() {
            tokio::spawn(async move {
                let _ = connection.batch_execute("rollback").await;
            });
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
                let _ = cancel.cancel_query(tls).await;
            });
        }
    }
}
