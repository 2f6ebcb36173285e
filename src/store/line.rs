//! The store as it answers: each operation has a time limit, and a store that is away is known to be.
//!
//! A store that hangs lets every operation wait. So the first that fails stops the others, which fail at once, until a look
//! every half second finds the store again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::{Error, connect};

/// How long an operation may take, the wait for a connection with it.
const OPERATION_MAX: Duration = Duration::from_secs(2);
/// The same for what takes long by its size: the ledger of a workload.
const LONG_OPERATION_MAX: Duration = Duration::from_secs(5);
/// How often we look whether a store that was away is back.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Needs no row, and more of the disk than a page that is there.
const WRITE: &str = "create temporary table dbopt_probe as select pg_catalog.repeat('x', 100000) as x; \
    drop table pg_temp.dbopt_probe";

/// The connections to the store, and what is known of it.
pub(super) struct StoreConnections {
    pool: Pool,
    is_away: AtomicBool,
    /// Whether the last write was refused: no space, or read-only.
    refuses_writes: AtomicBool,
}

/// Why an operation failed.
#[derive(Debug)]
pub(super) enum OperationFault {
    /// What the driver says.
    Driver(tokio_postgres::Error),
    /// It took too long.
    Late,
}

impl OperationFault {
    pub(super) fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Driver(error) => error.code(),
            Self::Late => None,
        }
    }

    /// As an error of an operation that is named like `list targets`.
    pub(super) fn of(self, operation: &'static str) -> Error {
        match self {
            Self::Driver(source) => Error::Query { operation, source },
            Self::Late => Error::Late { operation },
        }
    }
}

impl StoreConnections {
    pub(super) fn new(pool: Pool) -> Self {
        let (is_away, refuses_writes) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { pool, is_away, refuses_writes }
    }

    /// A connection for an operation; at once an error where the store is known to be away.
    pub(super) async fn client(self: &Arc<Self>) -> Result<StoreClient, Error> {
        self.client_for(OPERATION_MAX).await
    }

    /// The same for a long operation.
    pub(super) async fn patient_client(self: &Arc<Self>) -> Result<StoreClient, Error> {
        self.client_for(LONG_OPERATION_MAX).await
    }

    async fn client_for(self: &Arc<Self>, time: Duration) -> Result<StoreClient, Error> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(Error::Away);
        }
        self.connect(Instant::now() + time).await
    }

    async fn connect(self: &Arc<Self>, until: Instant) -> Result<StoreClient, Error> {
        let object = match timeout_at(until, connect::get(&self.pool)).await {
            Ok(Ok(object)) => object,
            Ok(Err(error)) => {
                self.lost();
                return Err(error);
            }
            Err(_) => {
                self.lost();
                return Err(Error::Late { operation: "be reached" });
            }
        };
        let is_late = AtomicBool::new(false);
        Ok(StoreClient { line: Arc::clone(self), object: Some(object), until, is_late })
    }

    /// Whether the store answers in time and can be written to.
    pub(super) async fn answers(self: &Arc<Self>) -> Result<(), Error> {
        let client = self.connect(Instant::now() + OPERATION_MAX).await?;
        let sql = "select pg_catalog.current_setting('transaction_read_only') = 'on'";
        let row = client.query_one(sql, &[]).await.map_err(|fault| fault.of("answer"))?;
        if row.get(0) {
            return Err(Error::ReadOnly);
        }
        if self.refuses_writes.load(Ordering::Relaxed) {
            client.batch_execute(WRITE).await.map_err(|fault| fault.of("be written to"))?;
            if self.refuses_writes.swap(false, Ordering::Relaxed) {
                tracing::info!("the store takes writes again");
            }
        }
        self.found();
        Ok(())
    }

    fn found(&self) {
        if self.is_away.swap(false, Ordering::Relaxed) {
            tracing::info!("the store answers again");
        }
    }

    /// The store is away: idle connections to it are worth nothing, and it is looked for until it is back.
    fn lost(self: &Arc<Self>) {
        if self.is_away.swap(true, Ordering::Relaxed) {
            return;
        }
        tracing::warn!(
            known_for_s = super::memo::STALE_MAX.as_secs(),
            "the store does not answer: targets and keys that are known, and cached answers, go on; the rest is refused"
        );
        self.pool.retain(|_, _| false);
        let line = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(line) =
                line.upgrade().filter(|line| line.is_away.load(Ordering::Relaxed))
            {
                // One that is read-only or full answers.
                if line.answers().await.is_err_and(|error| error.is_of_absence()) {
                    drop(line);
                    tokio::time::sleep(LOOK_EVERY).await;
                } else {
                    line.found();
                }
            }
        });
    }

    /// What an operation says of the store.
    fn took<T>(
        self: &Arc<Self>,
        done: Result<Result<T, tokio_postgres::Error>, tokio::time::error::Elapsed>,
        is_late: &AtomicBool,
    ) -> Result<T, OperationFault> {
        match done {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                let code = error.code().map_or("", SqlState::code);
                if error.code().is_none() && error.is_closed()
                    || ["08", "57"].contains(&code.get(..2).unwrap_or_default())
                {
                    self.lost();
                }
                let refuses = code == SqlState::DISK_FULL.code()
                    || code == SqlState::READ_ONLY_SQL_TRANSACTION.code();
                if refuses && !self.refuses_writes.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        sqlstate = code,
                        "the store refuses writes: it is full or read-only"
                    );
                }
                Err(OperationFault::Driver(error))
            }
            Err(_) => {
                is_late.store(true, Ordering::Relaxed);
                self.lost();
                Err(OperationFault::Late)
            }
        }
    }
}

/// A connection in use. One whose operation took too long is hung up.
pub(super) struct StoreClient {
    line: Arc<StoreConnections>,
    object: Option<Object>,
    until: Instant,
    is_late: AtomicBool,
}

type QueryValues<'a> = &'a [&'a (dyn ToSql + Sync)];

impl StoreClient {
    async fn within<T>(
        &self,
        operation: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, OperationFault> {
        self.line.took(timeout_at(self.until, operation).await, &self.is_late)
    }

    fn object(&self) -> &Object {
        match &self.object {
            Some(object) => object,
            None => unreachable!("taken only when dropped"),
        }
    }

    pub(super) async fn query(
        &self,
        sql: &str,
        values: QueryValues<'_>,
    ) -> Result<Vec<Row>, OperationFault> {
        self.within(self.object().query(sql, values)).await
    }

    pub(super) async fn query_opt(
        &self,
        sql: &str,
        values: QueryValues<'_>,
    ) -> Result<Option<Row>, OperationFault> {
        self.within(self.object().query_opt(sql, values)).await
    }

    pub(super) async fn query_one(
        &self,
        sql: &str,
        values: QueryValues<'_>,
    ) -> Result<Row, OperationFault> {
        self.within(self.object().query_one(sql, values)).await
    }

    pub(super) async fn execute(
        &self,
        sql: &str,
        values: QueryValues<'_>,
    ) -> Result<u64, OperationFault> {
        self.within(self.object().execute(sql, values)).await
    }

    async fn batch_execute(&self, sql: &str) -> Result<(), OperationFault> {
        self.within(self.object().batch_execute(sql)).await
    }

    pub(super) async fn transaction(&mut self) -> Result<Transaction<'_>, OperationFault> {
        let Self { line, object, until, is_late } = self;
        let Some(object) = object else { unreachable!("taken only when dropped") };
        let begun = timeout_at(*until, object.transaction()).await;
        let inner = line.took(begun, is_late)?;
        Ok(Transaction { inner, line, until: *until, is_late })
    }
}

impl Drop for StoreClient {
    fn drop(&mut self) {
        if self.is_late.load(Ordering::Relaxed)
            && let Some(object) = self.object.take()
        {
            drop(Object::take(object));
        }
    }
}

/// A transaction, rolled back unless it is committed.
pub(super) struct Transaction<'c> {
    inner: deadpool_postgres::Transaction<'c>,
    line: &'c Arc<StoreConnections>,
    until: Instant,
    is_late: &'c AtomicBool,
}

impl Transaction<'_> {
    async fn within<T>(
        &self,
        operation: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, OperationFault> {
        self.line.took(timeout_at(self.until, operation).await, self.is_late)
    }

    pub(super) async fn query_opt(
        &self,
        sql: &str,
        values: QueryValues<'_>,
    ) -> Result<Option<Row>, OperationFault> {
        self.within(self.inner.query_opt(sql, values)).await
    }

    pub(super) async fn query_one(
        &self,
        sql: &str,
        values: QueryValues<'_>,
    ) -> Result<Row, OperationFault> {
        self.within(self.inner.query_one(sql, values)).await
    }

    pub(super) async fn execute(
        &self,
        sql: &str,
        values: QueryValues<'_>,
    ) -> Result<u64, OperationFault> {
        self.within(self.inner.execute(sql, values)).await
    }

    pub(super) async fn commit(self) -> Result<(), OperationFault> {
        let Self { inner, line, until, is_late } = self;
        line.took(timeout_at(until, inner.commit()).await, is_late)
    }
}
