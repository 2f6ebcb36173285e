//! The service's own database: the one that is configured, else an embedded one. And `dbopt migrate`.

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
    /// process of ours runs it. `say` is told what takes long.
    pub(super) async fn open(
        config: &Config,
        say: impl Fn(&str) + Send + 'static,
    ) -> Result<Self, Error> {
        if let Some(url) = &config.store_url {
            return Ok(Self::at(url.clone()));
        }
        let data_dir = config.data_dir.join("postgres");
        if let Some(url) = embedded::running(&data_dir) {
            return Ok(Self::at(url));
        }
        let options = embedded::ServerOptions {
            data_dir: Some(data_dir),
            ..embedded::ServerOptions::default()
        };
        let server = embedded::start(options, say).await.map_err(Error::Embedded)?;
        Ok(Self { url: server.dsn("postgres"), embedded: Some(server) })
    }

    /// Whether another process runs the embedded server, which then is not ours to rely on.
    pub(super) fn is_borrowed(&self, config: &Config) -> bool {
        config.store_url.is_none() && self.embedded.is_none()
    }

    /// Stop the server, if it is ours.
    pub(super) async fn close(self) {
        if let Some(server) = self.embedded {
            server.stop().await;
        }
    }
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
