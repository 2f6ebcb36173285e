//! The service's own state in PostgreSQL: targets, API keys, workloads and contracts.

mod connect;
mod contracts;
mod dsn;
mod error;
mod key_record;
mod keys;
mod line;
mod memo;
mod migrate;
mod open;
mod secret;
mod target;
mod targets;
mod workloads;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use secrecy::SecretString;

pub use contracts::{
    ContractColumn, ContractPut, ContractRecord, ContractState, NotifiedChange, SampleChange,
};
pub use error::Error;
pub use key_record::{KeyRecord, KeyScope};
pub use migrate::{migrate, needs_key};
pub use secret::{SecretKey, random};
pub use target::{DsnReference, LabChange, NewTarget, ResolvedDsn, TargetChange, TargetRecord};

use crate::config::AllowedHosts;
use keys::TokenHash;
use line::{OperationFault, StoreClient, StoreConnections};
use memo::Memo;

/// The service's own state. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<StoreInner>,
    hosts: Arc<AllowedHosts>,
}

struct StoreInner {
    line: Arc<StoreConnections>,
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
        let applied = migrate(url).await?;
        let migrations = if applied.is_empty() { "none".to_owned() } else { applied.join(", ") };
        tracing::info!(migrations, "the schema of the store is up to date");
        let inner = StoreInner {
            line: Arc::new(StoreConnections::new(connect::Address::parse(url)?.pool()?)),
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
        self.inner.line.answers().await
    }

    async fn client(&self) -> Result<StoreClient, Error> {
        self.inner.line.client().await
    }

    /// For what takes long by its size.
    async fn patient_client(&self) -> Result<StoreClient, Error> {
        self.inner.line.patient_client().await
    }
}

fn query_failed(operation: &'static str) -> impl Fn(OperationFault) -> Error {
    move |fault| fault.of(operation)
}
