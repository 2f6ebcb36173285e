//! Connections to the store.

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use secrecy::{ExposeSecret as _, SecretString};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Error;
use crate::pg;

/// Connections to the store at most. Its queries are short.
const CONNECTIONS_MAX: usize = 8;

/// How long to wait for a connection, new or used.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// For how long what was sent to the store may stay unacknowledged by its host.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// How often the host of an idle connection is asked whether it is there, and how many times.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(1);
const KEEPALIVES: u32 = 3;

/// Where the store is.
pub(super) struct Address {
    config: Config,
    tls: MakeRustlsConnect,
}

type TlsStream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

impl Address {
    pub(super) fn parse(url: &SecretString) -> Result<Self, Error> {
        let dsn = pg::Dsn::parse(url.expose_secret())
            .map_err(|problem| Error::MalformedUrl { problem })?;
        let tls = pg::connector(&dsn)
            .map_err(|problem| Error::MalformedUrl { problem: problem.to_owned() })?;
        let mut config = dsn.config().clone();
        config.application_name("dbopt store").connect_timeout(CONNECT_TIMEOUT);
        // A connection that dies without a word is noticed within seconds, whether it waits or is idle.
        config.tcp_user_timeout(SILENCE_MAX).keepalives(true).keepalives_retries(KEEPALIVES);
        config.keepalives_idle(SILENCE_MAX).keepalives_interval(KEEPALIVE_INTERVAL);
        Ok(Self { config, tls })
    }

    /// One connection of its own.
    pub(super) async fn connect(&self) -> Result<(Client, Connection<Socket, TlsStream>), Error> {
        self.config
            .connect(self.tls.clone())
            .await
            .map_err(|source| Error::Connect { source: Box::new(source) })
    }

    /// Connections that are shared.
    pub(super) fn pool(&self) -> Result<Pool, Error> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        Pool::builder(Manager::from_config(self.config.clone(), self.tls.clone(), recycling))
            .max_size(CONNECTIONS_MAX)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(CONNECT_TIMEOUT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .recycle_timeout(Some(CONNECT_TIMEOUT))
            .build()
            .map_err(|source| Error::Connect { source: Box::new(source) })
    }
}

/// A connection of the pool.
pub(super) async fn get(pool: &Pool) -> Result<Object, Error> {
    pool.get().await.map_err(|source| Error::Connect { source: Box::new(source) })
}
