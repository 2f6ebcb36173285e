//! Why a command could not run.

use std::fmt;

use crate::analysis;
use crate::cache;
use crate::config;
use crate::demo;
use crate::embedded;
use crate::http;
use crate::store;

/// Why a command could not run; its text names the remedy.
#[derive(Debug)]
pub enum Error {
    /// An argument that cannot be used.
    Usage(String),
    /// The configuration.
    Config(config::Error),
    /// The service's own database.
    Store(store::Error),
    /// The PostgreSQL of our own.
    Embedded(embedded::Error),
    /// The sample warehouse.
    Demo(demo::Error),
    /// The cache.
    Cache(cache::Error),
    /// The target.
    Analysis(analysis::Error),
    /// Listening.
    Http(http::Error),
    /// The service is not ready.
    NotReady(String),
    /// What the log has said already.
    Logged,
    /// The answer could not be written.
    Output {
        /// Why.
        source: std::io::Error,
    },
    /// No threads to work with.
    Runtime {
        /// Why.
        source: std::io::Error,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(problem) | Self::NotReady(problem) => f.write_str(problem),
            Self::Logged => f.write_str("the log says why"),
            Self::Config(error) => with_cause(f, error),
            Self::Embedded(error) => with_cause(f, error),
            Self::Http(error) => write!(f, "{error}"),
            Self::Cache(error) => write!(f, "{error}"),
            // What the driver says may name hosts and users, and ends up in the logs of pipelines.
            Self::Store(error) => write!(f, "{error}"),
            Self::Demo(error) => write!(f, "{error}"),
            Self::Analysis(error) => write!(f, "{error}"),
            Self::Output { source } => write!(f, "the answer could not be written: {source}"),
            Self::Runtime { source } => write!(f, "no threads to work with: {source}"),
        }
    }
}

/// The error with what the operating system said.
fn with_cause(f: &mut fmt::Formatter<'_>, error: &dyn std::error::Error) -> fmt::Result {
    write!(f, "{error}")?;
    match error.source() {
        Some(cause) => write!(f, ": {cause}"),
        None => Ok(()),
    }
}

impl std::error::Error for Error {}
