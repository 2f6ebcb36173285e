//! A database for each test, dropped when the test is over.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use tokio_postgres::{Client, NoTls};

use super::TestServer;

/// A database of its own on a real server.
pub struct TestDb {
    pub server: &'static TestServer,
    pub name: String,
    /// Superuser.
    pub client: Client,
}

impl TestDb {
    pub async fn create(server: &'static TestServer) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let postgres = connect(&server.dsn("postgres")).await;
        postgres.batch_execute(&format!("create database {name}")).await.unwrap();
        let client = connect(&server.dsn(&name)).await;
        Self { server, name, client }
    }

    /// A database with a schema `ml` after these statements, whose statistics have arrived.
    pub async fn filled(server: &'static TestServer, sql: &str) -> Self {
        let mut db = Self::create(server).await;
        db.run("create schema ml").await;
        for statement in sql.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
            db.run_next(statement).await;
        }
        db.settle().await;
        db
    }

    /// As superuser.
    pub fn dsn(&self) -> SecretString {
        self.server.dsn(&self.name).into()
    }

    /// As another role.
    pub fn dsn_as(&self, role: &str) -> SecretString {
        self.server.dsn(&self.name).replacen("postgres@", &format!("{role}@"), 1).into()
    }

    /// Run statements one by one, as a person would paste them: each in a transaction of its own.
    pub async fn run(&self, sql: &str) {
        let outcome = self.client.simple_query(sql).await;
        outcome.unwrap_or_else(|error| panic!("{}: {error:?}\n{sql}", self.server.name));
    }

    /// The same for one of a series. A vacuum corrects counters as they are then: what the statements before it
    /// have counted must have arrived, or it is added to what is already right.
    pub async fn run_next(&mut self, sql: &str) {
        if sql.starts_with("vacuum") || sql.contains("\nvacuum") {
            self.settle().await;
        }
        self.run(sql).await;
    }

    /// Another session of a superuser.
    pub async fn session(&self) -> Client {
        connect(&self.server.dsn(&self.name)).await
    }

    /// Start `create index concurrently` while someone writes to the table: until the session that is returned ends, the index
    /// is being built.
    pub async fn building(&self, write: &str, build: &str) -> Client {
        let writer = self.session().await;
        writer.batch_execute(&format!("begin; {write}")).await.unwrap();
        let (builder, build) = (self.session().await, build.to_owned());
        tokio::spawn(async move { builder.batch_execute(&build).await });
        let begun =
            "select count(*)::text from pg_stat_progress_create_index where index_relid <> 0";
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.text(begun).await == "0" {
            assert!(Instant::now() < deadline, "{}: no build begins", self.server.name);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        writer
    }

    /// Drop the database under everybody who uses it.
    pub async fn vanish(&self) {
        let postgres = connect(&self.server.dsn("postgres")).await;
        let sql = format!("drop database {} with (force)", self.name);
        postgres.batch_execute(&sql).await.unwrap();
    }

    pub async fn text(&self, sql: &str) -> String {
        self.client
            .query_one(sql, &[])
            .await
            .unwrap()
            .get::<_, Option<String>>(0)
            .unwrap_or_default()
    }

    /// Wait until the cumulative statistics have arrived. They are sent when a session ends; before 15 they
    /// travel on their own.
    pub async fn settle(&mut self) {
        let session = self.client.query_one("select pg_backend_pid()", &[]).await;
        self.client = connect(&self.server.dsn(&self.name)).await;
        let deadline = Instant::now() + Duration::from_secs(10);
        // It has sent them when it is no longer listed. That of a server that crashed is not there any more.
        while let Ok(session) = &session {
            let pid: i32 = session.get(0);
            let listed = "select (count(*) > 0)::text from pg_stat_activity where pid = ";
            if self.text(&format!("{listed}{pid}")).await == "false" {
                break;
            }
            assert!(Instant::now() < deadline, "{}: a session does not end", self.server.name);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut before = String::new();
        loop {
            let now = self.text(COUNTERS).await;
            if now == before || Instant::now() > deadline {
                return;
            }
            before = now;
            let pause = if self.server.major < 15 { 600 } else { 30 };
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }
}

const COUNTERS: &str =
    "select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del + n_live_tup + n_dead_tup
    + coalesce(idx_tup_fetch, 0) + seq_tup_read), 0)::text
from pg_stat_all_tables where schemaname not in ('pg_catalog', 'information_schema')";

impl Drop for TestDb {
    fn drop(&mut self) {
        let (dsn, name) = (self.server.dsn("postgres"), self.name.clone());
        // A thread of its own: this runs inside the test's runtime.
        let dropping = std::thread::spawn(move || {
            tokio::runtime::Runtime::new().unwrap().block_on(async {
                let postgres = connect(&dsn).await;
                let _ = postgres.batch_execute(&format!("drop database {name} with (force)")).await;
            });
        });
        let _ = dropping.join();
    }
}

async fn connect(dsn: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(dsn, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
