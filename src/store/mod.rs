//! The service's own state in PostgreSQL: targets, API keys, workloads and contracts.

mod connect;
mod contracts;
mod dsn;
mod error;
mod key_record;
mod keys;
mod memo;
mod migrate;
mod open;
mod secret;
mod target;
mod targets;
mod workloads;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use secrecy::SecretString;

pub use contracts::{ContractColumn, ContractPut, ContractRecord, ContractState};
pub use error::Error;
pub use key_record::{KeyRecord, KeyScope};
pub use migrate::migrate;
pub use secret::SecretKey;
pub use target::{DsnReference, LabChange, NewTarget, ResolvedDsn, TargetChange, TargetRecord};

use crate::config::AllowedHosts;
use keys::TokenHash;
use memo::Memo;

/// How long the store may take to say that it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// The service's own state. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    hosts: Arc<AllowedHosts>,
}

struct Inner {
    pool: Pool,
    key: Option<SecretKey>,
    targets: Memo<String, Option<Arc<TargetRecord>>>,
    keys: Memo<TokenHash, Option<Arc<KeyRecord>>>,
    needs_key: Memo<(), bool>,
    /// Whether callers were ever seen to need a key.
    key_needed: AtomicBool,
}

impl Store {
    /// Connect to the database of `url` and bring its schema up to date.
    pub async fn connect(url: &SecretString, key: Option<SecretKey>) -> Result<Self, Error> {
        migrate(url).await?;
        let inner = Inner {
            pool: connect::Address::parse(url)?.pool()?,
            key,
            targets: Memo::new(),
            keys: Memo::new(),
            needs_key: Memo::new(),
            key_needed: AtomicBool::new(false),
        };
        let store = Self { inner: Arc::new(inner), hosts: Arc::default() };
        // While the store is there: what is known of keys then holds when it is away.
        store.needs_key().await?;
        Ok(store)
    }

    /// Accept and hand out only DSNs whose hosts are all in `hosts`.
    #[must_use]
    pub fn allowing(self, hosts: AllowedHosts) -> Self {
        Self { hosts: Arc::new(hosts), ..self }
    }

    /// Whether the store answers, within two seconds, and can be written to.
    pub async fn ping(&self) -> Result<(), Error> {
        let ask = async {
            let sql = "select pg_catalog.current_setting('transaction_read_only') = 'on'";
            let answered = self.client().await?.query_one(sql, &[]).await;
            let read_only = answered.map_err(query_failed("answer"))?.get(0);
            if read_only { Err(Error::ReadOnly) } else { Ok(()) }
        };
        let late = |source| Error::Connect { source: Box::new(source) };
        tokio::time::timeout(PING_TIMEOUT, ask).await.map_err(late)?
    }

    async fn client(&self) -> Result<Object, Error> {
        connect::get(&self.inner.pool).await
    }
}

fn query_failed(operation: &'static str) -> impl Fn(tokio_postgres::Error) -> Error {
    move |source| Error::Query { operation, source }
}
