//! `dbopt serve`: configuration, store, cache and HTTP, put together and taken apart.

use std::future::Future;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::logging::LogOutput;
use super::store::StoreDatabase;
use super::{CommandOutcome, Error};
use crate::app::{self, App};
use crate::config::{self, Config, Flags};
use crate::http::{self, ListeningService};
use crate::store::{self, Store};

/// `dbopt serve`.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    flags: Flags,
}

impl Serve {
    pub(super) async fn run(self) -> Result<CommandOutcome, Error> {
        let config = match config::load(&self.flags) {
            Ok(config) => config,
            Err(error) => {
                let log = LogOutput::without_configuration(&self.flags);
                return Err(log.refusal(Error::Config(error)));
            }
        };
        let log = LogOutput::begin(&config.log);
        for warning in self.flags.exposed().into_iter().chain(super::unknown_variables()) {
            log.warn(&warning);
        }
        started(&config, log).await.map_err(|error| log.refusal(error))
    }
}

async fn started(config: &Config, log: LogOutput) -> Result<CommandOutcome, Error> {
    let set = config.set.iter().map(|(name, value)| format!("{name}={value}"));
    let settings = set.collect::<Vec<_>>().join("; ");
    let targets = config.targets.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let store = if config.store_url.is_some() { "store_url" } else { "embedded" };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), store, settings, targets, "starting");
    let stop = stop_signal()?;
    refuse_to_be_open(config).await?;
    let database = StoreDatabase::start(config, move |text| log.say(text)).await?;
    let served = serve(config, &database, log, stop).await;
    database.close().await;
    served
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
    database: &StoreDatabase,
    log: LogOutput,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<CommandOutcome, Error> {
    let bound = bind(config, database).await?;
    log.say(&format!("dbopt serves http://{}/docs/", bound.address()));
    bound.serve(stop).await;
    Ok(CommandOutcome::Clean)
}

/// The service, listening and not yet answering.
pub(super) async fn bind(
    config: &Config,
    database: &StoreDatabase,
) -> Result<ListeningService, Error> {
    let store = Store::open(config, &database.url).await.map_err(Error::Store)?;
    let unkept = |error| Error::Usage(format!("metrics cannot be kept: {error}"));
    let metrics = app::metrics().map_err(unkept)?;
    let app = App::new(config, store, metrics).map_err(Error::Cache)?;
    http::bind(app, config.listen).await.map_err(Error::Http)
}

/// Resolves at the signal to stop: Ctrl-C, or SIGTERM from init systems and containers.
pub(super) fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Error> {
    let listen = |kind| signal(kind).map_err(|source| Error::Runtime { source });
    let (mut interrupt, mut terminate) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        let signal = tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        };
        tracing::info!(signal, "received a signal to stop");
    })
}
