//! One database of one cluster, and the few connections we may have to it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{
    Connect, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinHandle;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Dsn, Error, Session, Trial, TrialError, tls};
use crate::model::Server;

/// Connections a target grants us at most: advice must never be what exhausts it.
const CONNECTIONS_MAX: usize = 2;
/// How long a login may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for one of the few connections.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);
/// The oldest major version we know how to read.
const MAJOR_MIN: u32 = 14;

/// What the server says of itself when it lets us in, at no cost of a round trip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// `server_version`, without the packager's remarks.
    pub version: String,
    /// Its major version.
    pub major: u32,
    /// Whether it is a hot standby.
    pub in_recovery: bool,
}

impl From<ServerFacts> for Server {
    fn from(facts: ServerFacts) -> Self {
        let ServerFacts { version, major, in_recovery } = facts;
        Self { version, major, in_recovery }
    }
}

/// One database of one cluster, and the few connections we may have to it. Cheap to clone.
#[derive(Clone)]
pub struct Target {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    pool: Pool,
    tls: MakeRustlsConnect,
    facts: Facts,
    lab: Option<Target>,
}

/// Told anew by every connection: a server can be upgraded or promoted while we run.
type Facts = Arc<Mutex<Option<ServerFacts>>>;

impl Target {
    /// A target named `name`; connects when first used. `lab` is a database where experiments may write.
    ///
    /// # Errors
    /// A malformed DSN, or root certificates that cannot be read.
    pub fn open(name: &str, dsn: &SecretString, lab: Option<&SecretString>) -> Result<Self, Error> {
        let dsn = Dsn::parse(dsn.expose_secret())
            .map_err(|mend| Error::MalformedDsn { target: name.to_owned(), mend })?;
        let tls = tls::connector(&dsn)
            .map_err(|mend| Error::RootCertificates { target: name.to_owned(), mend })?;
        let facts = Facts::default();
        let pool = pool(&dsn, &tls, &facts);
        let lab = lab.map(|lab| Self::open(name, lab, None)).transpose()?;
        Ok(Self { inner: Arc::new(Inner { name: name.to_owned(), pool, tls, facts, lab }) })
    }

    /// The name it was registered under.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The database where experiments may write, if there is one.
    pub fn lab(&self) -> Option<&Self> {
        self.inner.lab.as_ref()
    }

    /// Connections in use and idle, the lab's not counted.
    pub fn connections(&self) -> (u32, u32) {
        let status = self.inner.pool.status();
        let idle = status.available;
        let count = |connections: usize| u32::try_from(connections).unwrap_or(u32::MAX);
        (count(status.size.saturating_sub(idle)), count(idle))
    }

    /// A guarded session on one of the few connections.
    ///
    /// # Errors
    /// Whatever keeps us from logging in, and a server that is too old.
    pub async fn session(&self) -> Result<Session, Error> {
        let connection = self.inner.pool.get().await.map_err(|error| self.refused(error))?;
        let facts = self.facts()?;
        Ok(Session::new(self.clone(), connection, facts))
    }

    /// A transaction for an experiment, on one of the few connections.
    ///
    /// # Errors
    /// Whatever keeps us from logging in or from opening it.
    pub async fn trial(&self) -> Result<Trial, TrialError> {
        let connection = self.inner.pool.get().await;
        let connection = connection.map_err(|error| TrialError::Lost(self.refused(error)))?;
        let facts = self.facts().map_err(TrialError::Lost)?;
        Trial::begin(self.clone(), connection, &facts).await
    }

    pub(super) fn tls(&self) -> MakeRustlsConnect {
        self.inner.tls.clone()
    }

    fn facts(&self) -> Result<ServerFacts, Error> {
        let facts = self.inner.facts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let target = self.name().to_owned();
        match facts {
            Some(facts) if facts.major >= MAJOR_MIN => Ok(facts),
            facts => {
                Err(Error::ServerTooOld { target, major: facts.map_or(0, |facts| facts.major) })
            }
        }
    }

    fn refused(&self, error: PoolError) -> Error {
        let target = self.name();
        match error {
            PoolError::Timeout(TimeoutType::Wait) => Error::Busy { target: target.to_owned() },
            PoolError::Backend(source) => Error::connecting(target, source),
            _ => Error::NoAnswer { target: target.to_owned(), seconds: CONNECT_TIMEOUT.as_secs() },
        }
    }
}

fn pool(dsn: &Dsn, tls: &MakeRustlsConnect, facts: &Facts) -> Pool {
    let mut config = dsn.config.clone();
    config.application_name("dbopt").connect_timeout(CONNECT_TIMEOUT);
    let connect = Connector { tls: tls.clone(), facts: facts.clone() };
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    Pool::builder(Manager::from_connect(config, connect, recycling))
        .max_size(CONNECTIONS_MAX)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(WAIT_TIMEOUT))
        .create_timeout(Some(CONNECT_TIMEOUT))
        .recycle_timeout(Some(CONNECT_TIMEOUT))
        .build()
        .unwrap_or_else(|_| unreachable!("a runtime is given, and nothing else can fail"))
}

/// Connects, and keeps what the server says of itself on the way in.
struct Connector {
    tls: MakeRustlsConnect,
    facts: Facts,
}

impl Connect for Connector {
    fn connect(
        &self,
        config: &tokio_postgres::Config,
    ) -> BoxFuture<'_, Result<(tokio_postgres::Client, JoinHandle<()>), tokio_postgres::Error>>
    {
        let config = config.clone();
        async move {
            let (client, connection) = config.connect(self.tls.clone()).await?;
            let parameter = |name| connection.parameter(name).unwrap_or_default();
            let facts = facts(parameter("server_version"), parameter("in_hot_standby"));
            *self.facts.lock().unwrap_or_else(PoisonError::into_inner) = Some(facts);
            let driver = tokio::spawn(async move {
                // Whoever waits for an answer is told of the loss; there is nobody else to tell.
                let _ = connection.await;
            });
            Ok((client, driver))
        }
        .boxed()
    }
}

fn facts(version: &str, in_hot_standby: &str) -> ServerFacts {
    let version = version.split_whitespace().next().unwrap_or_default();
    // `18.6`, `19beta1`, `14devel`.
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    ServerFacts {
        version: version.to_owned(),
        major: version[..digits].parse().unwrap_or(0),
        in_recovery: in_hot_standby == "on",
    }
}

/// What a session needs of its connection.
pub(super) type Connection = Object;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_whatever_the_packager_appends() {
        assert_eq!(facts("15.20 (Debian 15.20-1)", "off").version, "15.20");
        assert_eq!(facts("19beta1", "off").major, 19);
        assert!(facts("14.1", "on").in_recovery);
    }
}
