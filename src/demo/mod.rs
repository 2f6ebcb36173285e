//! A sample warehouse with flaws of every superpower and healthy neighbours beside them, on a PostgreSQL of
//! our own or in a database of its own on a server that is named.

mod database;
mod visitors;
mod warehouse;

use secrecy::SecretString;

use crate::embedded;
use database::DemoDatabase;
pub use visitors::Visitors;
pub use warehouse::Progress;

/// What the sample application runs: a list of statements with their calls.
pub const WORKLOAD: &str = include_str!("workload.csv");

/// A database with the warehouse in it; nothing is left of it after [`Demo::end`].
pub struct Demo {
    place: DemoServer,
}

enum DemoServer {
    /// Dropped with its server.
    Embedded(embedded::EmbeddedServer, DemoDatabase),
    /// Named so that no other demo has it.
    Named(DemoDatabase),
}

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No PostgreSQL of our own.
    #[error(transparent)]
    Embedded(embedded::Error),
    /// The server that was named.
    #[error("no database of our own on that server: {problem}")]
    Named {
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The warehouse could not be filled.
    #[error("the sample warehouse could not be filled ({step}): {problem}")]
    Fill {
        /// What was being filled.
        step: &'static str,
        /// What is wrong, and what to do.
        problem: String,
        /// For the log only.
        source: tokio_postgres::Error,
    },
}

/// Settings of a server of our own. Flaws: checkpoints that write in half of their time, and more connections
/// than any machine has use for.
const SETTINGS: &[(&str, &str)] = &[
    ("shared_preload_libraries", "pg_stat_statements"),
    ("checkpoint_completion_target", "0.5"),
    ("max_connections", "200"),
    ("track_io_timing", "on"),
    ("max_wal_size", "4GB"),
];

impl Demo {
    /// An empty database, on the server of `dsn` or on one of our own.
    pub async fn start(
        dsn: Option<&SecretString>,
        on_progress: impl FnMut(&str) + Send + 'static,
    ) -> Result<Self, Error> {
        if let Some(dsn) = dsn {
            let name = format!("dbopt_demo_{}", std::process::id());
            return Ok(Self { place: DemoServer::Named(DemoDatabase::create(dsn, name).await?) });
        }
        let options = embedded::ServerOptions {
            data_dir: None,
            extensions: &["vector", "pg_stat_statements"],
            settings: SETTINGS,
        };
        let server = embedded::start(options, on_progress).await.map_err(Error::Embedded)?;
        let store = server.dsn("postgres");
        let database = DemoDatabase::create(&store, "warehouse".to_owned()).await?;
        Ok(Self { place: DemoServer::Embedded(server, database) })
    }

    /// Where the warehouse is.
    pub fn dsn(&self) -> SecretString {
        match &self.place {
            DemoServer::Embedded(_, database) | DemoServer::Named(database) => database.dsn(),
        }
    }

    /// Where the service may keep its own state meanwhile.
    pub fn store_dsn(&self) -> SecretString {
        match &self.place {
            DemoServer::Embedded(server, _) => server.dsn("postgres"),
            DemoServer::Named(database) => database.dsn(),
        }
    }

    /// Fill the warehouse and run its queries, so that there is something to find, and let its application connect: that is
    /// there as long as what is returned.
    pub async fn fill(&self, on_progress: impl FnMut(Progress)) -> Result<Visitors, Error> {
        warehouse::fill(&self.dsn(), on_progress).await?;
        visitors::arrive(&self.dsn()).await
    }

    /// Leave nothing.
    pub async fn end(self) -> Result<(), Error> {
        match self.place {
            DemoServer::Embedded(server, _) => {
                server.stop().await;
                Ok(())
            }
            DemoServer::Named(database) => database.drop().await,
        }
    }
}
