//! The service's own state in PostgreSQL: targets and API keys.

mod error;
mod key;
mod secret;
mod target;

use secrecy::SecretString;

pub use error::Error;
pub use key::{KeyRecord, KeyScope};
pub use secret::SecretKey;
pub use target::{DsnReference, NewTarget, ResolvedDsn, TargetChange, TargetRecord};

use std::sync::Arc;

use crate::config::AllowedHosts;

/// The service's own state. Cheap to clone.
#[derive(Clone)]
pub struct Store;

impl Store {
    /// Connect to the database of `url` and bring its schema up to date.
    pub async fn connect(url: &SecretString, key: Option<SecretKey>) -> Result<Self, Error> {
        let _ = (url, key);
        unimplemented!("being written")
    }

    /// Accept and hand out only DSNs whose hosts are all in `hosts`.
    #[must_use]
    pub fn allowing(self, hosts: AllowedHosts) -> Self {
        let _ = hosts;
        self
    }

    /// Whether the store answers.
    pub async fn ping(&self) -> Result<(), Error> {
        unimplemented!("being written")
    }

    /// Targets by name, those after `after`, at most `limit`.
    pub async fn list_targets(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<TargetRecord>, Error> {
        let _ = (after, limit);
        unimplemented!("being written")
    }

    /// The target of that name. Remembered for a second, so that cached answers cost no query.
    pub async fn target(&self, name: &str) -> Result<Option<Arc<TargetRecord>>, Error> {
        let _ = name;
        unimplemented!("being written")
    }

    /// Register a target. [`Error::NameTaken`] if there is one of that name.
    pub async fn create_target(&self, new: NewTarget) -> Result<TargetRecord, Error> {
        let _ = new;
        unimplemented!("being written")
    }

    /// Change what `change` names; `None` if there is no such target.
    pub async fn update_target(
        &self,
        name: &str,
        change: TargetChange,
    ) -> Result<Option<TargetRecord>, Error> {
        let _ = (name, change);
        unimplemented!("being written")
    }

    /// Register a target, or bring the registered one to what `new` says: for configured targets.
    pub async fn put_target(&self, new: NewTarget) -> Result<TargetRecord, Error> {
        let _ = new;
        unimplemented!("being written")
    }

    /// Forget a target; false if there was none.
    pub async fn delete_target(&self, name: &str) -> Result<bool, Error> {
        let _ = name;
        unimplemented!("being written")
    }

    /// The target's DSNs, read from where they are kept. [`Error::UnknownTarget`] if there is none.
    pub async fn target_dsn(&self, name: &str) -> Result<ResolvedDsn, Error> {
        let _ = name;
        unimplemented!("being written")
    }

    /// Make an API key. The token is shown once: only its hash is kept.
    pub async fn create_key(
        &self,
        name: &str,
        scopes: &[KeyScope],
    ) -> Result<(KeyRecord, SecretString), Error> {
        let _ = (name, scopes);
        unimplemented!("being written")
    }

    /// Whether any API key exists. Remembered for a second.
    pub async fn any_key(&self) -> Result<bool, Error> {
        unimplemented!("being written")
    }

    /// The API key a caller presented, if it is one of ours. Remembered for a second.
    pub async fn key_for(&self, token: &SecretString) -> Result<Option<Arc<KeyRecord>>, Error> {
        let _ = token;
        unimplemented!("being written")
    }

    /// API keys by id, those after `after`, at most `limit`.
    pub async fn list_keys(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<KeyRecord>, Error> {
        let _ = (after, limit);
        unimplemented!("being written")
    }

    /// Revoke an API key by id; false if there was none.
    pub async fn delete_key(&self, id: &str) -> Result<bool, Error> {
        let _ = id;
        unimplemented!("being written")
    }
}
