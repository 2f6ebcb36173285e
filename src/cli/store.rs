//! The service's own database: the one that is configured, else an embedded one. And `dbopt migrate`.

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use super::{CommandOutcome, Error, configured, print, say};
use crate::config::{Config, StoreFlags};
use crate::embedded;
use crate::store;

/// The service's own database; an embedded one is stopped when this is dropped.
pub(super) struct StoreDatabase {
    pub(super) url: SecretString,
    embedded: Option<embedded::EmbeddedServer>,
}

impl StoreDatabase {
    /// A database that is another's to start and stop.
    pub(super) fn at(url: SecretString) -> Self {
        Self { url, embedded: None }
    }

    /// The database `DBOPT_STORE_URL` names, or the embedded one, which is started unless another
    /// process of ours runs it. `say` prints what takes long.
    pub(super) async fn open(
        config: &Config,
        say: impl Fn(&str) + Send + 'static,
    ) -> Result<Self, Error> {
        match (&config.store_url, embedded::running(&data_dir(config))) {
            (None, Some(url)) => Ok(Self::at(url)),
            _ => Self::start(config, say).await,
        }
    }

    /// The same for a process that outlives others: an embedded server that another process runs may end with that at
    /// any time, and is refused.
    pub(super) async fn start(
        config: &Config,
        say: impl Fn(&str) + Send + 'static,
    ) -> Result<Self, Error> {
        if let Some(url) = &config.store_url {
            return Ok(Self::at(url.clone()));
        }
        let options = embedded::ServerOptions {
            data_dir: Some(data_dir(config)),
            ..embedded::ServerOptions::default()
        };
        let server = embedded::start(options, say).await.map_err(Error::Embedded)?;
        Ok(Self { url: server.dsn("postgres"), embedded: Some(server) })
    }

    /// Stop the server, if it is ours.
    pub(super) async fn close(self) {
        if let Some(server) = self.embedded {
            server.stop().await;
        }
    }
}

/// Where the embedded server keeps its data.
fn data_dir(config: &Config) -> PathBuf {
    config.data_dir.join("postgres")
}

/// `dbopt migrate`.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    flags: StoreFlags,
}

impl Migrate {
    pub(super) async fn run(self) -> Result<CommandOutcome, Error> {
        let config = configured(&self.flags.0)?;
        let database = StoreDatabase::open(&config, say).await?;
        let applied = store::migrate(&database.url).await;
        database.close().await;
        let applied = applied.map_err(Error::Store)?;
        if applied.is_empty() {
            return print("the schema is up to date\n");
        }
        print(&format!("applied {}\n", applied.join(", ")))
    }
}
