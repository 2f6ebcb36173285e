//! A PostgreSQL of our own: for the demo, and for the service's state where no one gave it a database.
//!
//! It listens on a socket in a directory that only we and its owner can enter, never on a port, and it is
//! stopped when we are gone, however we go.

mod binaries;
mod cluster;
mod error;
mod orphan;
mod owner;
mod wheel;

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use binaries::Binaries;
use cluster::Cluster;

pub use error::Error;

/// What server to start.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// Directory of the cluster, kept; absent takes a temporary one, removed at the end.
    pub data_dir: Option<PathBuf>,
    /// Extensions that must be there, such as `vector`.
    pub extensions: &'static [&'static str],
    /// Settings by name, on top of ours.
    pub settings: &'static [(&'static str, &'static str)],
}

/// A running server; stopped when dropped.
pub struct EmbeddedServer {
    cluster: Cluster,
    version: String,
}

impl EmbeddedServer {
    /// Where to reach one of its databases, as superuser.
    pub fn dsn(&self, database: &str) -> SecretString {
        let directory = self.cluster.socket_directory().display();
        format!("host={directory} user={} dbname={database}", cluster::SUPERUSER).into()
    }

    /// Its version, such as `18.6`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Stop it, and wait until it is gone.
    pub async fn stop(self) {
        // Stopping waits for the process: not on a thread that answers requests.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

/// Where to reach the server that another process of ours runs on that data directory, as superuser.
pub fn running(data_dir: &Path) -> Option<SecretString> {
    let socket = orphan::socket_of_running(data_dir)?;
    let directory = socket.display();
    Some(format!("host={directory} user={} dbname=postgres", cluster::SUPERUSER).into())
}

/// Start a server: the newest local binaries that fit, else those of a pinned package.
///
/// `on_progress` is called with what takes long.
pub async fn start(
    options: ServerOptions,
    on_progress: impl FnMut(&str) + Send + 'static,
) -> Result<EmbeddedServer, Error> {
    let start = move || {
        let Binaries { directory, version } = binaries::find(&options, on_progress)?;
        let cluster = Cluster::start(&directory, &options)?;
        Ok(EmbeddedServer { cluster, version })
    };
    tokio::task::spawn_blocking(start).await.unwrap_or_else(|_| Err(Error::Interrupted))
}
