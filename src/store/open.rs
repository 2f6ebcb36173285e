//! The store as the configuration asks for it.

use secrecy::SecretString;

use super::{Error, NewTarget, SecretKey, Store};
use crate::config::Config;

impl Store {
    /// The store in the database of `url`, with the configuration's key and allowed hosts, and its
    /// targets registered.
    ///
    /// Where the configuration names neither a store nor a key, the store is the embedded one, and its
    /// key is the one in the data directory, made if there is none.
    pub async fn open(config: &Config, url: &SecretString) -> Result<Self, Error> {
        let store = Self::connect(url, secret_key(config)?).await?;
        let store = store.allowing(config.allowed_hosts.clone());
        for (name, target) in &config.targets {
            store.put_target(NewTarget::configured(name, target)).await?;
        }
        Ok(store)
    }
}

fn secret_key(config: &Config) -> Result<Option<SecretKey>, Error> {
    match (&config.secret_key, &config.store_url) {
        (Some(text), _) => SecretKey::parse(text).map(Some),
        // Several processes may share a store that was given; a key of one of them is none for the others.
        (None, Some(_)) => Ok(None),
        (None, None) => SecretKey::load_or_generate(&config.data_dir).map(Some),
    }
}
