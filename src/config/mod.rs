//! The service's configuration: defaults, then the file, then the environment, then flags.

mod allowed_hosts;
mod callers;
mod error;
mod exposed;
mod flags;
mod load;
mod project;
mod secret_files;
mod settings;
mod target;
mod unknown_variables;
mod webhook;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

pub use allowed_hosts::{AllowedHosts, MalformedHosts, Refused};
pub use callers::{AllowedOrigins, HttpHosts, is_loopback_name};
pub use error::Error;
pub use exposed::{exposed, holds_password};
pub use flags::{AddressFlags, Flags, StoreFlags};
pub use load::{load, resolve};
pub use project::{Ignored, PROJECT_FILE, Project};
pub use secret_files::secret_file_variables;
pub use settings::{ConfigSetting, SETTINGS, markdown_table};
pub use target::{DsnSource, TargetConfig, is_model_version, is_qualified_name, is_target_name};
pub use unknown_variables::unknown_variables;
pub use webhook::WebhookConfig;

/// The service's whole configuration. Debug shows no secret.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address to serve HTTP on.
    pub listen: SocketAddr,
    /// The service's own database; absent starts an embedded one in `data_dir`.
    pub store_url: Option<SecretString>,
    /// What stored DSNs are encrypted with: 32 bytes in base64 or hex.
    pub secret_key: Option<SecretString>,
    /// The shared second level of the cache; absent leaves it in process.
    pub redis_url: Option<SecretString>,
    /// Where drift events are posted. `None` disables them.
    pub webhook: Option<WebhookConfig>,
    /// Hosts a target may be on.
    pub allowed_hosts: AllowedHosts,
    /// Targets, by name, whose own functions may run with the role's rights.
    pub trust_code: BTreeSet<String>,
    /// Functions, by schema and name, that ANALYZE may execute although they are volatile.
    pub allow_functions: BTreeSet<String>,
    /// Hosts that the service answers to while no API key exists, beside those of loopback.
    pub allowed_hosts_http: HttpHosts,
    /// Other sites whose pages may call the API.
    pub allowed_origins: AllowedOrigins,
    /// Where the embedded store and its generated key live.
    pub data_dir: PathBuf,
    /// How answers are cached.
    pub cache: CacheConfig,
    /// What one request may take.
    pub limits: Limits,
    /// How the service ends.
    pub shutdown: ShutdownConfig,
    /// How the service logs.
    pub log: LogConfig,
    /// Targets to register at the start, by name.
    pub targets: BTreeMap<String, TargetConfig>,
    /// What each setting is set to and by what, for the log: secrets are not shown.
    pub set: BTreeMap<&'static str, String>,
}

/// How answers are cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheConfig {
    /// For how long an answer counts as fresh.
    pub ttl: Duration,
    /// For how long after that it may be shown while a fresh one is computed.
    pub stale: Duration,
    /// Bytes of answers held in process; 0 holds none.
    pub capacity_bytes: u64,
    /// How long one Redis command may take before the answer is computed instead.
    pub redis_timeout: Duration,
}

/// What one request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Time until it is answered.
    pub request_timeout: Duration,
    /// Bytes of its body.
    pub body_bytes: usize,
    /// Requests answered at the same time.
    pub concurrency: usize,
}

/// How the service ends once it receives a signal to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShutdownConfig {
    /// For how long it still takes new requests, until no one sends any.
    pub delay: Duration,
    /// How long those under way may take after that.
    pub grace: Duration,
}

/// How the service logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// Shape of a line.
    pub format: LogFormat,
    /// A filter as `tracing_subscriber::EnvFilter` reads it, such as `info` or `dbopt=debug`.
    pub level: String,
}

/// Shape of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
