//! Puts the sources together: what is said later wins.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

use super::{
    AllowedHosts, AllowedOrigins, CacheConfig, Config, ConfigSetting, DsnSource, Error, Flags,
    HttpHosts, Limits, LogConfig, LogFormat, SETTINGS, ShutdownConfig, TargetConfig,
    is_target_name, secret_files,
};
use crate::model::UnknownName;

/// The configuration of this process: reads the file and the environment.
pub fn load(flags: &Flags) -> Result<Config, Error> {
    let variable = |name: &str| std::env::var(name).ok();
    let secrets = secret_files::secrets(&variable, |path| std::fs::read_to_string(path))?;
    let env = |name: &str| {
        variable(name).filter(|text| !text.is_empty()).or_else(|| secrets.get(name).cloned())
    };
    let env = |name: &str| env(name).or_else(|| for_root(name));
    let path = flags.config.clone().or_else(|| env("DBOPT_CONFIG").map(PathBuf::from));
    let file = path.as_deref().map(read).transpose()?;
    resolve(file.as_deref(), &env, flags)
}

/// As root, the embedded PostgreSQL runs as someone else, who may not enter root's home.
fn for_root(name: &str) -> Option<String> {
    let is_root = rustix::process::geteuid().is_root();
    (name == "XDG_DATA_HOME" && is_root).then(|| "/var/lib".to_owned())
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path)
        .map_err(|source| Error::ReadFile { path: path.to_owned(), source })
}

/// The configuration that the text of a file, an environment and flags make. Reads nothing else.
///
/// An environment variable that is empty counts as not set.
pub fn resolve(
    file: Option<&str>,
    env: &dyn Fn(&str) -> Option<String>,
    flags: &Flags,
) -> Result<Config, Error> {
    let mut config = blank();
    for setting in SETTINGS.iter().filter(|setting| !setting.default.is_empty()) {
        apply(&mut config, setting, setting.default, DEFAULT)?;
    }
    apply_file(&mut config, file.unwrap_or_default())?;
    for setting in SETTINGS {
        if let Some(text) = env(setting.env).filter(|text| !text.is_empty()) {
            apply(&mut config, setting, &text, setting.env)?;
        }
    }
    for (name, text) in &flags.settings {
        apply(&mut config, find(name)?, text, "a flag")?;
    }
    for target in &flags.targets {
        let (name, dsn) = target_flag(target)?;
        config.targets.insert(name, dsn);
    }
    config.data_dir = expand(&config.data_dir, env)?;
    Ok(config)
}

/// What the settings' defaults are applied to. Nothing of it is seen: a test holds every field to a setting.
fn blank() -> Config {
    Config {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        store_url: None,
        secret_key: None,
        redis_url: None,
        webhook: None,
        allowed_hosts: AllowedHosts::default(),
        trust_code: BTreeSet::new(),
        allow_functions: BTreeSet::new(),
        allowed_hosts_http: HttpHosts::default(),
        allowed_origins: AllowedOrigins::default(),
        data_dir: PathBuf::new(),
        cache: CacheConfig {
            ttl: Duration::ZERO,
            stale: Duration::ZERO,
            capacity_bytes: 0,
            redis_timeout: Duration::ZERO,
        },
        limits: Limits { request_timeout: Duration::ZERO, body_bytes: 0, concurrency: 0 },
        shutdown: ShutdownConfig { delay: Duration::ZERO, grace: Duration::ZERO },
        log: LogConfig { format: LogFormat::Text, level: String::new() },
        targets: BTreeMap::new(),
        set: BTreeMap::new(),
    }
}

fn apply(
    config: &mut Config,
    setting: &ConfigSetting,
    text: &str,
    origin: &str,
) -> Result<(), Error> {
    (setting.apply)(config, text).map_err(|expected| Error::Value {
        key: setting.name.to_owned(),
        origin: origin.to_owned(),
        expected: expected.to_owned(),
    })?;
    let value = if setting.secret { "(secret)" } else { text };
    let shown = if origin == DEFAULT { value.to_owned() } else { format!("{value} ({origin})") };
    config.set.insert(setting.name, shown);
    Ok(())
}

fn find(name: &str) -> Result<&'static ConfigSetting, Error> {
    SETTINGS.iter().find(|setting| setting.name == name).ok_or_else(|| {
        let known = SETTINGS.iter().map(|setting| setting.name).chain(["targets"]);
        Error::UnknownKey(UnknownName::new("setting", name, known))
    })
}

fn apply_file(config: &mut Config, text: &str) -> Result<(), Error> {
    let table: toml::Table = text.parse().map_err(|error| malformed(text, &error))?;
    for (key, value) in table {
        if key == "targets" {
            config.targets = super::target::read(value)?;
            continue;
        }
        let setting = find(&key)?;
        let expected = "a string, a number or a list of strings";
        let Some(text) = scalar(&value) else {
            let (origin, expected) = (FILE.to_owned(), expected.to_owned());
            return Err(Error::Value { key, origin, expected });
        };
        apply(config, setting, &text, FILE)?;
    }
    Ok(())
}

const DEFAULT: &str = "the default";
const FILE: &str = "the configuration file";

pub(super) fn malformed(text: &str, error: &toml::de::Error) -> Error {
    let start = error.span().map_or(0, |span| span.start);
    let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
    Error::ParseFile { line, message: error.message().to_owned() }
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<_>> = items.iter().map(toml::Value::as_str).collect();
            items.map(|items| items.join(","))
        }
        _ => None,
    }
}

fn target_flag(text: &str) -> Result<(String, TargetConfig), Error> {
    let (name, dsn) = text.split_once('=').ok_or(Error::TargetFlag)?;
    if !is_target_name(name) || dsn.is_empty() {
        return Err(Error::TargetFlag);
    }
    Ok((name.to_owned(), TargetConfig::new(DsnSource::Inline(SecretString::from(dsn)))))
}

/// The directory with `${XDG_DATA_HOME:-~/.local/share}` and `~` written out.
fn expand(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<PathBuf, Error> {
    let absolute = |name| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Ok(rest) = path.strip_prefix("${XDG_DATA_HOME:-~/.local/share}") {
        let base = absolute("XDG_DATA_HOME").unwrap_or_else(|| "~/.local/share".into());
        return expand(&base.join(rest), env);
    }
    match path.strip_prefix("~") {
        Ok(rest) => Ok(absolute("HOME").ok_or(Error::NoHome)?.join(rest)),
        Err(_) => Ok(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn env(name: &str) -> Option<String> {
        (name == "HOME").then(|| "/home/ada".to_owned())
    }

    fn from_file(text: &str) -> Result<Config, Error> {
        resolve(Some(text), &env, &Flags::default())
    }

    #[test]
    fn without_any_source_the_defaults_hold() {
        let config = resolve(None, &env, &Flags::default()).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.data_dir, Path::new("/home/ada/.local/share/dbopt"));
        assert_eq!(config.cache.ttl, Duration::from_mins(5));
        assert_eq!(config.cache.stale, Duration::from_hours(1));
        assert_eq!(config.cache.capacity_bytes, 64 << 20);
        assert_eq!(config.cache.redis_timeout, Duration::from_millis(100));
        assert_eq!(config.limits.request_timeout, Duration::from_mins(1));
        assert_eq!(config.limits.body_bytes, 1 << 20);
        assert_eq!(config.limits.concurrency, 512);
        assert_eq!(config.log, LogConfig { format: LogFormat::Text, level: "info".to_owned() });
        assert!(config.store_url.is_none() && config.redis_url.is_none());
        assert!(config.secret_key.is_none() && config.targets.is_empty());
        assert_eq!(config.allowed_hosts, AllowedHosts::default());
    }

    #[test]
    fn a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default() {
        let file = "cache_ttl_seconds = 1\ncache_stale_seconds = 1\nbody_limit_bytes = 1";
        let env = |name: &str| match name {
            "DBOPT_CACHE_TTL_SECONDS" | "DBOPT_CACHE_STALE_SECONDS" => Some("2".to_owned()),
            "DBOPT_BODY_LIMIT_BYTES" => Some(String::new()),
            name => env(name),
        };
        let settings = vec![("cache_ttl_seconds", "3".to_owned())];
        let config = resolve(Some(file), &env, &Flags { settings, ..Flags::default() }).unwrap();
        assert_eq!(config.cache.ttl, Duration::from_secs(3));
        assert_eq!(config.cache.stale, Duration::from_secs(2));
        assert_eq!(config.limits.body_bytes, 1, "an empty variable counts as not set");
        assert_eq!(config.limits.concurrency, 512);
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = from_file("cache_ttl = 5").unwrap_err().to_string();
        assert_eq!(error, "unknown setting `cache_ttl`; did you mean `cache_ttl_seconds`?");
        let error = from_file("x = 5").unwrap_err().to_string();
        assert!(error.starts_with("unknown setting `x`; known are listen, "), "{error}");
        let error = from_file("[targets.a]\ndsn = 'hush'\ndns = 'hush'").unwrap_err().to_string();
        assert!(error.starts_with("target `a`: unknown key `dns`; known are dsn, "), "{error}");
    }

    #[test]
    fn every_setting_refuses_a_value_of_the_wrong_kind_and_names_itself() {
        let texts = ["store_url", "secret_key", "redis_url", "data_dir", "webhook_secret"];
        for setting in SETTINGS.iter().filter(|setting| !texts.contains(&setting.name)) {
            let name = setting.name;
            let env = |wanted: &str| (wanted == setting.env).then(|| "a b=,/..".to_owned());
            let error = resolve(None, &env, &Flags::default()).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{name}` (from DBOPT_")), "{error}");
            let error = from_file(&format!("{name} = 2020-01-01")).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("the configuration file"), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_not_toml_names_the_line_and_shows_none() {
        let error = from_file("listen = '127.0.0.1:1'\nsecret_key = 'hush\n").unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
        assert!(!error.to_string().contains("hush"), "{error}");
    }

    #[test]
    fn secrets_are_read_and_never_shown() {
        let file = "secret_key = 'hush'\nstore_url = 'hush'\nredis_url = 'hush'\n\
                    [targets]\na = 'hush'\nb = { dsn = 'hush', lab = 'hush', replicas = ['hush'] }";
        let config = from_file(file).unwrap();
        assert_eq!(config.secret_key.as_ref().map(ExposeSecret::expose_secret), Some("hush"));
        assert_eq!(config.targets.len(), 2);
        assert!(!format!("{config:?}").contains("hush"));
        assert_eq!(config.set["store_url"], "(secret) (the configuration file)");
        assert_eq!(config.set["listen"], "127.0.0.1:8080");
    }

    #[test]
    fn a_target_needs_exactly_one_dsn_and_a_name() {
        let config = from_file(
            "[targets.a]\ndsn_env = 'A_DSN'\nmodel_version = 'v7'\nlabels = { team = 'ml' }\n\
             policy = { toast_share_max = 0.2 }\n[targets.b]\ndsn_file = '/run/secrets/b'",
        )
        .unwrap();
        assert!(matches!(&config.targets["a"].dsn, DsnSource::Env(name) if name == "A_DSN"));
        assert!(matches!(&config.targets["b"].dsn, DsnSource::File(path) if path.is_absolute()));
        assert_eq!(config.targets["a"].policy.0["toast_share_max"].to_string(), "0.2");

        for (text, problem) in [
            ("[targets.a]\nlab = 'hush'", "exactly one of dsn, dsn_env and dsn_file"),
            (
                "[targets.a]\ndsn = 'hush'\ndsn_env = 'A'",
                "exactly one of dsn, dsn_env and dsn_file",
            ),
            ("[targets]\nA = 'hush'", "lower-case letters"),
            ("[targets]\n-a = 'hush'", "lower-case letters"),
            ("[targets]\na = 5", "must be a DSN or a table"),
            ("[targets.a]\ndsn = 'hush'\nlabels = 'hush'", "`labels` must be a table of texts"),
            ("[targets.a]\ndsn = 'hush'\npolicy = { x = 'hush' }", "`policy` must be"),
            ("targets = 'hush'", "a table of targets by name"),
        ] {
            let error = from_file(text).unwrap_err().to_string();
            assert!(error.contains(problem) && !error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn a_target_flag_is_a_name_and_a_dsn_that_may_hold_equals_signs() {
        let flags = |text: &str| Flags { targets: vec![text.to_owned()], ..Flags::default() };
        let config = resolve(None, &env, &flags("demo=host=h user=u")).unwrap();
        let DsnSource::Inline(dsn) = &config.targets["demo"].dsn else { panic!("inline") };
        assert_eq!(dsn.expose_secret(), "host=h user=u");
        for text in ["postgresql://u:hush@h/d", "demo", "demo=", "De mo=host=hush"] {
            let error = resolve(None, &env, &flags(text)).unwrap_err().to_string();
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn the_data_directory_follows_xdg_and_home() {
        let dir = |text: &str, env: &dyn Fn(&str) -> Option<String>| {
            let settings = vec![("data_dir", text.to_owned())];
            resolve(None, env, &Flags { settings, ..Flags::default() }).map(|c| c.data_dir)
        };
        let xdg = |name: &str| (name == "XDG_DATA_HOME").then(|| "/data".to_owned());
        let nobody = |_: &str| None;
        let default = "${XDG_DATA_HOME:-~/.local/share}/dbopt";
        assert_eq!(dir(default, &xdg).unwrap(), Path::new("/data/dbopt"));
        assert_eq!(dir("~/x", &env).unwrap(), Path::new("/home/ada/x"));
        assert_eq!(dir("/srv/x", &nobody).unwrap(), Path::new("/srv/x"));
        assert!(matches!(dir(default, &nobody), Err(Error::NoHome)));
    }
}
