//! A real PgBouncer in front: of the application, and of dbopt.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use database_optimizer::analysis::analyse as analyse_target;
use database_optimizer::model::{Analysis, Confidence, Superpower};
use database_optimizer::pg::Target;
use rstest::rstest;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use crate::support::advice::finding;
use crate::support::{TestDb, request_of, server, skipped, workload};

/// A running PgBouncer.
struct PgBouncer {
    process: Child,
    port: u16,
    _dir: TempDir,
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl PgBouncer {
    /// In front of a server, in that mode; none where there is no PgBouncer, which is said.
    fn start(server_port: u16, mode: &str) -> Option<Self> {
        if Command::new("pgbouncer").arg("--version").output().is_err() {
            assert!(std::env::var_os("DBOPT_TEST_STRICT").is_none(), "no pgbouncer to test on");
            skipped("no pgbouncer");
            return None;
        }
        let dir = TempDir::new().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let users = dir.path().join("userlist.txt");
        fs::write(&users, "\"postgres\" \"\"\n").unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let ini = format!(
            "[databases]\n* = host=127.0.0.1 port={server_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = {mode}\n\
             application_name_add_host = 1\nignore_startup_parameters = extra_float_digits\n",
            users.display()
        );
        let file = dir.path().join("pgbouncer.ini");
        fs::write(&file, ini).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if Command::new("id").arg("-u").output().unwrap().stdout.starts_with(b"0\n") {
            // It refuses to run as root.
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        }
        let command = command.arg("pgbouncer").arg(&file).stdout(Stdio::null());
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let up = lines.any(|line| line.unwrap().contains("process up"));
        assert!(up, "pgbouncer does not start");
        // It stops where no one reads what it says.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { process, port, _dir: dir })
    }

    fn dsn(&self, db: &TestDb) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{}?sslmode=disable", self.port, db.name)
    }

    async fn client(&self, db: &TestDb) -> Client {
        let mut config: tokio_postgres::Config = self.dsn(db).parse().unwrap();
        let (client, connection) = config.application_name("web").connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

const STATEMENTS: &str =
    "sql,calls,mean_ms\nLISTEN jobs,10,1\nSET statement_timeout = '5s',900,0.1\n";

async fn judged(db: &TestDb, dsn: String) -> Analysis {
    let mut request = request_of(Superpower::Concurrency, &[]);
    request.workload = Some(workload(db, STATEMENTS).await);
    let target = Target::open("test", &dsn.into(), None).unwrap();
    analyse_target(&target, &request).await.unwrap()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_pgbouncer_in_front_is_recognised_and_its_mode_told_by_what_it_leaves(
    #[values("deb15", "deb19")] member: &str,
    #[values("transaction", "session")] mode: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    let Some(pooler) = PgBouncer::start(server.port, mode) else { return };
    let client = pooler.client(&db).await;
    client.batch_execute("select 1").await.unwrap();
    // One that leaves: in session mode its connection is cleared for the next.
    let leaving = pooler.client(&db).await;
    leaving.batch_execute("select 1").await.unwrap();
    drop(leaving);
    if mode == "session" {
        let cleared = format!(
            "select count(*)::text from pg_stat_activity
            where datname = '{}' and state = 'idle' and query ilike 'discard all%'",
            db.name
        );
        while db.text(&cleared).await == "0" {
            tokio::task::yield_now().await;
        }
    }
    let analysis = judged(&db, server.dsn(&db.name)).await;
    let check = "concurrency/session-state-behind-pooler";
    let found = finding(&analysis, check);
    if mode == "transaction" {
        let found = found.unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
        assert_eq!(found.confidence, Confidence::Medium);
        assert!(found.message.contains("SET (statement_timeout), LISTEN"), "{}", found.message);
    } else {
        assert!(found.is_none(), "{member}: {analysis:#?}");
        let declined = analysis.declined.iter().find(|one| one.check == check).unwrap();
        assert!(declined.reason.ends_with("session mode"), "{declined:?}");
    }
    drop(client);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn dbopt_behind_a_pgbouncer_judges_and_is_no_client_itself(
    #[values("transaction", "session")] mode: &str,
) {
    let Some(server) = server("deb18") else { return };
    let db = TestDb::create(server).await;
    let Some(pooler) = PgBouncer::start(server.port, mode) else { return };
    for _ in 0..3 {
        let analysis = judged(&db, pooler.dsn(&db)).await;
        assert!(analysis.findings.is_empty(), "{mode}: {analysis:#?}");
        let reason = database_optimizer::model::GapReason::NotVisibleInSql;
        let odd = analysis.gaps.iter().find(|gap| gap.reason == reason && gap.lift.is_none());
        assert!(odd.is_none(), "{odd:?}");
    }
}
