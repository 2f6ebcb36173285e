//! The configuration that is advised, given to a real PgBouncer.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use database_optimizer::model::pooler::PoolerVersion;
use database_optimizer::pool::{Ini, PoolMode, pgbouncer_ini};
use tempfile::TempDir;

use crate::support::skipped;

#[test]
fn pgbouncer_starts_with_the_configuration_that_is_advised() {
    let Ok(printed) = Command::new("pgbouncer").arg("--version").output() else {
        assert!(std::env::var_os("DBOPT_TEST_STRICT").is_none(), "no pgbouncer to test on");
        return skipped("no pgbouncer");
    };
    let version = PoolerVersion::parse(&String::from_utf8(printed.stdout).unwrap()).unwrap();
    for mode in [PoolMode::Transaction, PoolMode::Session] {
        let log = started(&ini(version, mode));
        assert!(log.contains("process up: PgBouncer"), "{log}");
        for word in ["ERROR", "FATAL", "WARNING"] {
            assert!(!log.contains(word), "{log}");
        }
    }
}

#[test]
fn a_release_that_does_not_know_a_parameter_is_not_given_it() {
    let Ok(printed) = Command::new("pgbouncer").arg("--version").output() else {
        assert!(std::env::var_os("DBOPT_TEST_STRICT").is_none(), "no pgbouncer to test on");
        return skipped("no pgbouncer");
    };
    let version = PoolerVersion::parse(&String::from_utf8(printed.stdout).unwrap()).unwrap();
    let newer = PoolerVersion(1, 21, 0);
    let log = started(&ini(newer, PoolMode::Transaction));
    assert_eq!(log.contains("process up"), version >= newer, "{log}");
}

fn ini(version: PoolerVersion, mode: PoolMode) -> String {
    pgbouncer_ini(Ini { version, mode, budget: 32, clients: 400, server: (None, None) })
}

/// What a PgBouncer logs until it is up, or gives up. Only its paths and port are of this test.
fn started(ini: &str) -> String {
    let dir = TempDir::new().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let users = dir.path().join("userlist.txt");
    std::fs::write(&users, "\"pgbouncer\" \"secret\"\n").unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ini = ini
        .replace("/etc/pgbouncer/userlist.txt", users.to_str().unwrap())
        .replace("listen_port = 6432", &format!("listen_port = {port}"));
    let file = dir.path().join("pgbouncer.ini");
    std::fs::write(&file, ini).unwrap();
    let user = Command::new("id").arg("-u").output().unwrap().stdout;
    let mut command = Command::new("setpriv");
    if user.starts_with(b"0") {
        // It refuses to run as root.
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    }
    let command = command.arg("pgbouncer").arg(&file).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut pooler = command.spawn().unwrap();
    let mut log = String::new();
    for line in BufReader::new(pooler.stderr.take().unwrap()).lines() {
        log.push_str(&line.unwrap());
        log.push('\n');
        if log.contains("process up") {
            break;
        }
    }
    pooler.kill().unwrap();
    pooler.wait().unwrap();
    log
}
