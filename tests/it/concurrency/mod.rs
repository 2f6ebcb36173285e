//! Concurrency Architect on real servers: every source on every major version, sessions that harm others, poolers in front,
//! and what must not leave.

mod plan;
mod pooled;

use database_optimizer::analysis::{self, analyse as analyse_target};
use database_optimizer::model::observation::Concurrency;
use database_optimizer::model::{Analysis, GapReason, Severity, Superpower};
use database_optimizer::pg::Target;
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::{Client, NoTls};

use crate::support::advice::finding;
use crate::support::{Own, TestDb, analyse, own_server, request_of, server};

/// A session of the superuser, under that name.
async fn session(db: &TestDb, application: &str) -> Client {
    let mut config: tokio_postgres::Config = db.server.dsn(&db.name).parse().unwrap();
    let (client, connection) = config.application_name(application).connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// What a visit sees.
async fn seen(db: &TestDb) -> Concurrency {
    let target = Target::open("test", &db.dsn(), None).unwrap();
    let run = analysis::run(&target, &request_of(Superpower::Concurrency, &[])).await.unwrap();
    *run.snapshot.concurrency
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn every_source_answers_and_a_healthy_server_is_silent(
    #[values("pg14", "pg15", "pg16", "pg17", "pg18", "deb15", "deb17", "deb18", "deb19")]
    member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    let web = session(&db, "web - 10.1.2.3:5555").await;
    web.batch_execute("begin; create table public.t (id bigint)").await.unwrap();
    db.settle().await;
    let seen = seen(&db).await;

    let sessions = seen.sessions.get().unwrap();
    let [one] = sessions
        .iter()
        .filter(|one| one.is_current && one.blocks == 0 && one.transaction_age_s.is_some())
        .collect::<Vec<_>>()[..]
    else {
        panic!("{member}: {sessions:#?}");
    };
    assert_eq!((one.role.as_deref(), one.application.as_deref()), (Some("postgres"), Some("web")));
    assert_eq!(one.state.as_deref(), Some("idle in transaction"));
    assert!(one.xmin_age.is_some() && one.state_age_s.is_some() && one.client.is_some());
    let groups = seen.groups.get().unwrap();
    let here = |whole| {
        let of = groups.iter().filter(|one| one.is_current == Some(true));
        of.filter(move |one| one.whole_role == whole).collect::<Vec<_>>()
    };
    // The test's own session and `web`, from one address; ours are left out.
    let [all] = here(true)[..] else { panic!("{member}: {groups:#?}") };
    assert_eq!((all.sessions, all.clients, all.idle_in_transaction), (2, 1, 1));
    assert!(here(false).iter().any(|one| one.application.as_deref() == Some("web")));
    let limits = seen.limits.get().unwrap();
    assert_eq!((limits.max_connections, limits.superuser_reserved), (100, 3));
    assert_eq!((limits.sessions_in_database, limits.hidden, limits.prepared), (2, 0, 0));
    assert_eq!((limits.reserved, limits.database_limit), (0, None));
    assert!(seen.counters.get().unwrap().transactions > 0);
    assert_eq!(seen.pooler_signs.get().unwrap()[0].sign, "address_in_name");

    web.batch_execute("rollback").await.unwrap();
    drop(web);
    let analysis = analyse(&db, &request_of(Superpower::Concurrency, &[])).await;
    let loud: Vec<_> = analysis.findings.iter().filter(|f| f.severity > Severity::Low).collect();
    assert!(loud.is_empty(), "{member}: {loud:#?}");
    let expected =
        [GapReason::NotVisibleInSql, GapReason::NotEnoughHistory, GapReason::MissingExtension];
    let unexpected: Vec<_> =
        analysis.gaps.iter().filter(|gap| !expected.contains(&gap.reason)).collect();
    assert!(unexpected.is_empty(), "{member}: {unexpected:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_an_idle_session_is_said(#[values("pg14", "deb19")] member: &str) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    db.run("create table public.t (id bigint); insert into public.t values (1)").await;
    let (holder, waiter) = (session(&db, "web").await, session(&db, "jobs").await);
    let reader = session(&db, "reports").await;
    holder.batch_execute("begin; update public.t set id = 2").await.unwrap();
    let waiting = tokio::spawn(async move {
        let _ = waiter.batch_execute("alter table public.t add payload text").await;
    });
    let blocked = format!(
        "select count(*)::text from pg_stat_activity where datname = '{}' and wait_event_type = 'Lock'",
        db.name
    );
    while db.text(&blocked).await != "1" {
        tokio::task::yield_now().await;
    }
    // It could read beside the holder, but waits behind the one that waits.
    let behind = tokio::spawn(async move {
        let _ = reader.batch_execute("select from public.t").await;
    });
    while db.text(&blocked).await != "2" {
        tokio::task::yield_now().await;
    }
    let request = request_of(Superpower::Concurrency, &[("idle_s_max", 0.0)]);
    let analysis = analyse(&db, &request).await;
    let found = finding(&analysis, "concurrency/idle-in-transaction");
    let found = found.unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    assert_eq!(found.severity, Severity::High);
    assert!(found.message.contains("`web` as `postgres`"), "{}", found.message);
    assert!(found.message.contains("2 sessions wait for it"), "{}", found.message);
    holder.batch_execute("commit").await.unwrap();
    waiting.await.unwrap();
    behind.await.unwrap();
    let analysis = analyse(&db, &request).await;
    assert!(finding(&analysis, "concurrency/idle-in-transaction").is_none(), "{analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_only_connect_is_told_what_it_is_not_shown(
    #[values("pg14", "deb15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    let role = format!("connects_{}", db.name);
    db.run(&format!("create role {role} login")).await;
    let _other = session(&db, "web").await;
    let target = Target::open("test", &db.dsn_as(&role), None).unwrap();
    let request = request_of(Superpower::Concurrency, &[]);
    let analysis = analyse_target(&target, &request).await.unwrap();
    drop(target);
    db.run(&format!("drop role {role}")).await;
    let gap = |analysis: &Analysis| {
        let missing = |gap: &&database_optimizer::model::Gap| {
            gap.reason == GapReason::MissingPrivilege && gap.observation == "sessions"
        };
        analysis.gaps.iter().find(missing).cloned()
    };
    let gap = gap(&analysis).unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    assert_eq!(gap.lift, Some(format!("GRANT pg_monitor TO {role};")));
    assert!(analysis.findings.is_empty(), "{member}: {:#?}", analysis.findings);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_judged_and_no_role_is_changed_there(
    #[values("deb15", "deb19")] member: &str,
) {
    let settings = ["wal_level=replica", "hot_standby=on", "max_wal_senders=3"];
    let own = Own { purpose: "conc-primary", settings: &settings, ..Own::default() };
    let Some(primary) = own_server(member, &own) else { return };
    let db = TestDb::create(primary).await;
    let own = Own { purpose: "conc-standby", primary: Some(primary), ..Own::default() };
    let Some(standby) = own_server(member, &own) else { return };
    let dsn = standby.dsn("postgres");
    let (holder, connection) = tokio_postgres::connect(&dsn, NoTls).await.unwrap();
    tokio::spawn(connection);
    holder.batch_execute("begin isolation level repeatable read; select 1").await.unwrap();
    let target = Target::open("test", &dsn.into(), None).unwrap();
    let request = request_of(Superpower::Concurrency, &[("idle_s_max", 0.0)]);
    let analysis = analyse_target(&target, &request).await.unwrap();
    let found = finding(&analysis, "concurrency/idle-in-transaction");
    let found = found.unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    assert!(found.recommendations.is_empty(), "{found:#?}");
    assert!(analysis.declined.iter().any(|one| one.reason.contains("standby")));
    drop((holder, db));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_address_and_no_statement_of_a_session_is_in_the_snapshot() {
    let Some(server) = server("deb18") else { return };
    let db = TestDb::create(server).await;
    let web = session(&db, "web - 10.1.2.3:5555").await;
    web.batch_execute("begin; select 'sesame'").await.unwrap();
    let text = serde_json::to_string(&seen(&db).await).unwrap();
    assert!(text.contains("\"web\""), "{text}");
    for secret in ["127.0.0.1", "10.1.2.3", "5555", "sesame", "select"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    // The hash is the same within one answer, and another in the next.
    let hash = |seen: &Concurrency| {
        let sessions = seen.sessions.get().unwrap();
        let of_web = sessions.iter().filter(|one| one.is_current);
        let mut hashes: Vec<_> = of_web.filter_map(|one| one.client.clone()).collect();
        hashes.dedup();
        hashes
    };
    let (once, twice) = (hash(&seen(&db).await), hash(&seen(&db).await));
    assert_eq!((once.len(), twice.len()), (1, 1));
    assert_ne!(once, twice);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_transaction_that_nobody_ends_is_found(
    #[values("deb15", "deb19")] member: &str,
) {
    let settings = ["max_prepared_transactions=2"];
    let own = Own { purpose: "conc-prepared", settings: &settings, ..Own::default() };
    let Some(server) = own_server(member, &own) else { return };
    let db = TestDb::create(server).await;
    db.run("create table public.t (id bigint)").await;
    db.client
        .batch_execute("begin; insert into public.t values (1); prepare transaction 'left'")
        .await
        .unwrap();
    let request = request_of(Superpower::Concurrency, &[("idle_s_max", 0.0)]);
    let analysis = analyse(&db, &request).await;
    let found = finding(&analysis, "concurrency/idle-in-transaction");
    let found = found.unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    assert!(found.message.contains("1 prepared transactions"), "{}", found.message);
    db.client.batch_execute("rollback prepared 'left'").await.unwrap();
    let analysis = analyse(&db, &request).await;
    assert!(finding(&analysis, "concurrency/idle-in-transaction").is_none(), "{analysis:#?}");
}

/// From 18 on it is in `pg_stat_activity` before it has a role and a database.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_has_not_answered_for_its_password_hides_no_other() {
    let hba = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
    let own = Own { purpose: "starting", hba: Some(hba), ..Own::default() };
    let Some(server) = own_server("deb18", &own) else { return };
    let db = TestDb::create(server).await;
    let parameters = b"user\0ada\0database\0postgres\0\0";
    let length = u32::try_from(8 + parameters.len()).unwrap();
    let mut startup = length.to_be_bytes().to_vec();
    startup.extend(196_608_u32.to_be_bytes());
    startup.extend(parameters);
    let mut starting = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    starting.write_all(&startup).await.unwrap();
    let mut answer = [0];
    starting.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, *b"R", "it asks for a password");

    let seen = seen(&db).await;
    let sessions = seen.sessions.get().unwrap();
    assert!(sessions.iter().any(|one| one.database.is_none() && !one.is_current), "{sessions:#?}");
    assert!(seen.groups.get().is_ok(), "{:#?}", seen.groups);
}
