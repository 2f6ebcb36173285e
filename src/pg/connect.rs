//! Logging in to a target, and what is known of each of its connections.

use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};
use tokio_postgres::{CancelToken, Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::ServerFacts;
use super::dsn::Dsn;
use super::wire::{Connector, WireProgress};

/// How long a login may take.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may be silent before the kernel asks whether the other side is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_RETRIES: u32 = 3;
/// How long what was sent may stay unacknowledged.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(15);

/// A connection that is logged in, or the place of one that was hung up.
pub(super) struct Connected {
    /// Absent once it was hung up: its backend may still run, and counts.
    client: Option<Client>,
    driver: JoinHandle<()>,
    seen: Arc<WireProgress>,
    pub(super) facts: ServerFacts,
    tls: Tls,
}

impl Connected {
    pub(super) fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// The backend's process, as said at login; 0 where that is not known.
    pub(super) fn process_id(&self) -> i32 {
        self.seen.process_id()
    }

    /// Whether the connection ended because a message was larger than we take.
    pub(super) fn is_too_large(&self) -> bool {
        self.seen.is_too_large()
    }

    /// Close the socket, and return what cancels what still runs on the server.
    pub(super) fn hang_up(&mut self) -> Option<Cancel> {
        let client = self.client.take()?;
        self.driver.abort();
        Some(Cancel { token: client.cancel_token(), tls: self.tls.clone() })
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// What cancels the statement that a backend runs.
pub(super) struct Cancel {
    token: CancelToken,
    tls: Tls,
}

impl Cancel {
    pub(super) async fn send(self) {
        // The server does not say whether there was something to cancel.
        let _ = match self.tls {
            Tls::Bounded(connector) => self.token.cancel_query(connector).await,
            Tls::Plain(tls) => self.token.cancel_query(tls).await,
        };
    }
}

/// How the driver gets its streams.
#[derive(Clone)]
enum Tls {
    Bounded(Connector),
    /// Over a local socket, where the driver takes no stream of ours.
    Plain(MakeRustlsConnect),
}

/// Logs in, and checks what is used again.
pub(super) struct ConnectionManager {
    config: Config,
    tls: Tls,
}

impl ConnectionManager {
    pub(super) fn new(dsn: &Dsn, tls: &MakeRustlsConnect) -> Self {
        let mut config = dsn.config.clone();
        config.application_name("dbopt").connect_timeout(CONNECT_TIMEOUT);
        if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
            config.keepalives_idle(KEEPALIVE_IDLE);
        }
        if config.get_keepalives_interval().is_none() {
            config.keepalives_interval(KEEPALIVE_INTERVAL);
        }
        if config.get_keepalives_retries().is_none() {
            config.keepalives_retries(KEEPALIVE_RETRIES);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(UNACKNOWLEDGED_MAX);
        }
        let local = config.get_hosts().iter().any(|host| !matches!(host, Host::Tcp(_)));
        let tls = if local {
            Tls::Plain(tls.clone())
        } else {
            config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
            Tls::Bounded(Connector { tls: tls.clone(), mode: dsn.tls, seen: Arc::default() })
        };
        Self { config, tls }
    }
}

impl managed::Manager for ConnectionManager {
    type Type = Connected;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Connected, tokio_postgres::Error> {
        let mut tls = self.tls.clone();
        let seen = Arc::<WireProgress>::default();
        let (client, facts, driver) = match &mut tls {
            Tls::Bounded(connector) => {
                connector.seen = seen.clone();
                let (client, connection) = self.config.connect(connector.clone()).await?;
                let parameter = |name| connection.parameter(name).unwrap_or_default();
                let facts = facts(parameter("server_version"), parameter("in_hot_standby"));
                (client, facts, driven(connection))
            }
            Tls::Plain(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                let parameter = |name| connection.parameter(name).unwrap_or_default();
                let facts = facts(parameter("server_version"), parameter("in_hot_standby"));
                (client, facts, driven(connection))
            }
        };
        Ok(Connected { client: Some(client), driver, seen, facts, tls })
    }

    async fn recycle(
        &self,
        connected: &mut Connected,
        _: &Metrics,
    ) -> RecycleResult<tokio_postgres::Error> {
        match connected.client() {
            Some(client) if !client.is_closed() => Ok(()),
            _ => Err(RecycleError::message("the connection is closed")),
        }
    }
}

/// A pending query fails with the loss of the connection, so the error is not reported a second time.
fn driven<S>(connection: S) -> JoinHandle<()>
where
    S: Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static,
{
    tokio::spawn(async move {
        let _ = connection.await;
    })
}

fn facts(version: &str, in_hot_standby: &str) -> ServerFacts {
    let version = version.split_whitespace().next().unwrap_or_default();
    // `18.6`, `19beta1`, `14devel`.
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    ServerFacts {
        version: version.chars().take(64).collect(),
        major: version[..digits].parse().unwrap_or(0),
        in_recovery: in_hot_standby == "on",
    }
}

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
