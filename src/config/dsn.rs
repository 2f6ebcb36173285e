//! A DSN with libpq's TLS parameters, which the driver does not know.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tokio_postgres::config::SslMode;

/// How a connection is encrypted and whom it trusts; the names are libpq's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsMode {
    /// Never encrypted.
    Disable,
    /// Encrypted where the server offers it.
    #[default]
    Prefer,
    /// Always encrypted; the certificate is not looked at unless a root is given.
    Require,
    /// Always encrypted, by a certificate of a trusted authority.
    VerifyCa,
    /// Always encrypted, by a trusted certificate of this very host.
    VerifyFull,
}

/// What a DSN says. Debug shows no password.
#[derive(Debug, Clone)]
pub struct Dsn {
    /// Hosts, user, database and the rest, as the driver reads them.
    pub driver: tokio_postgres::Config,
    /// `sslmode`; `allow` is read as `prefer`.
    pub tls: TlsMode,
    /// `sslrootcert`: a PEM file of authorities to trust; absent or `system` trusts the system's.
    pub root_cert: Option<PathBuf>,
}

/// A DSN that cannot be parsed. Says nothing of what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the DSN is neither a postgresql:// URL nor key=value pairs that PostgreSQL knows")]
pub struct MalformedDsn;

impl Dsn {
    /// Read a URL or key=value pairs.
    pub fn parse(text: &str) -> Result<Self, MalformedDsn> {
        let Split { rest, taken } = match query_start(text) {
            Some(start) => split_url(text, start)?,
            None => split_pairs(text)?,
        };
        let mut driver: tokio_postgres::Config = rest.parse().map_err(|_| MalformedDsn)?;
        let mut tls = None;
        let mut root_cert = None;
        for (name, value) in taken {
            match name {
                "sslmode" => tls = Some(tls_mode(&value)?),
                _ => root_cert = (value != "system").then(|| PathBuf::from(value)),
            }
        }
        let tls = tls.unwrap_or_default();
        driver.ssl_mode(match tls {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        });
        Ok(Self { driver, tls, root_cert })
    }
}

/// A DSN without the parameters the driver does not know, and these.
#[derive(Default)]
struct Split {
    rest: String,
    taken: Vec<(&'static str, String)>,
}

fn ours(name: &str) -> Option<&'static str> {
    ["sslmode", "sslrootcert"].into_iter().find(|ours| *ours == name)
}

fn tls_mode(value: &str) -> Result<TlsMode, MalformedDsn> {
    Ok(match value {
        "disable" => TlsMode::Disable,
        "allow" | "prefer" => TlsMode::Prefer,
        "require" => TlsMode::Require,
        "verify-ca" => TlsMode::VerifyCa,
        "verify-full" => TlsMode::VerifyFull,
        _ => return Err(MalformedDsn),
    })
}

/// Where a URL's parameters begin (its length if there are none), found exactly as the driver finds
/// them: everything up to the first `@` is credentials. `None` if it is not a URL.
fn query_start(text: &str) -> Option<usize> {
    let prefix =
        ["postgres://", "postgresql://"].into_iter().find(|prefix| text.starts_with(prefix))?;
    let host = text[prefix.len()..].find('@').map_or(prefix.len(), |at| prefix.len() + at + 1);
    Some(text[host..].find('?').map_or(text.len(), |mark| host + mark + 1))
}

fn split_url(text: &str, start: usize) -> Result<Split, MalformedDsn> {
    let (head, query) = text.split_at(start);
    let mut split = Split { rest: head.to_owned(), ..Split::default() };
    let mut kept = Vec::new();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = percent_decode_str(name).decode_utf8().map_err(|_| MalformedDsn)?;
        let Some(name) = ours(&name) else {
            kept.push(pair);
            continue;
        };
        let value = percent_decode_str(value).decode_utf8().map_err(|_| MalformedDsn)?;
        split.taken.push((name, value.into_owned()));
    }
    split.rest.push_str(&kept.join("&"));
    Ok(split)
}

fn split_pairs(text: &str) -> Result<Split, MalformedDsn> {
    let mut split = Split::default();
    let mut left = text.trim_start();
    while !left.is_empty() {
        let (name, after) = left.split_once('=').ok_or(MalformedDsn)?;
        let after = after.trim_start();
        let (value, length) = pair_value(after)?;
        match ours(name.trim_end()) {
            Some(name) => split.taken.push((name, value)),
            None => {
                split.rest.push_str(&left[..left.len() - after.len() + length]);
                split.rest.push(' ');
            }
        }
        left = after[length..].trim_start();
    }
    Ok(split)
}

/// The value `text` starts with, unquoted, and its length as written.
fn pair_value(text: &str) -> Result<(String, usize), MalformedDsn> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut chars = text.char_indices().skip(usize::from(quoted));
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, at + 1)),
            c if !quoted && c.is_whitespace() => return Ok((value, at)),
            c => value.push(c),
        }
    }
    if quoted { Err(MalformedDsn) } else { Ok((value, text.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Dsn {
        Dsn::parse(text).unwrap()
    }

    #[test]
    fn every_tls_mode_of_libpq_is_read_in_both_forms() {
        for (name, mode, driver) in [
            ("disable", TlsMode::Disable, SslMode::Disable),
            ("allow", TlsMode::Prefer, SslMode::Prefer),
            ("prefer", TlsMode::Prefer, SslMode::Prefer),
            ("require", TlsMode::Require, SslMode::Require),
            ("verify-ca", TlsMode::VerifyCa, SslMode::Require),
            ("verify-full", TlsMode::VerifyFull, SslMode::Require),
        ] {
            for dsn in [
                parse(&format!("postgresql://u:p@h/d?sslmode={name}&application_name=a")),
                parse(&format!("host=h user=u sslmode = '{name}' application_name=a")),
            ] {
                assert_eq!((dsn.tls, dsn.driver.get_ssl_mode()), (mode, driver));
                assert_eq!(dsn.driver.get_application_name(), Some("a"));
            }
        }
        assert_eq!(parse("host=h").tls, TlsMode::Prefer);
    }

    #[test]
    fn a_root_certificate_is_a_file_or_the_systems() {
        let file = parse("postgresql://h/d?sslrootcert=%2Fetc%2Froot%20ca.pem&sslmode=verify-full");
        assert_eq!(file.root_cert, Some(PathBuf::from("/etc/root ca.pem")));
        let quoted = parse(r"host=h sslrootcert='/etc/root\'s ca.pem' user=u");
        assert_eq!(quoted.root_cert, Some(PathBuf::from("/etc/root's ca.pem")));
        assert_eq!(quoted.driver.get_user(), Some("u"));
        assert_eq!(parse("host=h sslrootcert=system").root_cert, None);
    }

    #[test]
    fn a_parameter_inside_a_value_is_not_a_parameter() {
        let dsn = parse("host=h password='x sslmode=disable' user=u");
        assert_eq!(dsn.tls, TlsMode::Prefer);
        assert_eq!(dsn.driver.get_password(), Some(b"x sslmode=disable".as_slice()));
        let dsn = parse("postgresql://u:a?sslmode=disable@h/d");
        assert_eq!(dsn.tls, TlsMode::Prefer);
        assert_eq!(dsn.driver.get_password(), Some(b"a?sslmode=disable".as_slice()));
    }

    #[test]
    fn what_is_malformed_is_refused_without_being_repeated() {
        for text in [
            "secret",
            "host",
            "host=h password='secret",
            "postgresql://h/d?sslmode=secret",
            "postgresql://h/d?secret=1",
            "postgresql://h/d?secret",
            "mysql://u:secret@h/d",
            "host=h sslmode=secret",
            "postgresql://h:secret/d",
        ] {
            let error = Dsn::parse(text).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
