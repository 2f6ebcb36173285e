//! The list of settings, from which files, environment, flags and the README's table are read.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use secrecy::SecretString;

use super::{
    AllowedHosts, AllowedOrigins, Config, HttpHosts, LogFormat, WebhookConfig, is_qualified_name,
    is_target_name,
};

/// One setting.
pub struct ConfigSetting {
    /// Its key in the file.
    pub name: &'static str,
    /// Its environment variable.
    pub env: &'static str,
    /// Its flag, without the hyphens in front.
    pub flag: Option<&'static str>,
    /// Its value when no one says otherwise, as text; empty means none.
    pub default: &'static str,
    /// What it is for, in a sentence.
    pub what: &'static str,
    /// Whether its value must not be shown.
    pub secret: bool,
    /// Sets it, or says what its value must be.
    pub(super) apply: fn(&mut Config, &str) -> Result<(), ExpectedValue>,
}

/// What a value must be, to follow "must be".
pub(super) type ExpectedValue = &'static str;

/// Every setting, in the order of the README's table.
pub static SETTINGS: &[ConfigSetting] = &[
    ConfigSetting {
        name: "listen",
        env: "DBOPT_LISTEN",
        flag: Some("listen"),
        default: "127.0.0.1:8080",
        what: "Address and port to serve HTTP on; anything but loopback needs an API key.",
        secret: false,
        apply: |config, text| {
            set(
                &mut config.listen,
                text.parse().ok(),
                "an address and a port, such as 127.0.0.1:8080",
            )
        },
    },
    ConfigSetting {
        name: "store_url",
        env: "DBOPT_STORE_URL",
        flag: Some("store-url"),
        default: "",
        what: "PostgreSQL database for the service's own state; without it, an embedded PostgreSQL \
               keeps it in `data_dir`.",
        secret: true,
        apply: |config, text| {
            config.store_url = Some(SecretString::from(text));
            Ok(())
        },
    },
    ConfigSetting {
        name: "secret_key",
        env: "DBOPT_SECRET_KEY",
        // A command line is visible to every user of the machine.
        flag: None,
        default: "",
        what: "Key that stored DSNs are encrypted with: 32 bytes in base64 or hex. With the embedded \
               store, one is generated in `data_dir`.",
        secret: true,
        apply: |config, text| {
            config.secret_key = Some(SecretString::from(text));
            Ok(())
        },
    },
    ConfigSetting {
        name: "redis_url",
        env: "DBOPT_REDIS_URL",
        flag: Some("redis-url"),
        default: "",
        what: "Redis that replicas of the service share cached answers through; without it, each \
               caches in process.",
        secret: true,
        apply: |config, text| {
            config.redis_url = Some(SecretString::from(text));
            Ok(())
        },
    },
    ConfigSetting {
        name: "webhook_url",
        env: "DBOPT_WEBHOOK_URL",
        // It often holds a token, and a command line is visible to every user of the machine.
        flag: None,
        default: "",
        what: "Where an event is sent when documents begin to break their contract: https, or http on a network of \
               your own. Only the operator can name it.",
        secret: true,
        apply: |config, text| {
            let url = WebhookConfig::address(text);
            let url = url.ok_or("a URL: https:// or http://, a host, a port and a path")?;
            config.webhook.get_or_insert_default().url = Some(url);
            Ok(())
        },
    },
    ConfigSetting {
        name: "webhook_secret",
        env: "DBOPT_WEBHOOK_SECRET",
        flag: None,
        default: "",
        what: "Key that signs each event and its time as Standard Webhooks says: text, or `whsec_` and base64.",
        secret: true,
        apply: |config, text| {
            WebhookConfig::signing_key(text).ok_or("text, or `whsec_` and base64")?;
            config.webhook.get_or_insert_default().secret = Some(SecretString::from(text));
            Ok(())
        },
    },
    ConfigSetting {
        name: "allowed_hosts",
        env: "DBOPT_ALLOWED_HOSTS",
        flag: Some("allowed-hosts"),
        default: "",
        what: "Hosts a target may be on, comma separated: names, `*.suffix`, addresses, CIDRs, \
               absolute socket directories. Without it, any host.",
        secret: false,
        apply: |config, text| {
            let hosts = AllowedHosts::parse(text).ok();
            let expected = "a comma list of host names, *.suffix, addresses, CIDRs or absolute \
                            socket directories";
            set(&mut config.allowed_hosts, hosts, expected)
        },
    },
    ConfigSetting {
        name: "trust_code",
        env: "DBOPT_TRUST_CODE",
        flag: Some("trust-code"),
        default: "",
        what: "Targets, by name, comma separated, whose tables are planned and read although that \
               runs functions of the database's own with dbopt's role.",
        secret: false,
        apply: |config, text| {
            let names = names(text, is_target_name);
            set(&mut config.trust_code, names, "a comma list of names of targets")
        },
    },
    ConfigSetting {
        name: "allow_functions",
        env: "DBOPT_ALLOW_FUNCTIONS",
        flag: Some("allow-functions"),
        default: "",
        what: "Functions, comma separated and each with its schema, such as `pg_catalog.random`, that EXPLAIN ANALYZE may \
               execute although they are volatile.",
        secret: false,
        apply: |config, text| {
            let names = names(text, is_qualified_name);
            let expected = "a comma list of functions, each as schema.name";
            set(&mut config.allow_functions, names, expected)
        },
    },
    ConfigSetting {
        name: "allowed_hosts_http",
        env: "DBOPT_ALLOWED_HOSTS_HTTP",
        flag: Some("allowed-hosts-http"),
        default: "",
        what: "Host names and addresses, comma separated, that the service answers to while no API key exists, \
               beside `localhost`, `127.0.0.1` and `[::1]`.",
        secret: false,
        apply: |config, text| {
            let expected = "a comma list of host names or addresses, without a port";
            set(&mut config.allowed_hosts_http, HttpHosts::parse(text), expected)
        },
    },
    ConfigSetting {
        name: "allowed_origins",
        env: "DBOPT_ALLOWED_ORIGINS",
        flag: Some("allowed-origins"),
        default: "",
        what: "Origins of other sites whose pages may call the API (CORS), comma separated, such as \
               `https://app.example.com`. Without it, none.",
        secret: false,
        apply: |config, text| {
            let expected = "a comma list of origins, such as https://app.example.com";
            set(&mut config.allowed_origins, AllowedOrigins::parse(text), expected)
        },
    },
    ConfigSetting {
        name: "data_dir",
        env: "DBOPT_DATA_DIR",
        flag: Some("data-dir"),
        default: "${XDG_DATA_HOME:-~/.local/share}/dbopt",
        what: "Directory of the embedded store and of the generated key; below `/var/lib` as root.",
        secret: false,
        apply: |config, text| {
            config.data_dir = text.into();
            Ok(())
        },
    },
    ConfigSetting {
        name: "cache_ttl_seconds",
        env: "DBOPT_CACHE_TTL_SECONDS",
        flag: Some("cache-ttl-seconds"),
        default: "300",
        what: "For how long an answer counts as fresh.",
        secret: false,
        apply: |config, text| set(&mut config.cache.ttl, seconds(text, 1), SECONDS_MIN_1),
    },
    ConfigSetting {
        name: "cache_stale_seconds",
        env: "DBOPT_CACHE_STALE_SECONDS",
        flag: Some("cache-stale-seconds"),
        default: "3600",
        what: "For how long after that it is still shown, while a fresh one is computed.",
        secret: false,
        apply: |config, text| {
            set(&mut config.cache.stale, seconds(text, 0), "seconds, 0 to a year")
        },
    },
    ConfigSetting {
        name: "cache_capacity_bytes",
        env: "DBOPT_CACHE_CAPACITY_BYTES",
        flag: Some("cache-capacity-bytes"),
        default: "67108864",
        what: "Bytes of answers held in process; 0 holds none.",
        secret: false,
        apply: |config, text| {
            set(&mut config.cache.capacity_bytes, text.parse().ok(), "a number of bytes")
        },
    },
    ConfigSetting {
        name: "redis_timeout_ms",
        env: "DBOPT_REDIS_TIMEOUT_MS",
        flag: Some("redis-timeout-ms"),
        default: "100",
        what: "How long one Redis command may take before the answer is computed instead.",
        secret: false,
        apply: |config, text| {
            let timeout = text.parse().ok().filter(|ms| (1..=60_000).contains(ms));
            let timeout = timeout.map(Duration::from_millis);
            set(&mut config.cache.redis_timeout, timeout, "milliseconds, 1 to 60000")
        },
    },
    ConfigSetting {
        name: "request_timeout_seconds",
        env: "DBOPT_REQUEST_TIMEOUT_SECONDS",
        flag: Some("request-timeout-seconds"),
        default: "60",
        what: "How long a request may take until it is answered with a problem.",
        secret: false,
        apply: |config, text| {
            set(&mut config.limits.request_timeout, seconds(text, 1), SECONDS_MIN_1)
        },
    },
    ConfigSetting {
        name: "body_limit_bytes",
        env: "DBOPT_BODY_LIMIT_BYTES",
        flag: Some("body-limit-bytes"),
        default: "1048576",
        what: "How large the body of a request may be.",
        secret: false,
        apply: |config, text| {
            set(&mut config.limits.body_bytes, text.parse().ok(), "a number of bytes")
        },
    },
    ConfigSetting {
        name: "concurrency_limit",
        env: "DBOPT_CONCURRENCY_LIMIT",
        flag: Some("concurrency-limit"),
        default: "512",
        what: "How many requests are answered at the same time; others get 503 with Retry-After.",
        secret: false,
        apply: |config, text| {
            let limit = text.parse().ok().filter(|limit| *limit > 0);
            set(&mut config.limits.concurrency, limit, "a number of requests, 1 or more")
        },
    },
    ConfigSetting {
        name: "shutdown_delay_seconds",
        env: "DBOPT_SHUTDOWN_DELAY_SECONDS",
        flag: Some("shutdown-delay-seconds"),
        default: "0",
        what: "For how long the service takes new requests after SIGTERM, while `/readyz` answers 503: until no load balancer \
               sends any.",
        secret: false,
        apply: |config, text| {
            set(&mut config.shutdown.delay, seconds(text, 0), "seconds, 0 to a year")
        },
    },
    ConfigSetting {
        name: "shutdown_grace_seconds",
        env: "DBOPT_SHUTDOWN_GRACE_SECONDS",
        flag: Some("shutdown-grace-seconds"),
        default: "10",
        what: "How long requests may take to finish after that; then they are cancelled.",
        secret: false,
        apply: |config, text| {
            set(&mut config.shutdown.grace, seconds(text, 0), "seconds, 0 to a year")
        },
    },
    ConfigSetting {
        name: "log_format",
        env: "DBOPT_LOG_FORMAT",
        flag: Some("log-format"),
        default: "text",
        what: "`text` for people, `json` for machines.",
        secret: false,
        apply: |config, text| {
            let format = match text {
                "text" => Some(LogFormat::Text),
                "json" => Some(LogFormat::Json),
                _ => None,
            };
            set(&mut config.log.format, format, "`text` or `json`")
        },
    },
    ConfigSetting {
        name: "log_level",
        env: "DBOPT_LOG_LEVEL",
        flag: Some("log-level"),
        default: "info",
        what: "What is logged: `error`, `warn`, `info`, `debug`, `trace`, or a filter by module.",
        secret: false,
        apply: |config, text| {
            let valid = tracing_subscriber::EnvFilter::try_new(text).is_ok();
            set(&mut config.log.level, valid.then(|| text.to_owned()), "a level or a filter")
        },
    },
];

const SECONDS_MIN_1: ExpectedValue = "seconds, 1 to a year";

/// The names of a comma list; none where one of them is no such name.
fn names(text: &str, is_name: fn(&str) -> bool) -> Option<BTreeSet<String>> {
    let names = text.split(',').map(str::trim);
    names.map(|name| is_name(name).then(|| name.to_owned())).collect()
}

fn set<T>(field: &mut T, value: Option<T>, expected: ExpectedValue) -> Result<(), ExpectedValue> {
    *field = value.ok_or(expected)?;
    Ok(())
}

/// A time span of at most a year: longer ones are mistakes, and clocks overflow.
fn seconds(text: &str, min: u64) -> Option<Duration> {
    let max = 366 * 24 * 3600;
    text.parse().ok().filter(|seconds| (min..=max).contains(seconds)).map(Duration::from_secs)
}

/// The README's configuration table.
pub fn markdown_table() -> String {
    let mut table = String::from(
        "| in the file | environment | flag | default | what for |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    let code = |text: String| if text.is_empty() { text } else { format!("`{text}`") };
    for ConfigSetting { name, env, flag, default, what, .. } in SETTINGS {
        let flag = code(flag.map(|flag| format!("--{flag}")).unwrap_or_default());
        let default = code((*default).to_owned());
        let _ = writeln!(table, "| `{name}` | `{env}` | {flag} | {default} | {what} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_called_the_same_everywhere() {
        for setting in SETTINGS {
            assert_eq!(setting.env, format!("DBOPT_{}", setting.name.to_uppercase()));
            assert!(setting.flag.is_none_or(|flag| flag == setting.name.replace('_', "-")));
            let same = SETTINGS.iter().filter(|other| other.name == setting.name).count();
            assert_eq!(same, 1, "{}", setting.name);
            assert!(setting.what.ends_with('.'), "{}", setting.name);
        }
    }

    #[test]
    fn the_table_has_a_row_for_every_setting_and_no_broken_cell() {
        let table = markdown_table();
        assert_eq!(table.lines().count(), SETTINGS.len() + 2);
        for (line, setting) in table.lines().skip(2).zip(SETTINGS) {
            assert_eq!(line.matches(" | ").count(), 4, "{line}");
            assert!(line.starts_with(&format!("| `{}` | `{}` |", setting.name, setting.env)));
            assert!(line.contains(setting.what) && line.contains(setting.default));
        }
    }
}
