//! Whether a pipeline has to load a staging table again, on servers that really crash.

use std::process::Command;
use std::time::{Duration, Instant};

use database_optimizer::analysis;
use database_optimizer::model::{QualifiedName, Rebuild, StagingReport};
use database_optimizer::pg::Target;
use jiff::Timestamp;
use rstest::rstest;

use crate::support::{Own, TestDb, own_server};

async fn asked(db: &TestDb, table: &str, since: Timestamp) -> StagingReport {
    let target = Target::open("test", &db.dsn(), None).unwrap();
    let table = QualifiedName { schema: "Staging area".to_owned(), name: table.to_owned() };
    analysis::staging(&target, &table, Some(since)).await.unwrap()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_unlogged_table_has_to_be_loaded_again_after_a_crash_and_a_logged_one_has_not(
    #[values("pg14", "deb15", "deb17", "deb19")] member: &str,
) {
    let own = Own { purpose: "crash", ..Own::default() };
    let Some(server) = own_server(member, &own) else { return };
    let mut db = TestDb::create(server).await;
    db.run("create schema \"Staging area\"").await;
    db.run("create unlogged table \"Staging area\".\"un logged\" as select generate_series(1, 1000) as id").await;
    db.run("create table \"Staging area\".logged as select generate_series(1, 1000) as id").await;
    let loaded: Timestamp = Timestamp::now();
    for table in ["un logged", "logged"] {
        assert_eq!(asked(&db, table, loaded).await.rebuild, Rebuild::No, "{member}: {table}");
    }
    assert_eq!(asked(&db, "never made", loaded).await.rebuild, Rebuild::Yes);

    let pid = db.text("select pg_backend_pid()::text").await;
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    // It stops taking connections, and takes them again when it has recovered.
    let deadline = Instant::now() + Duration::from_secs(30);
    let dsn = server.dsn(&db.name);
    loop {
        let came = tokio_postgres::connect(&dsn, tokio_postgres::NoTls).await;
        let recovered = match came {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                let sql = "select count(*) = 0 from \"Staging area\".\"un logged\"";
                client.query_one(sql, &[]).await.is_ok_and(|row| row.get::<_, bool>(0))
            }
            Err(_) => false,
        };
        if recovered {
            break;
        }
        assert!(Instant::now() < deadline, "{member} does not recover");
        tokio::task::yield_now().await;
    }
    db.settle().await;
    let unlogged = asked(&db, "un logged", loaded).await;
    assert_eq!(unlogged.rebuild, Rebuild::Yes, "{member}: {unlogged:?}");
    assert_eq!(asked(&db, "logged", loaded).await.rebuild, Rebuild::No);
    // Loaded again, and emptied on purpose.
    db.run("insert into \"Staging area\".\"un logged\" values (1)").await;
    assert_eq!(asked(&db, "un logged", loaded).await.rebuild, Rebuild::No);
    db.run("truncate \"Staging area\".\"un logged\"").await;
    let now = Timestamp::now();
    assert_eq!(asked(&db, "un logged", now).await.rebuild, Rebuild::No);
}
