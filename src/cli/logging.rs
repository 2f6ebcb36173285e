//! The log of the service: from its first line in the form that was asked for, and to its last.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use super::{Error, say, warn};
use crate::config::{Flags, LogConfig, LogFormat};

/// The log, once it has begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogOutput {
    format: LogFormat,
}

impl LogOutput {
    /// Log to standard error; colours only on a terminal. Libraries that log what a server said are kept to warnings,
    /// unless the filter names them.
    pub(super) fn begin(config: &LogConfig) -> Self {
        let filter = format!("tokio_postgres=warn,refinery_core=warn,{}", config.level);
        let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
        let builder =
            tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        let builder = builder.with_ansi(std::io::stderr().is_terminal());
        match config.format {
            LogFormat::Text => builder.init(),
            LogFormat::Json => {
                builder.json().init();
                std::panic::set_hook(Box::new(|panic| {
                    let at = panic.location().map(ToString::to_string);
                    let message = panic.payload_as_str().unwrap_or_default();
                    tracing::error!(at, message, "panicked");
                }));
            }
        }
        Self { format: config.format }
    }

    /// For a service whose configuration cannot be used. The flag or the variable that sets the format counts all the same.
    pub(super) fn without_configuration(flags: &Flags) -> Self {
        let flag = flags.settings.iter().find(|(name, _)| *name == "log_format");
        let chosen = flag.map(|(_, format)| format.clone());
        let chosen = chosen.or_else(|| std::env::var("DBOPT_LOG_FORMAT").ok());
        match chosen.as_deref() {
            Some("json") => {
                let level = "info".to_owned();
                Self::begin(&LogConfig { format: LogFormat::Json, level })
            }
            _ => Self { format: LogFormat::Text },
        }
    }

    /// A line for who watches the start.
    pub(super) fn say(self, text: &str) {
        match self.format {
            LogFormat::Text => say(text),
            LogFormat::Json => tracing::info!("{text}"),
        }
    }

    /// A warning for who started the service.
    pub(super) fn warn(self, text: &str) {
        match self.format {
            LogFormat::Text => warn(text),
            LogFormat::Json => tracing::warn!("{text}"),
        }
    }

    /// Why the service does not start; said here where the log is for machines, else by the command line.
    pub(super) fn refusal(self, error: Error) -> Error {
        match self.format {
            LogFormat::Text => error,
            LogFormat::Json => {
                tracing::error!("{error}");
                Error::Logged
            }
        }
    }
}
