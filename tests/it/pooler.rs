//! A real PgBouncer: with the configuration that is advised, and in front of a target.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use database_optimizer::analysis;
use database_optimizer::model::Superpower;
use database_optimizer::model::pooler::PoolerVersion;
use database_optimizer::pg::Target;
use database_optimizer::pool::{Ini, PoolMode, pgbouncer_ini};
use rstest::rstest;
use tempfile::TempDir;

use crate::support::proxy::Proxy;
use crate::support::{TestDb, analyse, request_of, server, skipped};

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

/// A target behind a real PgBouncer is read like any other where transactions are kept together, and is distinguished at once
/// where they are not, or where there is no server behind it.
#[rstest]
#[case::sessions("session", true)]
#[case::transactions("transaction", true)]
#[case::statements("statement", true)]
#[case::no_server_behind_it("transaction", false)]
#[tokio::test(flavor = "multi_thread")]
async fn a_target_behind_a_real_pgbouncer_is_read_or_named(
    #[case] mode: &str,
    #[case] there: bool,
) {
    if Command::new("pgbouncer").arg("--version").output().is_err() {
        assert!(std::env::var_os("DBOPT_TEST_STRICT").is_none(), "no pgbouncer to test on");
        return skipped("no pgbouncer");
    }
    let Some(server) = server("pg18") else { return };
    let mut db = TestDb::create(server).await;
    db.run("create table public.t (id bigint, data json)").await;
    db.run("insert into public.t select i, '{}' from generate_series(1, 100) as i").await;
    db.settle().await;
    let proxy = Proxy::start(server.port, Duration::ZERO).await;
    let ini = format!(
        "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = 6432\n\
         auth_type = trust\nauth_file = /etc/pgbouncer/userlist.txt\nunix_socket_dir =\npool_mode = {mode}\n",
        proxy.port
    );
    let pooler = tokio::task::spawn_blocking(move || Pooler::start(&ini)).await.unwrap();
    assert!(pooler.log.contains("process up"), "{}", pooler.log);
    let dsn =
        format!("postgresql://postgres@127.0.0.1:{}/{}?sslmode=disable", pooler.port, db.name);
    let target = Target::open("test", &dsn.into(), None).unwrap();
    let request = request_of(Superpower::HybridSchema, &[]);
    if !there {
        // It has welcomed one before, and lets others in on the strength of that.
        analysis::analyse(&target, &request).await.unwrap();
        proxy.stall();
    }
    let begun = Instant::now();
    let analysed = analysis::analyse(&target, &request).await;
    match (mode, there) {
        (_, false) | ("statement", _) => {
            let error = analysed.unwrap_err().to_string();
            let named =
                if there { "is behind a pooler in statement mode" } else { "did not answer" };
            assert!(error.contains(named), "{error}");
        }
        _ => {
            let ids: Vec<_> = analysed.unwrap().findings.into_iter().map(|f| f.check).collect();
            let direct = analyse(&db, &request).await;
            assert_eq!(ids, direct.findings.into_iter().map(|f| f.check).collect::<Vec<_>>());
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
}

/// What a PgBouncer logs until it is up, or gives up.
fn started(ini: &str) -> String {
    std::mem::take(&mut Pooler::start(ini).log)
}

/// A PgBouncer, stopped when it is dropped.
struct Pooler {
    process: Child,
    _dir: TempDir,
    port: u16,
    log: String,
}

impl Pooler {
    /// Start one. Only its paths and port are of this test.
    fn start(ini: &str) -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let users = dir.path().join("userlist.txt");
        std::fs::write(&users, "\"pgbouncer\" \"secret\"\n\"postgres\" \"\"\n").unwrap();
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
        let command = command.arg("pgbouncer").arg(&file).stdout(Stdio::null());
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = String::new();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        for line in lines.by_ref() {
            log.push_str(&line.unwrap());
            log.push('\n');
            if log.contains("process up") {
                break;
            }
        }
        // What else it says is read, or it would wait for us.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, _dir: dir, port, log }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
