//! What a server itself shows of its workload: keys from texts, calls from counts, nothing from counts alone.

mod texts;

use std::time::Duration;

use database_optimizer::analysis::{self, Request};
use database_optimizer::model::{Analysis, GapReason, ReportedFinding, Superpower};
use database_optimizer::pg::Target;
use rstest::rstest;
use secrecy::ExposeSecret as _;
use tokio_postgres::{Client, NoTls};

use crate::support::advice::finding;
use crate::support::proxy::Proxy;
use crate::support::{
    Own, TABLES_FROM_100_KB, TestDb, TestServer, analyse, own_server, request_of, server,
};

const HOT: &str = "hybrid-schema/hot-key-in-document";
const BOUND: &str = "hybrid-schema/bound-json-key";

/// Sessions that show their last statement.
const SESSIONS: usize = 20;

fn request(policy: &[(&str, f64)]) -> Request {
    let mut request = request_of(Superpower::HybridSchema, &[TABLES_FROM_100_KB, policy].concat());
    request.scope.checks = vec![HOT.to_owned(), BOUND.to_owned()];
    request
}

/// A database whose statements are counted, with documents that have the keys `segment`, `tenant` and `note`.
async fn features(server: &'static TestServer) -> TestDb {
    let features = "create table ml.features (id bigint primary key, data jsonb not null);
        insert into ml.features
        select i, jsonb_build_object('segment', i % 50, 'tenant', i % 7, 'note', repeat('x', 200))
        from generate_series(1, 5000) as i;
        analyze ml.features";
    TestDb::filled(server, features).await
}

async fn counted(member: &str) -> Option<TestDb> {
    let db = features(server(member)?).await;
    db.run("create schema \"St's\"; create extension pg_stat_statements schema \"St's\"").await;
    Some(db)
}

fn by(key: &str) -> String {
    format!("select id from ml.features where data ->> '{key}' = 'hush-hush' and id < 3")
}

async fn session(db: &TestDb) -> Client {
    let (client, connection) =
        tokio_postgres::connect(db.dsn().expose_secret(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Runs a statement so often, and leaves no trace of it but what is counted.
async fn count(db: &TestDb, sql: &str, times: usize) {
    for _ in 0..times {
        db.client.simple_query(sql).await.unwrap();
    }
    db.run("select 1").await;
}

/// Sessions that show this as the last statement they ran.
async fn shown(db: &TestDb, sql: &str, sessions: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..sessions {
        let client = session(db).await;
        client.simple_query(sql).await.unwrap();
        clients.push(client);
    }
    clients
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_texts_of_statements_come_with_the_three_round_trips_of_a_visit(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(db) = counted(member).await else { return };
    count(&db, &by("segment"), 300).await;
    let _sessions = shown(&db, &by("segment"), SESSIONS).await;
    let proxy = Proxy::start(db.server.port, Duration::from_millis(50)).await;
    let dsn = format!("postgresql://postgres@127.0.0.1:{}/{}?sslmode=disable", proxy.port, db.name);
    let target = Target::open("test", &dsn.into(), None).unwrap();
    target.session().await.unwrap().finish();
    let login = proxy.round_trips();

    let analysis = analysis::analyse(&target, &request(&[])).await.unwrap();

    assert!(finding(&analysis, HOT).is_some(), "{member}: {analysis:#?}");
    assert_eq!(analysis.cost.round_trips, 3, "{member}");
    assert!(proxy.round_trips() - login <= 3, "{} round trips", proxy.round_trips() - login);
}

/// Evidence as it is printed.
fn evidence(found: &ReportedFinding, name: &str) -> String {
    let named = found.evidence.iter().find(|evidence| evidence.name == name);
    let value = &named.unwrap_or_else(|| panic!("no {name}: {found:#?}")).value;
    serde_json::to_string(value).unwrap().trim_matches('"').to_owned()
}

/// Keys that are hot, with their shares.
fn hot(analysis: &Analysis) -> Vec<(String, String)> {
    let found = analysis.findings.iter().filter(|finding| finding.check == HOT);
    let key = |found: &ReportedFinding| {
        let object = serde_json::to_value(&found.object).unwrap();
        object["key"].as_str().unwrap().to_owned()
    };
    let mut hot: Vec<_> =
        found.map(|found| (key(found), evidence(found, "share_by_calls"))).collect();
    hot.sort();
    hot
}

fn gaps(analysis: &Analysis, reason: GapReason) -> Vec<&str> {
    let gaps = analysis.gaps.iter().filter(|gap| gap.observation == "workload");
    gaps.filter(|gap| gap.reason == reason).map(|gap| gap.detail.as_str()).collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_hot_key_is_found_with_nobody_telling_a_statement(
    #[values("pg15", "pg17", "deb18", "deb19")] member: &str,
) {
    let Some(db) = counted(member).await else { return };
    db.run("create view ml.segments as select data ->> 'segment' as segment from ml.features")
        .await;
    count(&db, &by("segment"), 300).await;
    count(&db, "select data -> 'note' from ml.features where id = 12", 30).await;
    let _sessions = shown(&db, &by("segment"), SESSIONS).await;

    let analysis = analyse(&db, &request(&[])).await;

    let found = finding(&analysis, HOT).unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    assert_eq!(hot(&analysis), [("segment".to_owned(), "0.9145".to_owned())], "{member}");
    assert_eq!(evidence(found, "calls"), "321");
    assert_eq!(evidence(found, "sources"), "activity, stat_statements, catalog");
    assert_eq!(evidence(found, "sample_size"), "20.1");
    assert_eq!(evidence(found, "definitions"), "1");
    assert!(finding(&analysis, BOUND).is_none(), "{member}: {analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn counts_alone_attribute_nothing_and_texts_tell_the_keys_of_one_statement_apart(
    #[values("pg15", "pg17", "deb19")] member: &str,
) {
    let Some(db) = counted(member).await else { return };
    count(&db, &by("segment"), 150).await;
    count(&db, &by("tenant"), 150).await;
    let statements = "select count(*)::text from \"St's\".pg_stat_statements as s
        where s.query ~ 'ml.features where' and s.dbid in (
            select d.oid from pg_database as d where d.datname = current_database())";
    assert_eq!(db.text(statements).await, "1", "both are one to the server");

    let blind = analyse(&db, &request(&[])).await;
    assert_eq!(blind.findings, [], "{member}");
    let gap = gaps(&blind, GapReason::NotEnoughEvidence);
    assert!(gap.iter().any(|gap| gap.contains("only 0 % are known")), "{member}: {gap:?}");

    let _of_segment = shown(&db, &by("segment"), SESSIONS / 2).await;
    let _of_tenant = shown(&db, &by("tenant"), SESSIONS / 2).await;
    let healthy = analyse(&db, &request(&[])).await;
    assert_eq!(healthy.findings, [], "{member}");
    assert_eq!(gaps(&healthy, GapReason::NotEnoughEvidence), [] as [&str; 0], "{member}");
    let shares = analyse(&db, &request(&[("hot_key_share", 0.4)])).await;
    let half = |key: &str| (key.to_owned(), "0.5".to_owned());
    assert_eq!(hot(&shares), [half("segment"), half("tenant")], "{member}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn each_definition_that_names_a_key_is_a_mention_of_it(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(db) = counted(member).await else { return };
    db.run(
        "alter table ml.features add copied text generated always as (data ->> 'segment') stored;
        create index on ml.features (id) where data ->> 'segment' = 'hush-hush';
        create statistics ml.of_segment on (data ->> 'segment') from ml.features;
        create view ml.seen as select data ->> 'segment' as segment from ml.features;
        create materialized view ml.kept as select data ->> 'segment' as segment from ml.features;
        create function ml.told() returns bigint language sql
        as 'select count(data ->> ''segment'') from ml.features'",
    )
    .await;
    count(&db, &by("segment"), 300).await;
    let _sessions = shown(&db, &by("segment"), SESSIONS).await;

    let analysis = analyse(&db, &request(&[])).await;

    let found = finding(&analysis, HOT).unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    assert_eq!(evidence(found, "definitions"), "6", "{member}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_few_calls_or_a_few_texts_of_many_are_too_little_evidence() {
    let Some(db) = counted("pg17").await else { return };
    count(&db, &by("segment"), 10).await;
    let _few = shown(&db, &by("segment"), 3).await;
    let analysis = analyse(&db, &request(&[])).await;
    assert_eq!(analysis.findings, []);
    let gap = gaps(&analysis, GapReason::NotEnoughEvidence);
    assert!(gap.iter().any(|gap| gap.starts_with("only 13 calls")), "{gap:?}");

    count(&db, &by("segment"), 500).await;
    let analysis = analyse(&db, &request(&[])).await;
    assert_eq!(analysis.findings, []);
    let gap = gaps(&analysis, GapReason::NotEnoughEvidence);
    assert!(gap.iter().any(|gap| gap.contains("texts worth only 3.0")), "{gap:?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_not_shown_what_others_run_is_told_the_grant(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(db) = counted(member).await else { return };
    let role = format!("blind_{}", db.name);
    db.run(&format!(
        "create role {role} login; grant usage on schema ml, \"St's\" to {role};
        grant select on ml.features to {role}"
    ))
    .await;
    count(&db, &by("segment"), 300).await;
    let _sessions = shown(&db, &by("segment"), SESSIONS).await;
    let target = Target::open("test", &db.dsn_as(&role), None).unwrap();

    let analysis = analysis::analyse(&target, &request(&[])).await.unwrap();

    assert_eq!(analysis.findings, [], "{member}");
    let lifts = analysis.gaps.iter().filter_map(|gap| gap.lift.as_deref());
    let lifts: Vec<&str> = lifts.collect();
    let grant = format!("GRANT pg_read_all_stats TO {role};");
    assert!(lifts.contains(&grant.as_str()), "{member}: {lifts:?}");

    db.run(&format!("grant pg_read_all_stats to {role}")).await;
    let analysis = analysis::analyse(&target, &request(&[])).await.unwrap();
    assert!(finding(&analysis, HOT).is_some(), "{member}: {analysis:#?}");
    drop(target);
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_use_the_schema_of_the_counts_is_told_the_grant() {
    let Some(db) = counted("pg16").await else { return };
    let role = format!("stranger_{}", db.name);
    db.run(&format!(
        "create role {role} login; grant pg_monitor to {role};
        grant usage on schema ml to {role}; grant select on ml.features to {role}"
    ))
    .await;
    count(&db, &by("segment"), 300).await;
    let target = Target::open("test", &db.dsn_as(&role), None).unwrap();

    let analysis = analysis::analyse(&target, &request(&[])).await.unwrap();

    assert_eq!(analysis.findings, []);
    let lifts: Vec<&str> = analysis.gaps.iter().filter_map(|gap| gap.lift.as_deref()).collect();
    let grant = format!("GRANT USAGE ON SCHEMA \"St's\" TO {role};");
    assert!(lifts.contains(&grant.as_str()), "{lifts:?}");
    drop(target);
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
}

#[rstest]
#[case::not_loaded("shared_preload_libraries=", "shared_preload_libraries")]
#[case::no_identifiers("compute_query_id=off", "compute_query_id = auto")]
#[case::no_activities("track_activities=off", "track_activities = on")]
#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_is_set_not_to_keep_is_a_gap_with_the_setting(
    #[case] setting: &str,
    #[case] problem: &str,
) {
    let own = Own { purpose: setting, settings: &[setting], ..Own::default() };
    let Some(server) = own_server("pg18", &own) else { return };
    let db = features(server).await;
    db.run("create extension pg_stat_statements").await;
    count(&db, &by("segment"), 300).await;

    let analysis = analyse(&db, &request(&[])).await;

    assert_eq!(analysis.findings, []);
    let lifts: Vec<&str> = analysis.gaps.iter().filter_map(|gap| gap.lift.as_deref()).collect();
    assert!(lifts.iter().any(|lift| lift.contains(problem)), "{lifts:?}");
}
