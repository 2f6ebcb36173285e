//! `dbopt serve`: configuration, store, cache and HTTP, put together and taken apart.

use std::future::Future;
use std::io::IsTerminal as _;
use std::sync::OnceLock;

use clap::Args;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::store::OwnDatabase;
use super::{Error, Outcome, say};
use crate::app::App;
use crate::config::{self, Config, Flags, LogConfig, LogFormat};
use crate::http::{self, Bound};
use crate::store::Store;

/// Bounds of the buckets of durations, in seconds: from a cached answer to a long experiment.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// `dbopt serve`.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    flags: Flags,
}

impl Serve {
    pub(super) async fn run(self) -> Result<Outcome, Error> {
        let config = config::load(&self.flags).map_err(Error::Config)?;
        log(&config.log);
        let stop = told_to_stop()?;
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
    let app = App::new(config, store, metrics()?).map_err(Error::Cache)?;
    http::bind(app, config.listen).await.map_err(Error::Http)
}

/// One recorder a process: the demo binds once more where its port is taken.
fn metrics() -> Result<PrometheusHandle, Error> {
    static KEPT: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(kept) = KEPT.get() {
        return Ok(kept.clone());
    }
    let built = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(PrometheusBuilder::install_recorder);
    let built = built.map_err(|error| Error::Usage(format!("metrics cannot be kept: {error}")))?;
    Ok(KEPT.get_or_init(|| built).clone())
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
