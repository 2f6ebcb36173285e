//! Why a target could not be used. Messages name no host, user or literal.

use std::io;

use serde::Serialize;
use tokio_postgres::error::SqlState;
use utoipa::ToSchema;

use super::connect::CONNECT_TIMEOUT;
use super::wire::TlsUnanswered;

/// Why a target could not be used, in a word: what to look after, and no host or user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = TargetCause)]
pub enum ConnectFailure {
    /// Its host name is not known.
    Dns,
    /// Nothing listens there.
    Refused,
    /// There is no way to its address.
    Unroutable,
    /// It did not answer in time.
    TimedOut,
    /// It hung up before it let us in, or is no PostgreSQL.
    HungUp,
    /// TLS is not agreed upon.
    Tls,
    /// Role, password or `pg_hba.conf`.
    Login,
    /// The database does not exist.
    NoDatabase,
    /// It takes no connection now.
    NotAccepting,
    /// The connection was lost in mid-visit.
    Lost,
    /// Its DSN cannot be used.
    Dsn,
}

impl ConnectFailure {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::Unroutable => "unroutable",
            Self::TimedOut => "timed-out",
            Self::HungUp => "hung-up",
            Self::Tls => "tls",
            Self::Login => "login",
            Self::NoDatabase => "no-database",
            Self::NotAccepting => "not-accepting",
            Self::Lost => "lost",
            Self::Dsn => "dsn",
        }
    }

    /// What is wrong and what to do, where no one answered.
    fn advice(self) -> &'static str {
        match self {
            Self::Dns => "its host name cannot be resolved (DNS); check the host in its DSN",
            Self::Refused => {
                "the connection was refused; check its port, and that the server runs and listens there"
            }
            Self::Unroutable => {
                "there is no route to its address; check the host in its DSN, and the network between"
            }
            _ => {
                "the server hung up before it let us in; check that PostgreSQL listens on its port"
            }
        }
    }

    /// Why no connection was made.
    fn of_unreachable(source: &tokio_postgres::Error) -> Self {
        let cause = std::error::Error::source(source);
        let Some(cause) = cause.and_then(|cause| cause.downcast_ref::<io::Error>()) else {
            return Self::HungUp;
        };
        match cause.kind() {
            // A socket that is not there has no one who listens.
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Self::Refused,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Self::Unroutable,
            io::ErrorKind::TimedOut => Self::TimedOut,
            // The resolver's own errors have no number of the operating system.
            _ if cause.raw_os_error().is_none() && cause.to_string().contains("lookup") => {
                Self::Dns
            }
            _ => Self::HungUp,
        }
    }
}

/// Why a target could not be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The DSN cannot be parsed.
    #[error("the DSN of `{target}` is malformed: {problem}")]
    MalformedDsn {
        /// The target.
        target: String,
        /// What to write instead; never the DSN itself.
        problem: String,
    },
    /// The root certificates cannot be read.
    #[error("the root certificates for `{target}` cannot be read: {problem}")]
    RootCertificates {
        /// The target.
        target: String,
        /// What to do.
        problem: &'static str,
    },
    /// The server cannot be reached, or what answers is not PostgreSQL.
    #[error("target `{target}` could not be reached: {}", .cause.advice())]
    Unreachable {
        /// The target.
        target: String,
        /// Why.
        cause: ConnectFailure,
        /// For the log only.
        source: tokio_postgres::Error,
    },
    /// No answer within the time limit.
    #[error("target `{target}` did not answer within {seconds} s")]
    NoAnswer {
        /// The target.
        target: String,
        /// The limit.
        seconds: u64,
    },
    /// The TLS handshake failed, or one side insists on what the other refuses.
    #[error("no TLS agreement with target `{target}`; check `sslmode` and `sslrootcert`")]
    Tls {
        /// The target.
        target: String,
        /// For the log only.
        source: tokio_postgres::Error,
    },
    /// Role, password or `pg_hba.conf` do not let us in.
    #[error(
        "target `{target}` refused the login; check role, password (it may have expired) and pg_hba.conf"
    )]
    LoginRefused {
        /// The target.
        target: String,
        /// For the log only.
        source: tokio_postgres::Error,
    },
    /// There is no such database, or no longer.
    #[error("the database of target `{target}` does not exist")]
    NoSuchDatabase {
        /// The target.
        target: String,
        /// For the log only.
        source: tokio_postgres::Error,
    },
    /// The server takes no more connections, or is starting up or shutting down.
    #[error("target `{target}` takes no connection now; try again later")]
    NotAccepting {
        /// The target.
        target: String,
        /// For the log only.
        source: tokio_postgres::Error,
    },
    /// Older than we support.
    #[error("target `{target}` runs PostgreSQL {major}; 14 or newer is required")]
    ServerTooOld {
        /// The target.
        target: String,
        /// Its major version.
        major: u32,
    },
    /// All of our few connections are in use.
    #[error("all connections to target `{target}` are busy; try again later")]
    Busy {
        /// The target.
        target: String,
    },
    /// A pooler between us and the server ends transactions after each statement.
    #[error(
        "target `{target}` is behind a pooler in statement mode; name the server itself, or a pool in session or transaction mode"
    )]
    StatementPooling {
        /// The target.
        target: String,
    },
    /// It sent more than we keep of any answer.
    #[error(
        "target `{target}` sent more than dbopt takes; narrow the request with `schema` or `table`"
    )]
    TooMuch {
        /// The target.
        target: String,
    },
    /// The connection was lost in mid-visit.
    #[error("the connection to target `{target}` was lost")]
    ConnectionLost {
        /// The target.
        target: String,
        /// For the log only.
        source: tokio_postgres::Error,
    },
}

impl Error {
    /// What a failure to connect means.
    pub(super) fn connecting(target: &str, source: tokio_postgres::Error) -> Self {
        let target = target.to_owned();
        match source.code() {
            Some(code) if Self::is_login(code) => Self::LoginRefused { target, source },
            Some(&SqlState::INVALID_CATALOG_NAME) => Self::NoSuchDatabase { target, source },
            Some(
                &SqlState::TOO_MANY_CONNECTIONS
                | &SqlState::CANNOT_CONNECT_NOW
                | &SqlState::ADMIN_SHUTDOWN
                | &SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            ) => Self::NotAccepting { target, source },
            _ if says_statement_pooling(&source) => Self::StatementPooling { target },
            _ if is_unanswered(&source) => {
                Self::Unreachable { target, cause: ConnectFailure::HungUp, source }
            }
            _ if source.to_string().contains("TLS") => Self::Tls { target, source },
            // A password was asked for and none was given, or the method is unknown to the driver.
            _ if source.to_string().contains("authentication") || lacks_password(&source) => {
                Self::LoginRefused { target, source }
            }
            _ => match ConnectFailure::of_unreachable(&source) {
                ConnectFailure::TimedOut => {
                    Self::NoAnswer { target, seconds: CONNECT_TIMEOUT.as_secs() }
                }
                cause => Self::Unreachable { target, cause, source },
            },
        }
    }

    /// Why, in a word; none where it is neither the target nor the way to it.
    pub fn cause(&self) -> Option<ConnectFailure> {
        Some(match self {
            Self::MalformedDsn { .. } | Self::RootCertificates { .. } => ConnectFailure::Dsn,
            Self::Unreachable { cause, .. } => *cause,
            Self::NoAnswer { .. } => ConnectFailure::TimedOut,
            Self::Tls { .. } => ConnectFailure::Tls,
            Self::LoginRefused { .. } => ConnectFailure::Login,
            Self::NoSuchDatabase { .. } => ConnectFailure::NoDatabase,
            Self::NotAccepting { .. } => ConnectFailure::NotAccepting,
            Self::ConnectionLost { .. } => ConnectFailure::Lost,
            Self::ServerTooOld { .. }
            | Self::Busy { .. }
            | Self::StatementPooling { .. }
            | Self::TooMuch { .. } => return None,
        })
    }

    /// The SQLSTATE, where the server gave one.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Unreachable { source, .. }
            | Self::Tls { source, .. }
            | Self::LoginRefused { source, .. }
            | Self::NoSuchDatabase { source, .. }
            | Self::NotAccepting { source, .. }
            | Self::ConnectionLost { source, .. } => source.code().map(SqlState::code),
            _ => None,
        }
    }

    fn is_login(code: &SqlState) -> bool {
        // `pg_hba.conf` without an entry, CONNECT not granted, a password that is wrong or expired.
        [
            SqlState::INVALID_PASSWORD,
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            SqlState::INSUFFICIENT_PRIVILEGE,
        ]
        .contains(code)
    }

    /// The target it is about.
    pub fn target(&self) -> &str {
        match self {
            Self::MalformedDsn { target, .. }
            | Self::RootCertificates { target, .. }
            | Self::Unreachable { target, .. }
            | Self::NoAnswer { target, .. }
            | Self::Tls { target, .. }
            | Self::LoginRefused { target, .. }
            | Self::NoSuchDatabase { target, .. }
            | Self::NotAccepting { target, .. }
            | Self::ServerTooOld { target, .. }
            | Self::Busy { target }
            | Self::StatementPooling { target }
            | Self::TooMuch { target }
            | Self::ConnectionLost { target, .. } => target,
        }
    }
}

/// `PgBouncer` says so, in a text and under a code that means any violation of the protocol.
pub(super) fn says_statement_pooling(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|error| error.message().contains("statement pooling mode"))
}

/// The server hung up before it answered whether it supports TLS, which need not be the reason.
fn is_unanswered(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<TlsUnanswered>)
}

/// The driver says so in the cause.
fn lacks_password(error: &tokio_postgres::Error) -> bool {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    [Some(error.to_string()), cause].into_iter().flatten().any(|text| text.contains("password"))
}
