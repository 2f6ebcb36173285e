//! `dbopt serve`: configuration, store, cache and HTTP, put together and taken apart.

use std::future::Future;
use std::io::IsTerminal as _;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::store::OwnDatabase;
use super::{Error, Outcome, configured, say};
use crate::app::{self, App};
use crate::config::{Config, Flags, LogConfig, LogFormat};
use crate::http::{self, Bound};
use crate::store::{self, Store};

/// `dbopt serve`.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    flags: Flags,
}

impl Serve {
    pub(super) async fn run(self) -> Result<Outcome, Error> {
        let config = configured(&self.flags)?;
        log(&config.log);
        let stop = told_to_stop()?;
        refuse_to_be_open(&config).await?;
        let database = OwnDatabase::open(&config).await?;
        let served = if database.is_borrowed(&config) {
            let mend = "another dbopt keeps its state here: stop it, choose another DBOPT_DATA_DIR, or \
                        give DBOPT_STORE_URL, which several can share";
            Err(Error::Usage(mend.to_owned()))
        } else {
            serve(&config, &database, stop).await
        };
        database.close().await;
        served
    }
}

/// A service that others can reach and that has no key is refused before anything is made for it.
async fn refuse_to_be_open(config: &Config) -> Result<(), Error> {
    let address = config.listen;
    if address.ip().is_loopback() {
        return Ok(());
    }
    let needs_key = match &config.store_url {
        Some(url) => store::needs_key(url).await.map_err(Error::Store)?,
        // What is in a database that is there is for it to say.
        None => config.data_dir.join("postgres").join("PG_VERSION").exists(),
    };
    if needs_key { Ok(()) } else { Err(Error::Http(http::Error::Open { address })) }
}

async fn serve(
    config: &Config,
    database: &OwnDatabase,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<Outcome, Error> {
    let bound = bind(config, database).await?;
    say(&format!("dbopt serves http://{}/docs/", bound.address()));
    bound.serve(stop).await;
    Ok(Outcome::Clean)
}

/// The service, listening and not yet answering.
pub(super) async fn bind(config: &Config, database: &OwnDatabase) -> Result<Bound, Error> {
    let store = Store::open(config, &database.url).await.map_err(Error::Store)?;
    let unkept = |error| Error::Usage(format!("metrics cannot be kept: {error}"));
    let metrics = app::metrics().map_err(unkept)?;
    let app = App::new(config, store, metrics).map_err(Error::Cache)?;
    http::bind(app, config.listen).await.map_err(Error::Http)
}

/// Log to standard error; colours only on a terminal. Libraries that tell what a server said are kept to warnings,
/// unless the filter names them.
pub(super) fn log(config: &LogConfig) {
    let filter = format!("tokio_postgres=warn,refinery_core=warn,{}", config.level);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let builder = builder.with_ansi(std::io::stderr().is_terminal());
    match config.format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().init(),
    }
}

/// Resolves when we are told to stop: by Ctrl-C, or as init systems and containers do it.
pub(super) fn told_to_stop() -> Result<impl Future<Output = ()> + Send + 'static, Error> {
    let listen = |kind| signal(kind).map_err(|source| Error::Runtime { source });
    let (mut interrupt, mut terminate) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
