//! `dbopt demo`: a newcomer's first minutes.

use std::future::Future;
use std::net::SocketAddr;

use bytes::Bytes;
use clap::Args;
use futures_util::FutureExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use secrecy::{ExposeSecret as _, SecretString};

use super::analyse::run;
use super::logging::LogOutput;
use super::options::OutputFormat;
use super::serve::{bind, stop_signal};
use super::store::StoreDatabase;
use super::{CommandOutcome, Error, print, render, say};
use crate::analysis::{self, Ledger, Request, WorkloadIntake};
use crate::config::{self, Config, Flags, LogConfig, LogFormat};
use crate::demo::{Demo as Warehouse, Progress, Visitors, WORKLOAD};
use crate::http::{self, ListeningService};
use crate::model::{Analysis, ProveMode};
use crate::pg::{self, Target};

/// What the warehouse is registered as.
const TARGET: &str = "demo";
/// Findings in the table at the start; the rest is a curl away.
const WORST: usize = 8;

/// `dbopt demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Do it all once, print the analyses, and exit.
    #[arg(long)]
    check: bool,
    /// Server to work on, in a database of its own that is dropped at the end; without it, one is
    /// started that leaves nothing behind.
    #[arg(long, value_name = "DSN")]
    dsn: Option<SecretString>,
    /// Address to serve HTTP on [default: 127.0.0.1:8080, or any free port]
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// How to print the analyses of --check.
    #[arg(long, visible_alias = "output", value_enum, default_value_t = OutputFormat::Table)]
    format: OutputFormat,
}

impl DemoArgs {
    pub(super) async fn run(self) -> Result<CommandOutcome, Error> {
        LogOutput::begin(&LogConfig { format: LogFormat::Text, level: "warn".to_owned() });
        let stop = stop_signal()?.shared();
        let dsn = self.dsn.as_ref().map(|dsn| {
            let env = |name: &str| std::env::var(name).ok();
            pg::completed(Some(dsn.expose_secret()), &env).map_err(Error::Usage)
        });
        let dsn = dsn.transpose()?;
        let warehouse = tokio::select! {
            started = Warehouse::start(dsn.as_ref(), say) => started.map_err(Error::Demo)?,
            () = stop.clone() => return Ok(CommandOutcome::Clean),
        };
        let done = tokio::select! {
            done = self.show(&warehouse, stop.clone()) => done,
            () = stop => Ok(CommandOutcome::Clean),
        };
        warehouse.end().await.map_err(Error::Demo)?;
        done
    }

    async fn show(
        &self,
        warehouse: &Warehouse,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<CommandOutcome, Error> {
        let _visitors = fill(warehouse).await?;
        let target = Target::open(TARGET, &warehouse.dsn(), None)
            .map_err(|error| Error::Analysis(crate::analysis::Error::Target(error)))?;
        let ledger = demo_workload(&target).await?;
        let workload = Some(analysis::workload(&ledger));
        let request = Request { prove: ProveMode::Full, workload, ..Request::new(None) };
        let analysis = run(&target, &request).await?.analysis;
        drop(target);
        if self.check {
            return print(&render::analysis(&analysis, self.format, false));
        }
        let bound = self.bind(warehouse).await?;
        let kept = bound.app().store().change_workload(TARGET, |_| ledger).await;
        kept.map_err(Error::Store)?;
        print(&welcome(&analysis, bound.address()))?;
        bound.serve(stop).await;
        Ok(CommandOutcome::Clean)
    }

    /// Listen on the address that was given; else on the usual port, or any free one.
    async fn bind(&self, warehouse: &Warehouse) -> Result<ListeningService, Error> {
        let database = StoreDatabase::at(warehouse.store_dsn());
        if let Some(listen) = self.listen {
            return bind(&configuration(warehouse, Some(listen))?, &database).await;
        }
        match bind(&configuration(warehouse, None)?, &database).await {
            Err(Error::Http(http::Error::Listen { address, .. })) => {
                let any = SocketAddr::new(address.ip(), 0);
                bind(&configuration(warehouse, Some(any))?, &database).await
            }
            bound => bound,
        }
    }
}

/// Fill the warehouse, with a bar on a terminal and a line a step elsewhere.
async fn fill(warehouse: &Warehouse) -> Result<Visitors, Error> {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg} ({elapsed})");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let filled = warehouse.fill(|Progress { done, of, step }| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
        bar.set_message(step);
        if bar.is_hidden() {
            say(&format!("{done}/{of} {step}"));
        }
    });
    let filled = filled.await.map_err(Error::Demo);
    bar.finish_and_clear();
    filled
}

/// What the sample application runs, as its operators would send it.
async fn demo_workload(target: &Target) -> Result<Ledger, Error> {
    let intake = WorkloadIntake::open(target, None, None).await.map_err(Error::Analysis)?;
    intake.push(Bytes::from_static(WORKLOAD.as_bytes())).await;
    Ok(intake.close().await.0)
}

/// The service's configuration: nothing of the environment but where a home is, and a key of its own.
fn configuration(warehouse: &Warehouse, listen: Option<SocketAddr>) -> Result<Config, Error> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|_| Error::Store(crate::store::Error::Random))?;
    let mut settings = vec![
        ("store_url", warehouse.store_dsn().expose_secret().to_owned()),
        ("secret_key", hex::encode(key)),
    ];
    settings.extend(listen.map(|listen| ("listen", listen.to_string())));
    let targets = vec![format!("{TARGET}={}", warehouse.dsn().expose_secret())];
    let flags = Flags { settings, targets, ..Flags::default() };
    let home = |name: &str| (name == "HOME").then(|| "/".to_owned());
    config::resolve(None, &home, &flags).map_err(Error::Config)
}

fn welcome(analysis: &Analysis, address: SocketAddr) -> String {
    let server = &analysis.server.version;
    format!(
        "\nA sample warehouse on PostgreSQL {server}, and the worst that was found in it:\n\n{worst}\n\
         Swagger UI   http://{address}/docs/\n\
         Try          curl -s 'http://{address}/v1/targets/{TARGET}/toast?prove=full'\n\
         \x20            curl -s http://{address}/v1/targets/{TARGET}/capabilities\n\
         \x20            curl -s http://{address}/v1/targets/{TARGET}/hybrid-schema\n\n\
         Ctrl-C stops it and leaves nothing behind.\n",
        worst = render::worst(analysis, WORST),
    )
}
