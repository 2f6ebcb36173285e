//! What `dbopt concurrency` needs to know of a service to plan its pools.

use std::path::PathBuf;

use clap::Args;

use super::Error;
use crate::pool::PoolInputs;

/// What is known of a service.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Pool plan")]
pub(super) struct PoolFlags {
    /// Pods of the service; with any of these options the pools of a service are planned.
    #[arg(long)]
    pods: Option<u32>,
    /// Processes in each pod.
    #[arg(long)]
    workers: Option<u32>,
    /// Cores of the database server, as its container is limited; SQL does not show them.
    #[arg(long)]
    cores: Option<u32>,
    /// Disks that seek at the same time; 0 where the data is cached or on SSDs.
    #[arg(long)]
    spindles: Option<u32>,
    /// Standbys of the server.
    #[arg(long)]
    replicas: Option<u32>,
    /// Requests per second of the whole service, at its busiest.
    #[arg(long, value_name = "PER_SECOND")]
    arrival_rate: Option<f64>,
    /// Milliseconds that a request holds a connection.
    #[arg(long, value_name = "MS")]
    service_time_ms: Option<f64>,
    /// Milliseconds that a request may wait for a connection on average.
    #[arg(long, value_name = "MS")]
    target_wait_ms: Option<f64>,
    /// The service's own role: sessions of other roles count for others.
    #[arg(long)]
    role: Option<String>,
    /// Which `PgBouncer` there is, as 1.26.1.
    #[arg(long, value_name = "VERSION")]
    pgbouncer_version: Option<String>,
    /// Where `PgBouncer` reaches the server.
    #[arg(long, value_name = "HOST")]
    server_host: Option<String>,
    /// The same for its port.
    #[arg(long, value_name = "PORT")]
    server_port: Option<u32>,
    /// Configuration of the application, as a Python file; not read yet.
    #[arg(long, value_name = "FILE")]
    app_config: Option<PathBuf>,
}

impl PoolFlags {
    /// What to plan by; nothing where nothing is known.
    pub(super) fn pool_inputs(self) -> Result<Option<PoolInputs>, Error> {
        if self.app_config.is_some() {
            let problem = "--app-config: application code is not read yet; give --pods, --workers and --cores instead";
            return Err(Error::Usage(problem.to_owned()));
        }
        let pool_inputs = PoolInputs {
            cores: self.cores,
            spindles: self.spindles,
            replicas: self.replicas,
            pods: self.pods,
            workers: self.workers,
            arrival_rate: self.arrival_rate,
            service_time_ms: self.service_time_ms,
            target_wait_ms: self.target_wait_ms,
            role: self.role,
            pgbouncer_version: self.pgbouncer_version,
            server_host: self.server_host,
            server_port: self.server_port,
        };
        if pool_inputs == PoolInputs::default() {
            return Ok(None);
        }
        match pool_inputs.faults().first() {
            None => Ok(Some(pool_inputs)),
            Some((name, detail)) => {
                Err(Error::Usage(format!("--{}: {detail}", name.replace('_', "-"))))
            }
        }
    }
}
