//! Sessions on a target: what is left in them, how they end, and what a hostile or absent server costs.

mod wire;

use std::time::{Duration, Instant};

use database_optimizer::pg::{Error, Question, Session, Target};
use rstest::rstest;
use tokio::time::timeout;

use crate::support::proxy::Proxy;
use crate::support::{Own, TestDb, own_server, server, until};

fn question(sql: &str) -> Question {
    Question::new("test", sql.to_owned())
}

async fn answer(session: &mut Session, sql: &str) -> Result<String, Error> {
    let mut text = String::new();
    session
        .query(&[question(sql)], |_, row| row.text().map(|row| row.clone_into(&mut text)))
        .await?;
    Ok(text)
}

fn open(dsn: String) -> Target {
    Target::open("test", &dsn.into(), None).unwrap()
}

fn open_at(port: u16, database: &str) -> Target {
    open(format!("postgresql://postgres@127.0.0.1:{port}/{database}?sslmode=disable"))
}

/// Look until it is so.
async fn until_it_says(db: &TestDb, sql: &str, wanted: &str) {
    until(sql, async || db.text(sql).await == wanted).await;
}

// ---- what is left -------------------------------------------------------------------------------------------------

const ADVISORY_LOCKS: &str = "select count(*)::text from pg_locks as l
    join pg_database as d on d.oid = l.database and d.datname = current_database()
    where l.locktype = 'advisory'";

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn advisory_locks_that_a_function_took_end_with_the_visit(
    #[values("pg14", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    let target = open_at(server.port, &db.name);
    let lock = "select coalesce(pg_catalog.pg_advisory_lock(4711)::text, '')";

    let mut session = target.session().await.unwrap();
    session.query(&[question(lock)], |_, _| Ok(())).await.unwrap();
    assert_eq!(db.text(ADVISORY_LOCKS).await, "1");
    session.query_finally(&[question(lock)], |_, _| Ok(())).await.unwrap();
    assert_eq!(db.text(ADVISORY_LOCKS).await, "0", "ended with the last question");
    session.finish();

    let mut session = target.session().await.unwrap();
    session.query(&[question(lock)], |_, _| Ok(())).await.unwrap();
    session.finish();
    until_it_says(&db, ADVISORY_LOCKS, "0").await;
    // It is idle once what ended its locks was answered.
    until("the connection is kept", async || target.connections().1 == 1).await;
}

const OURS: &str = "select count(*)::text from pg_stat_activity
    where datname = current_database() and application_name = 'dbopt'";
const OURS_ACTIVE: &str = "select count(*)::text from pg_stat_activity
    where datname = current_database() and application_name = 'dbopt' and state = 'active'";

#[rstest]
#[case::that_only_catches("")]
#[case::that_switches_the_look_after_connections_off(
    "perform pg_catalog.set_config('client_connection_check_interval', '0', false);"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_catches_cancellation_is_ended_and_counts_until_then(
    #[case] first: &str,
    #[values("pg14", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    db.run(&format!(
        "create function stubborn() returns text language plpgsql as $$ begin
            {first}
            loop
                begin perform pg_catalog.pg_sleep(600); exception when query_canceled then null; end;
            end loop;
        end $$"
    ))
    .await;
    let role = format!("own_{}", db.name);
    db.run(&format!("create role {role} login")).await;
    let target = Target::open("test", &db.dsn_as(&role), None).unwrap();
    for _ in 0..2 {
        let mut session = target.session().await.unwrap();
        let stubborn =
            timeout(Duration::from_millis(300), answer(&mut session, "select public.stubborn()"));
        assert!(stubborn.await.is_err());
        drop(session);
    }
    assert_eq!(target.connections(), (2, 0), "both are in use for as long as they run");
    let deadline = Instant::now() + Duration::from_secs(20);
    while db.text(OURS_ACTIVE).await != "0" || target.connections().0 > 0 {
        // The two, and one that ends them.
        let ours: u32 = db.text(OURS).await.parse().unwrap();
        assert!(ours <= 3, "{ours} connections");
        assert!(Instant::now() < deadline, "{} active", db.text(OURS_ACTIVE).await);
        tokio::task::yield_now().await;
    }
    let mut session = target.session().await.unwrap();
    assert_eq!(answer(&mut session, "select 'well'").await.unwrap(), "well");
    drop((session, target));
    until_it_says(&db, OURS, "0").await;
    db.run(&format!("drop role {role}")).await;
}

// ---- what changed -------------------------------------------------------------------------------------------------

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_was_promoted_is_no_standby_at_the_next_visit(
    #[values("deb15", "deb18")] member: &str,
) {
    let Some(primary) = own_server(member, &Own { purpose: "to-be-followed", ..Own::default() })
    else {
        return;
    };
    let own = Own {
        purpose: "to-be-promoted",
        primary: Some(primary),
        settings: &["hot_standby=on"],
        ..Own::default()
    };
    let standby = own_server(member, &own).unwrap();
    let target = open(standby.dsn("postgres"));
    let pid = "select pg_catalog.pg_backend_pid()::text";

    let mut session = target.session().await.unwrap();
    let before = answer(&mut session, pid).await.unwrap();
    assert!(session.facts().in_recovery);
    session.finish();
    let (client, connection) =
        tokio_postgres::connect(&standby.dsn("postgres"), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.execute("select pg_promote()", &[]).await.unwrap();

    let mut session = target.session().await.unwrap();
    assert_eq!(answer(&mut session, pid).await.unwrap(), before, "the same connection");
    assert!(!session.facts().in_recovery);
}

// ---- connections that died ----------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_that_died_silently_is_replaced_within_seconds() {
    let Some(server) = server("deb18") else { return };
    let db = TestDb::create(server).await;
    let proxy = Proxy::start(server.port, Duration::ZERO).await;
    let target = open_at(proxy.port, &db.name);
    for _ in 0..2 {
        let mut session = target.session().await.unwrap();
        answer(&mut session, "select 'well'").await.unwrap();
        session.query_finally(&[question("select 'well'")], |_, _| Ok(())).await.unwrap();
        session.finish();
        proxy.silence();
        let begun = Instant::now();
        let mut session = target.session().await.unwrap();
        let mut rows = Vec::new();
        let asked = [question("select 'one'"), question("select 'two'")];
        session
            .query_finally(&asked, |_, row| row.text().map(|row| rows.push(row.to_owned())))
            .await
            .unwrap();
        assert_eq!(rows, ["one", "two"], "each row once");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        session.finish();
        proxy.silence();
        let trial = target.trial().await.unwrap();
        assert_eq!(trial.rows("select 'tried'").await.unwrap(), ["tried"]);
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        trial.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_that_the_server_ended_cost_no_caller_an_error() {
    let Some(server) = server("pg14") else { return };
    let db = TestDb::create(server).await;
    let target = open_at(server.port, &db.name);
    let (mut one, mut two) = (target.session().await.unwrap(), target.session().await.unwrap());
    for session in [&mut one, &mut two] {
        session.query_finally(&[question("select 'well'")], |_, _| Ok(())).await.unwrap();
    }
    one.finish();
    two.finish();
    db.run(
        "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'dbopt'",
    )
    .await;
    for _ in 0..2 {
        let mut session = target.session().await.unwrap();
        assert_eq!(answer(&mut session, "select 'well'").await.unwrap(), "well");
    }
}

// ---- servers that are none ----------------------------------------------------------------------------------------
