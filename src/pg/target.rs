//! One database of one cluster, and the few connections we may have to it.

use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Manager as _, Object, Pool, PoolError, TimeoutType};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connect::{CONNECT_TIMEOUT, Connected, ConnectionManager};
use super::{Dsn, Error, Session, TrialError, TrialTransaction, tls};
use crate::model::Server;

/// Connections a target grants us at most: advice must never be what exhausts it.
pub(super) const CONNECTIONS_MAX: usize = 2;
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
    inner: Arc<TargetInner>,
}

struct TargetInner {
    name: String,
    user: Option<String>,
    pool: Pool<ConnectionManager>,
    lab: Option<Target>,
    trusts_code: bool,
}

impl Target {
    /// A target named `name`; connects when first used. `lab` is a database where experiments may write.
    ///
    /// # Errors
    /// A malformed DSN, or root certificates that cannot be read.
    pub fn open(name: &str, dsn: &SecretString, lab: Option<&SecretString>) -> Result<Self, Error> {
        let dsn = Dsn::parse(dsn.expose_secret())
            .map_err(|problem| Error::MalformedDsn { target: name.to_owned(), problem })?;
        let tls = tls::connector(&dsn)
            .map_err(|problem| Error::RootCertificates { target: name.to_owned(), problem })?;
        let (user, pool) = (dsn.config.get_user().map(str::to_owned), pool(&dsn, &tls));
        let lab = lab.map(|lab| Self::open(&format!("{name} (lab)"), lab, None)).transpose()?;
        Ok(Self {
            inner: Arc::new(TargetInner {
                name: name.to_owned(),
                user,
                pool,
                lab,
                trusts_code: false,
            }),
        })
    }

    /// The name it was registered under.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The role that it logs in as, where its DSN names one.
    pub fn user(&self) -> Option<&str> {
        self.inner.user.as_deref()
    }

    /// The database where experiments run, if there is one beside the target.
    pub fn lab(&self) -> Option<&Self> {
        self.inner.lab.as_ref()
    }

    /// The same target, where relations may be planned and read although that runs code of the target's own with our
    /// role's rights. For a target that is not in use yet: it has no connection.
    #[must_use]
    pub fn trusting_code(self, trusts_code: bool) -> Self {
        let TargetInner { name, user, pool, lab, .. } = &*self.inner;
        let (name, user) = (name.clone(), user.clone());
        let (pool, lab) = (pool.clone(), lab.clone());
        Self { inner: Arc::new(TargetInner { name, user, pool, lab, trusts_code }) }
    }

    /// Whether code of the target's own may run with our role's rights.
    pub fn trusts_code(&self) -> bool {
        self.inner.trusts_code
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
        Ok(Session::new(self.clone(), self.connection().await?))
    }

    /// A transaction for an experiment, on one of the few connections.
    ///
    /// # Errors
    /// Whatever keeps us from logging in or from opening it.
    pub async fn trial(&self) -> Result<TrialTransaction, TrialError> {
        let connection = self.connection().await.map_err(TrialError::Lost)?;
        TrialTransaction::begin(self.clone(), connection).await
    }

    /// One of the few connections.
    pub(super) async fn connection(&self) -> Result<Connection, Error> {
        let connection = Box::pin(self.inner.pool.get()).await;
        let connection = connection.map_err(|error| self.refused(error))?;
        let major = connection.facts.major;
        if major < MAJOR_MIN {
            return Err(Error::ServerTooOld { target: self.name().to_owned(), major });
        }
        Ok(connection)
    }

    /// A connection beside the few.
    pub(super) async fn one_more(&self) -> Result<Connected, tokio_postgres::Error> {
        Box::pin(self.inner.pool.manager().create()).await
    }

    fn refused(&self, error: PoolError<tokio_postgres::Error>) -> Error {
        let target = self.name();
        match error {
            PoolError::Timeout(TimeoutType::Wait) => Error::Busy { target: target.to_owned() },
            PoolError::Backend(source) => Error::connecting(target, source),
            _ => Error::NoAnswer { target: target.to_owned(), seconds: CONNECT_TIMEOUT.as_secs() },
        }
    }
}

fn pool(dsn: &Dsn, tls: &MakeRustlsConnect) -> Pool<ConnectionManager> {
    Pool::builder(ConnectionManager::new(dsn, tls))
        .max_size(CONNECTIONS_MAX)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(WAIT_TIMEOUT))
        .create_timeout(Some(CONNECT_TIMEOUT))
        .recycle_timeout(Some(CONNECT_TIMEOUT))
        .build()
        .unwrap_or_else(|_| unreachable!("a runtime is given, and nothing else can fail"))
}

/// What a session needs of its connection.
pub(super) type Connection = Object<ConnectionManager>;
