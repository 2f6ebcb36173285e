//! Why the store could not do something.

use tokio_postgres::error::SqlState;

use crate::config::Refused;

/// Why the store could not do something. Messages name no host, user, DSN or text of the driver.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL of the store cannot be parsed.
    #[error("DBOPT_STORE_URL is malformed: {problem}")]
    MalformedUrl {
        /// What is wrong, or what to write instead.
        problem: String,
    },

    /// No connection to the store.
    #[error("the store cannot be reached")]
    Connect {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The store did not answer a moment ago, and is being looked for.
    #[error("the store does not answer; it is looked for twice a second")]
    Away,

    /// An operation took too long, and its connection was hung up.
    #[error("the store could not {operation} in time")]
    Late {
        /// What was attempted, such as `list targets`.
        operation: &'static str,
    },

    /// The store's schema could not be brought up to date.
    #[error("the store's schema could not be migrated")]
    Migrate {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A statement failed.
    #[error("the store could not {operation}")]
    Query {
        /// What was attempted, such as `list targets`.
        operation: &'static str,
        /// Why.
        source: tokio_postgres::Error,
    },

    /// What the store holds is not what we wrote.
    #[error("the store holds a malformed {what}")]
    Decode {
        /// What.
        what: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The secret key is not 32 bytes.
    #[error(
        "DBOPT_SECRET_KEY must be 32 bytes in base64 or hex; make one with: openssl rand -base64 32"
    )]
    MalformedKey,

    /// The generated key file cannot be read or written.
    #[error(
        "secret.key in the data directory cannot be used; it must be a file that only its owner can read (chmod 600)"
    )]
    KeyFile {
        /// Why.
        source: std::io::Error,
    },

    /// A DSN cannot be stored without a key.
    #[error(
        "a DSN is stored encrypted only, and there is no key: set DBOPT_SECRET_KEY, or give dsn_env or dsn_file instead"
    )]
    NoKey,

    /// A stored DSN was encrypted under another key, or tampered with.
    #[error(
        "the stored DSN of `{target}` cannot be decrypted: DBOPT_SECRET_KEY is not the one it was stored under"
    )]
    Decrypt {
        /// The target.
        target: String,
    },

    /// No randomness.
    #[error("the system's random source failed")]
    Random,

    /// No name for a target.
    #[error(
        "`{name}` cannot name a target: 1 to 63 lower-case letters, digits and hyphens, no hyphen first"
    )]
    InvalidName {
        /// The name.
        name: String,
    },

    /// The name is taken.
    #[error("a target named `{name}` is registered already")]
    NameTaken {
        /// The name.
        name: String,
    },

    /// No such target.
    #[error("no target is registered as `{name}`")]
    UnknownTarget {
        /// The name.
        name: String,
    },

    /// The target has too many contracts.
    #[error(
        "target `{target}` has {max} contracts, which is the limit: delete those that you no longer need"
    )]
    TooManyContracts {
        /// The target.
        target: String,
        /// How many it may have.
        max: i64,
    },

    /// No name for a model version.
    #[error(
        "`{version}` cannot name a model version: 1 to 63 letters, digits, dots, hyphens and underscores, a letter or digit first"
    )]
    InvalidModelVersion {
        /// The version.
        version: String,
    },

    /// A DSN that cannot be parsed.
    #[error("`{field}` of target `{target}` is malformed: {problem}")]
    DsnMalformed {
        /// The target.
        target: String,
        /// Which of its DSNs: `dsn`, `lab` or `replicas/0`.
        field: String,
        /// What is wrong, or what to write instead; never the DSN itself.
        problem: String,
    },

    /// A DSN whose host is not allowed.
    #[error("`{field}` of target `{target}`: {reason}")]
    DsnRefused {
        /// The target.
        target: String,
        /// Which of its DSNs.
        field: String,
        /// Why.
        reason: Refused,
    },

    /// The store answers, and takes no writes.
    #[error("the store is read-only")]
    ReadOnly,

    /// The environment variable of a target is not set.
    #[error("target `{target}`: the environment variable {variable} is not set")]
    DsnEnv {
        /// The target.
        target: String,
        /// The variable.
        variable: String,
    },

    /// The environment variable may not be used for a DSN: it holds a secret of the service.
    #[error(
        "target `{target}`: {variable} holds a secret of the service and cannot be a target's DSN"
    )]
    DsnEnvReserved {
        /// The target.
        target: String,
        /// The variable.
        variable: String,
    },

    /// The file may not be used for a DSN: it holds a secret of the service.
    #[error(
        "target `{target}`: dsn_file holds a secret of the service and cannot be a target's DSN"
    )]
    DsnFileReserved {
        /// The target.
        target: String,
    },

    /// A relative path means something else to every process.
    #[error("target `{target}`: dsn_file must be an absolute path")]
    DsnFileRelative {
        /// The target.
        target: String,
    },

    /// The file of a target cannot be read.
    #[error("target `{target}`: the file {file} cannot be read")]
    DsnFile {
        /// The target.
        target: String,
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
}

impl Error {
    /// Whether it is the store that cannot do its work at the moment, rather than a fault of ours.
    pub fn is_of_the_store(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Away | Self::Late { .. } | Self::ReadOnly => true,
            Self::Query { source, .. } => {
                let cause = std::error::Error::source(source);
                let is_broken = cause.is_some_and(<dyn std::error::Error>::is::<std::io::Error>);
                is_broken || source.is_closed() || source.code().is_some_and(is_unavailable)
            }
            _ => false,
        }
    }

    /// Whether the store did not answer at all, or only to say that it stops or starts.
    pub(super) fn is_of_absence(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Away | Self::Late { .. } => true,
            Self::Query { source, .. } => {
                let code = source.code().map_or("08", SqlState::code);
                ["08", "57"].contains(&code.get(..2).unwrap_or_default())
            }
            _ => false,
        }
    }

    /// Whether it is a target's DSN that cannot be used, from wherever it is kept.
    pub fn is_of_a_dsn(&self) -> bool {
        matches!(
            self,
            Self::DsnMalformed { .. }
                | Self::DsnRefused { .. }
                | Self::DsnEnv { .. }
                | Self::DsnEnvReserved { .. }
                | Self::DsnFile { .. }
                | Self::DsnFileRelative { .. }
                | Self::DsnFileReserved { .. }
                | Self::Decrypt { .. }
                | Self::NoKey
        )
    }
}

/// Connection lost, out of disk, memory or connections, stopping, read-only, and failures of disks.
fn is_unavailable(state: &SqlState) -> bool {
    let code = state.code();
    let classes = ["08", "53", "57", "58"];
    classes.contains(&code.get(..2).unwrap_or_default())
        || *state == SqlState::READ_ONLY_SQL_TRANSACTION
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_the_store_are_not_taken_for_faults_of_ours() {
        let full = [SqlState::DISK_FULL, SqlState::TOO_MANY_CONNECTIONS, SqlState::ADMIN_SHUTDOWN];
        let other = [SqlState::READ_ONLY_SQL_TRANSACTION, SqlState::IO_ERROR];
        assert!(full.iter().chain(&other).all(is_unavailable));
        assert!(!is_unavailable(&SqlState::UNDEFINED_TABLE));
        assert!(!is_unavailable(&SqlState::UNIQUE_VIOLATION));
    }
}
