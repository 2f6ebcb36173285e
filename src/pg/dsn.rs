//! A DSN as libpq writes it, with the TLS modes by libpq's names.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// How far TLS goes, by libpq's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsMode {
    /// Never (`disable`).
    Disable,
    /// If the server offers it, unverified (`allow`, `prefer`).
    Prefer,
    /// Always, unverified unless root certificates are given (`require`).
    Require,
    /// Always, and a trusted authority signed the certificate (`verify-ca`).
    VerifyCa,
    /// Always, and the certificate names the host (`verify-full`).
    VerifyFull,
}

/// A parsed DSN. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Dsn {
    /// What the driver connects with. Its own `ssl_mode` is set from ours.
    pub(super) config: Config,
    pub(super) tls: TlsMode,
    /// Root certificates to trust instead of the system's.
    pub(super) root_certificates: Option<PathBuf>,
}

impl std::fmt::Debug for Dsn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dsn(…)")
    }
}

impl Dsn {
    /// Parse a URL (`postgresql://…`) or a keyword string (`host=… dbname=…`).
    ///
    /// # Errors
    /// What to write instead, without a word of what was written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let dsn = Self::read(text)?;
        let (hosts, ports) = (dsn.config.get_hosts(), dsn.config.get_ports());
        if hosts.is_empty() {
            return Err("it names no host".to_owned());
        }
        if ports.len() > 1 && ports.len() != hosts.len() {
            return Err("it names several ports, and not one for each host".to_owned());
        }
        // What a password left of itself that holds one.
        if hosts.iter().any(|host| matches!(host, Host::Tcp(name) if name.contains('@'))) {
            return Err(FORM.to_owned());
        }
        Ok(dsn)
    }

    /// The same of a DSN that may leave out the host.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let text = trimmed(text);
        if has_other_scheme(text) {
            return Err(FORM.to_owned());
        }
        let mut tls = TlsMode::Prefer;
        let mut root_certificates = None;
        let mut take = |key: &str, value: &str| -> Result<bool, String> {
            match key {
                "sslmode" => tls = tls_mode(value)?,
                "sslrootcert" if value == "system" => {}
                "sslrootcert" => root_certificates = Some(PathBuf::from(value)),
                _ => return Ok(false),
            }
            Ok(true)
        };
        let rest = if is_url(text) {
            without_url(text, &mut take)?
        } else {
            without_keyword(text, &mut take)?
        };
        let mut config: Config = rest.parse().map_err(|error| problem(&error))?;
        config.ssl_mode(match tls {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        });
        Ok(Self { config, tls, root_certificates })
    }

    /// What the driver connects with: hosts, ports and the like.
    pub fn config(&self) -> &Config {
        &self.config
    }
}

/// The DSN without the blanks around it that files and variables leave. Of a keyword string the last may be part of its
/// value, by a backslash before it.
pub(super) fn trimmed(text: &str) -> &str {
    let text = text.trim_start();
    if is_url(text) { text.trim_end() } else { text }
}

/// Whether it is a URL as other drivers take it: `postgresql+asyncpg://…`, `jdbc:postgresql://…`.
fn has_other_scheme(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-.:".contains(c);
    !is_url(text) && text.split_once("://").is_some_and(|(scheme, _)| scheme.chars().all(plain))
}

pub(super) fn is_url(text: &str) -> bool {
    text.starts_with("postgresql://") || text.starts_with("postgres://")
}

fn tls_mode(name: &str) -> Result<TlsMode, String> {
    Ok(match name {
        "disable" => TlsMode::Disable,
        "allow" | "prefer" => TlsMode::Prefer,
        "require" => TlsMode::Require,
        "verify-ca" => TlsMode::VerifyCa,
        "verify-full" => TlsMode::VerifyFull,
        _ => {
            return Err(
                "`sslmode` is one of disable, allow, prefer, require, verify-ca, verify-full"
                    .to_owned(),
            );
        }
    })
}

/// How to write it.
const FORM: &str =
    "write it as postgresql://USER@HOST:PORT/DATABASE, with special characters percent-encoded";

/// What libpq takes and the driver does not. Others can be anything of a DSN that is written wrongly, its password
/// included, and are not repeated.
const NOT_TAKEN: [&str; 24] = [
    "client_encoding",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "keepalives_count",
    "krbsrvname",
    "passfile",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "service",
    "servicefile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslpassword",
    "sslsni",
];

/// The driver names the keyword it stumbles over, which may be none; anything else is kept to ourselves.
fn problem(error: &tokio_postgres::Error) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    if cause.starts_with("invalid value for option") {
        return cause;
    }
    let Some(option) = cause.strip_prefix("unknown option") else { return FORM.to_owned() };
    match NOT_TAKEN.iter().find(|known| option.trim() == format!("`{known}`")) {
        Some(known) => format!("the option `{known}` is not taken here; leave it out"),
        None => "unknown option; known are host, hostaddr, port, user, password, dbname, options, sslmode, \
                 sslrootcert, connect_timeout and target_session_attrs"
            .to_owned(),
    }
}

/// The DSN without its keyword `service`, and the service that it names. Only the command line looks a service up.
pub(super) fn without_service(text: &str) -> Result<(String, Option<String>), String> {
    let mut service = None;
    let mut take = |key: &str, value: &str| {
        let is_service = key == "service";
        if is_service {
            service = Some(value.to_owned());
        }
        Ok(is_service)
    };
    let rest = if is_url(text) {
        without_url(text, &mut take)?
    } else {
        without_keyword(text, &mut take)?
    };
    Ok((rest, service))
}

type ParameterFilter<'a> = dyn FnMut(&str, &str) -> Result<bool, String> + 'a;

/// The URL without the parameters that `take` took.
fn without_url(text: &str, take: &mut ParameterFilter<'_>) -> Result<String, String> {
    let Some((head, query)) = text.split_once('?') else { return Ok(text.to_owned()) };
    let mut kept = Vec::new();
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !take(key, &percent_decoded(value))? {
            kept.push(pair);
        }
    }
    Ok(if kept.is_empty() { head.to_owned() } else { format!("{head}?{}", kept.join("&")) })
}

fn percent_decoded(value: &str) -> String {
    percent_decode_str(value).decode_utf8_lossy().into_owned()
}

/// The keyword string without the keywords that `take` took. Quoted values are passed through as they are.
fn without_keyword(text: &str, take: &mut ParameterFilter<'_>) -> Result<String, String> {
    let mut kept = String::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let length = setting_length(rest);
        let setting = &rest[..length];
        let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
        let bare = value.trim().trim_matches('\'');
        if !take(key.trim(), bare)? {
            kept.push_str(setting);
            kept.push(' ');
        }
        rest = rest[length..].trim_start();
    }
    Ok(kept)
}

/// Bytes of the first `key = value` of a keyword string, its quotes and escapes included.
fn setting_length(text: &str) -> usize {
    let Some(equals) = text.find('=') else { return text.len() };
    let value = text[equals + 1..].trim_start();
    let start = text.len() - value.len();
    let mut quoted = false;
    let mut escaped = false;
    for (position, c) in value.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => return start + position,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_modes_are_taken_by_libpqs_names_from_both_forms() {
        for dsn in [
            "postgresql://u:p@h:1/d?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&connect_timeout=3",
            "host=h port=1 sslmode=verify-full dbname='a b' sslrootcert='/etc/ca.pem' password = 'x\\' y'",
        ] {
            let parsed = Dsn::parse(dsn).unwrap();
            assert_eq!(parsed.tls, TlsMode::VerifyFull, "{dsn}");
            assert_eq!(parsed.root_certificates, Some(PathBuf::from("/etc/ca.pem")), "{dsn}");
            assert_eq!(parsed.config.get_ssl_mode(), SslMode::Require, "{dsn}");
        }
    }

    #[test]
    fn blanks_around_a_url_change_nothing_of_it() {
        for dsn in [
            " postgresql://u:p@h/d?sslmode=require&connect_timeout=3",
            "\n\tpostgresql://u:p@h/d?sslmode=require \n",
            " host=h dbname=d sslmode=require\n",
        ] {
            let parsed = Dsn::parse(dsn).unwrap();
            assert_eq!(parsed.tls, TlsMode::Require, "{dsn:?}");
            assert_eq!(parsed.config.get_ssl_mode(), SslMode::Require, "{dsn:?}");
        }
        let parsed = Dsn::parse("postgresql://u:p@h/d\n").unwrap();
        assert_eq!(parsed.config.get_dbname(), Some("d"));
    }

    #[test]
    fn a_keyword_string_keeps_quotes_and_escapes() {
        let parsed = Dsn::parse(r"host=h password = 'x\' y' sslmode=disable dbname='a b'").unwrap();
        assert_eq!(parsed.config.get_password(), Some(&b"x' y"[..]));
        assert_eq!(parsed.config.get_dbname(), Some("a b"));
        assert_eq!(parsed.tls, TlsMode::Disable);
    }

    #[test]
    fn a_malformed_dsn_is_told_the_mend_and_nothing_of_itself() {
        for (dsn, problem) in [
            ("postgresql://u:sekret@h/d?sslmode=on", "`sslmode` is one of"),
            ("postgresql://u:sekret@h/d?nonsense=sekret", "unknown option; known are host"),
            ("postgresql://u:sekret@h/d?sslkey=sekret", "the option `sslkey` is not taken"),
            ("postgresql+asyncpg://u:sekret@h/d?ssl=require", "postgresql://USER@HOST"),
            ("jdbc:postgresql://h/d?user=u&password=sekret", "postgresql://USER@HOST"),
            ("sekret=", "postgresql://USER@HOST"),
            ("sekret=sekret", "unknown option"),
            ("sekret", "postgresql://USER@HOST"),
            ("postgresql://u:p@sekret@h/d", "percent-encoded"),
            ("host=a,b,c port=1,2 password=sekret", "not one for each host"),
            ("dbname=d password=sekret", "it names no host"),
            ("postgresql://u:sekret@h:port/d", "invalid value for option `port`"),
        ] {
            let error = Dsn::parse(dsn).unwrap_err();
            assert!(error.contains(problem), "{dsn}: {error}");
            assert!(!error.contains("sekret"), "{error}");
        }
    }
}
