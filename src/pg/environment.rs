//! What libpq takes from its environment where a DSN leaves it out: for the command line.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use super::dsn::{is_url, trimmed, without_service};
use super::{Dsn, service_file};

/// What to do where nothing names a database.
pub const NO_DATABASE: &str = "no database given: use --dsn, DBOPT_DSN or the PG* variables";

/// Where servers of a distribution, and of a build by hand, put their sockets.
const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

type Env<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The DSN with what it leaves out taken from its service, from the PG* variables and from the password file, as psql does.
///
/// # Errors
/// What to write instead, where nothing names a database or the DSN is malformed.
pub fn completed(dsn: Option<&str>, env: &Env<'_>) -> Result<SecretString, String> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let names = ["PGHOST", "PGDATABASE", "PGUSER", "PGSERVICE"];
    if dsn.is_none() && names.iter().all(|name| set(name).is_none()) {
        return Err(NO_DATABASE.to_owned());
    }
    let malformed = |problem: String| format!("the DSN is malformed: {problem}");
    let (dsn, service) = without_service(trimmed(dsn.unwrap_or_default())).map_err(malformed)?;
    let read = |text: &str| Dsn::read(text).map_err(malformed);
    let mut service = match service.or_else(|| set("PGSERVICE")) {
        Some(name) => service_file::settings(&name, &set)?,
        None => BTreeMap::new(),
    };
    let config = read(&dsn)?.config;
    // What is given later wins, and what was given comes last.
    let mut added: Vec<(&str, String)> = Vec::new();
    for (key, name, is_missing) in [
        ("sslmode", "PGSSLMODE", true),
        ("sslrootcert", "PGSSLROOTCERT", true),
        ("host", "PGHOST", config.get_hosts().is_empty()),
        ("port", "PGPORT", config.get_ports().is_empty()),
        ("user", "PGUSER", config.get_user().is_none()),
        ("dbname", "PGDATABASE", config.get_dbname().is_none()),
        ("password", "PGPASSWORD", config.get_password().is_none()),
    ] {
        let mut value = service.remove(key).or_else(|| set(name));
        if key == "host" && !service.contains_key("hostaddr") {
            value = value.or_else(|| Some(local()));
        }
        added.extend(value.filter(|_| is_missing).map(|value| (key, value)));
    }
    added.extend(service.iter().map(|(key, value)| (key.as_str(), value.clone())));
    let text = with(&dsn, &added);
    let config = read(&text)?.config;
    let password = match config.get_password() {
        Some(_) => None,
        None => password_file(&set).and_then(|file| password(&file, &config)),
    };
    let password: Vec<_> = password.into_iter().map(|password| ("password", password)).collect();
    Ok(with(&text, &password).into())
}

/// The DSN of another database on the same server.
pub fn with_database(dsn: &str, name: &str) -> String {
    if is_url(dsn) {
        // In both forms, what comes last wins.
        let joint = if dsn.contains('?') { '&' } else { '?' };
        return format!("{dsn}{joint}dbname={}", utf8_percent_encode(name, NON_ALPHANUMERIC));
    }
    format!("{dsn} {}", with("", &[("dbname", name.to_owned())]))
}

/// The server of this machine: through its socket if it has one.
fn local() -> String {
    let has_socket = |directory: &&str| {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.into_iter().any(|e| e.file_name().to_string_lossy().starts_with(".s.PGSQL."))
    };
    SOCKET_DIRECTORIES.into_iter().find(has_socket).unwrap_or("localhost").to_owned()
}

/// The DSN with more settings in front of its own.
fn with(dsn: &str, added: &[(&str, String)]) -> String {
    if added.is_empty() {
        return dsn.to_owned();
    }
    if is_url(dsn) {
        let (head, query) = dsn.split_once('?').unwrap_or((dsn, ""));
        let encoded = |(key, value): &(&str, String)| {
            format!("{key}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
        };
        let query = added.iter().map(encoded).chain((!query.is_empty()).then(|| query.to_owned()));
        return format!("{head}?{}", query.collect::<Vec<_>>().join("&"));
    }
    let quoted = |(key, value): &(&str, String)| {
        format!("{key}='{}' ", value.replace('\\', r"\\").replace('\'', r"\'"))
    };
    added.iter().map(quoted).collect::<String>() + dsn
}

/// `PGPASSFILE`, or `~/.pgpass`. Like libpq, we pass over one that others can read.
fn password_file(set: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let home = || Some(Path::new(&set("HOME")?).join(".pgpass"));
    let path = set("PGPASSFILE").map(PathBuf::from).or_else(home)?;
    let metadata = fs::metadata(&path).ok()?;
    let for_others = metadata.permissions().mode() & 0o077;
    let private = metadata.is_file() && for_others == 0;
    if private { fs::read_to_string(path).ok() } else { None }
}

/// The password of the first line that is for this login: `host:port:database:user:password`.
fn password(file: &str, config: &Config) -> Option<String> {
    let host = match config.get_hosts().first()? {
        Host::Tcp(host) => host.clone(),
        Host::Unix(path) if SOCKET_DIRECTORIES.iter().any(|d| path == Path::new(d)) => {
            "localhost".to_owned()
        }
        Host::Unix(path) => path.display().to_string(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let user = config.get_user().unwrap_or_default();
    let wanted = [&host, &port, config.get_dbname().unwrap_or(user), user];
    let lines = file.lines().filter(|line| !line.starts_with('#')).map(fields);
    let mut fitting = lines.filter(|fields| {
        let named = |(field, wanted): (&String, &&str)| field == "*" || field == wanted;
        fields.len() >= 5 && fields.iter().zip(&wanted).all(named)
    });
    fitting.next().map(|mut fields| fields.swap_remove(4))
}

/// Fields between colons; a backslash takes the meaning of what follows.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        let field = fields.len() - 1;
        match c {
            ':' => fields.push(String::new()),
            '\\' => fields[field].extend(characters.next()),
            c => fields[field].push(c),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn config(dsn: Option<&str>, env: &[(&str, &str)]) -> Config {
        let set = |name: &str| {
            env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Dsn::parse(completed(dsn, &set).unwrap().expose_secret()).unwrap().config
    }

    const ENV: &[(&str, &str)] = &[
        ("PGHOST", "env.example.com"),
        ("PGPORT", "6000"),
        ("PGUSER", "ada"),
        ("PGDATABASE", "ware house"),
        ("PGPASSWORD", r"p'a\s s&%"),
    ];

    #[test]
    fn the_environment_completes_a_dsn_of_either_form_and_overrides_nothing() {
        for dsn in
            [None, Some(""), Some("postgresql://"), Some("postgresql://ada@"), Some("user=ada")]
        {
            let config = config(dsn, ENV);
            assert_eq!(config.get_hosts(), [Host::Tcp("env.example.com".into())], "{dsn:?}");
            assert_eq!(config.get_ports(), [6000], "{dsn:?}");
            assert_eq!((config.get_user(), config.get_dbname()), (Some("ada"), Some("ware house")));
            assert_eq!(config.get_password(), Some(&br"p'a\s s&%"[..]), "{dsn:?}");
        }
        for dsn in
            ["postgresql://u:p@h:1/d?sslmode=disable", "host=h port=1 user=u dbname=d password=p"]
        {
            let config = config(Some(dsn), ENV);
            assert_eq!(config.get_hosts(), [Host::Tcp("h".into())]);
            assert_eq!((config.get_ports(), config.get_password()), (&[1][..], Some(&b"p"[..])));
            assert_eq!((config.get_user(), config.get_dbname()), (Some("u"), Some("d")));
        }
    }

    #[test]
    fn without_any_name_of_a_database_the_mend_is_named() {
        let error = completed(None, &|_| None).unwrap_err();
        assert!(error.contains("--dsn") && error.contains("PG* variables"), "{error}");
        let error = completed(Some("postgresql://u:hush@h?x=1"), &|_| None).unwrap_err();
        assert!(error.contains("unknown option") && !error.contains("hush"), "{error}");
    }

    #[test]
    fn a_service_comes_before_the_variables_and_after_the_dsn() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("services");
        fs::write(&file, "[w]\nhost=w.example.com\ndbname=w\nsslmode=require\nconnect_timeout=7\n")
            .unwrap();
        let file = file.to_str().unwrap();
        let env = [("PGSERVICE", "w"), ("PGSERVICEFILE", file), ("PGHOST", "h"), ("PGUSER", "ada")];
        for dsn in [None, Some("user=ada"), Some("postgresql://ada@")] {
            let config = config(dsn, &env);
            assert_eq!(config.get_hosts(), [Host::Tcp("w.example.com".into())], "{dsn:?}");
            assert_eq!((config.get_user(), config.get_dbname()), (Some("ada"), Some("w")));
            assert_eq!(config.get_ssl_mode(), tokio_postgres::config::SslMode::Require);
            assert_eq!(config.get_connect_timeout().map(std::time::Duration::as_secs), Some(7));
        }
        let named = [("PGSERVICEFILE", file), ("PGUSER", "ada")];
        for dsn in ["service=w dbname=other", "postgresql:///other?service=w&connect_timeout=7"] {
            let config = config(Some(dsn), &named);
            assert_eq!(config.get_hosts(), [Host::Tcp("w.example.com".into())], "{dsn}");
            assert_eq!(config.get_dbname(), Some("other"), "{dsn}");
        }
        let set = |name: &str| (name == "PGSERVICEFILE").then(|| file.to_owned());
        let error = completed(Some("service=x"), &set).unwrap_err();
        assert!(error.contains("no service file defines"), "{error}");
    }

    #[test]
    fn another_database_of_the_same_server_is_named_in_either_form() {
        for dsn in
            ["postgresql://u@h/d", "postgresql://u@h/d?sslmode=disable", "host=h user=u dbname=d"]
        {
            let parsed = Dsn::parse(&with_database(dsn, "o'ther")).unwrap();
            assert_eq!(parsed.config.get_dbname(), Some("o'ther"), "{dsn}");
            assert_eq!(parsed.config.get_user(), Some("u"), "{dsn}");
        }
    }

    #[test]
    fn the_first_line_of_the_password_file_that_fits_is_taken() {
        let config: Config = "host=h port=5433 user=ada dbname=d".parse().unwrap();
        let file = "# h:5433:d:ada:no\nh:5432:d:ada:no\nh:5433:d:bob:no\nshort:line\n\
                    h:*:d:ada:p\\:w\\\\\n*:*:*:*:later\n";
        assert_eq!(password(file, &config).as_deref(), Some(r"p:w\"));
        assert_eq!(password("h:5433:e:ada:no", &config), None);
    }

    #[test]
    fn a_password_file_that_others_can_read_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pass");
        fs::write(&path, "*:*:*:*:secret").unwrap();
        let env = [("PGPASSFILE", path.to_str().unwrap())];
        for (mode, password) in [(0o600, Some(&b"secret"[..])), (0o640, None)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(config(Some("host=h user=u"), &env).get_password(), password);
        }
    }
}
