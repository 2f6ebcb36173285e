//! What the documents of a column hold, as a sample shows it of real servers.

use database_optimizer::analysis::{self, Error, SampledColumn};
use database_optimizer::model::{DocumentKey, DocumentReport, GapReason};
use database_optimizer::pg::Target;
use rstest::rstest;

use crate::support::{TestDb, server};

fn subject(table: &str, column: Option<&str>) -> SampledColumn {
    SampledColumn {
        schema: Some("ml".to_owned()),
        table: table.to_owned(),
        column: column.map(str::to_owned),
    }
}

async fn made(member: &str, sql: &str) -> Option<TestDb> {
    let db = TestDb::create(server(member)?).await;
    for statement in sql.split(";\n") {
        db.run(statement).await;
    }
    Some(db)
}

async fn report(db: &TestDb, subject: &SampledColumn) -> DocumentReport {
    let target = Target::open("test", &db.dsn(), None).unwrap();
    analysis::documents(&target, subject).await.unwrap()
}

fn key<'a>(report: &'a DocumentReport, path: &str) -> &'a DocumentKey {
    let found = report.keys.iter().find(|key| key.path == path);
    found.unwrap_or_else(|| panic!("no {path}: {:#?}", report.keys))
}

const SMALL: &str = r#"create schema ml;
create table ml.features (id int, data jsonb, other jsonb);
insert into ml.features
select i, case i % 4
    when 0 then jsonb_build_object('user', jsonb_build_object('name', 'hush-' || i), 'tags', jsonb_build_array(1, 2, i))
    when 1 then jsonb_build_object('user', null, 'odd "key', i * 1.5)
    when 2 then '"just text"'
end
from generate_series(1, 1000) as i;
analyze ml.features"#;

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_small_table_is_read_whole_and_every_key_counted(
    #[values("deb15", "pg16", "pg17", "deb18", "deb19")] member: &str,
) {
    let Some(db) = made(member, SMALL).await else { return };
    let report = report(&db, &subject("features", Some("data"))).await;
    assert!(report.sample.complete && report.gaps.is_empty(), "{report:#?}");
    assert_eq!((report.sample.rows, report.sample.null_rows), (1000, 250));
    assert_eq!((report.documents.depth_max, report.cost.round_trips), (2, 2));
    assert_eq!((report.documents.tops["object"], report.documents.tops["string"]), (500, 250));
    let mean: f64 = db
        .text("select avg(pg_column_size(data::text::jsonb))::float8::text from ml.features")
        .await
        .parse()
        .unwrap();
    assert!((report.documents.uncompressed_bytes_mean - mean).abs() < 0.001, "{mean}");

    let user = key(&report, "user");
    assert_eq!((user.types["object"], user.types["null"]), (250, 250));
    assert_eq!((user.instances.low, user.instances.high), (500.0, 500.0));
    assert!((user.presence_ratio - 500.0 / 750.0).abs() < 1e-3);
    let name = key(&report, "user.name");
    assert_eq!((name.depth, name.key_bytes), (2, 4));
    assert!((240..=260).contains(&name.distinct), "{}", name.distinct);
    let tags = key(&report, "tags");
    assert_eq!((tags.elements_mean, tags.elements_max), (Some(3.0), Some(3)));
    assert_eq!(key(&report, "tags[]").types["number"], 750);
    assert_eq!(key(&report, r#""odd \"key""#).types["number"], 250);
    let answer = serde_json::to_string(&report).unwrap();
    assert!(!answer.contains("hush") && !answer.contains("just text"), "no value leaves");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_large_table_is_sampled_within_its_budget_and_the_truth_lies_in_the_interval(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = "create schema ml;
create table ml.features (id int, data jsonb) with (autovacuum_enabled = false);
insert into ml.features
select i, jsonb_build_object('k', i, 'pad', repeat(md5(i::text), 10))
    || case when hashint4(i) % 3 = 0 then '{\"rare\": true}' else '{}' end::jsonb
from generate_series(1, 60000) as i";
    let Some(mut db) = made(member, sql).await else { return };
    db.settle().await;
    db.run("analyze ml.features").await;
    let truth: f64 = db
        .text("select count(*)::text from ml.features where data ? 'rare'")
        .await
        .parse()
        .unwrap();
    let report = report(&db, &subject("features", None)).await;
    let sample = &report.sample;
    assert!(!sample.complete && (7000..=10_500).contains(&sample.rows), "{sample:?}");
    let rare = key(&report, "rare").instances;
    assert!(rare.low < rare.estimate && rare.estimate < rare.high, "{rare:?}");
    assert!(rare.low <= truth && truth <= rare.high, "{truth} is not in {rare:?}");
    let always = key(&report, "k").instances;
    assert_eq!((always.low, always.high), (sample.of_rows, sample.of_rows));
    assert!(report.cost.bytes_read < 8 << 20, "{:?}", report.cost);
}

/// A table of many pages, of which a sample needs few: 64 MB in the heap, and 80 MB out of line.
const WIDE: &str = "create schema ml;
create table ml.features (id int, data jsonb) with (autovacuum_enabled = false, fillfactor = 10);
alter table ml.features alter data set storage external;
insert into ml.features
select i, case when i % 4 = 0
    then jsonb_build_object('k', i, 'wide', (select string_agg(md5(g::text), '') from generate_series(1, 500) as g))
    else jsonb_build_object('k', i, 'narrow', repeat(md5(i::text), 8)) end
from generate_series(1, 20000) as i";

/// Bytes of the table that were asked for, as the server counted them: pages of the heap, and chunks out of line, each
/// counted as a page although four of them share one.
const BYTES_READ: &str = "select ((heap_blks_read + heap_blks_hit) * 8192 + (toast_blks_read + toast_blks_hit) * 2048)::text
from pg_catalog.pg_statio_all_tables where relid = 'ml.features'::pg_catalog.regclass";

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_server_counts_no_more_bytes_read_than_the_budget_allows(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(mut db) = made(member, WIDE).await else { return };
    // Counted by the session that loaded it: its counters, which come later, count each row once more.
    db.run("analyze ml.features").await;
    // What a role may not switch off is counted, so this one's samples are.
    let role = format!("reader_{}", db.name);
    db.run(&format!("create role {role} login; grant usage on schema ml to {role}; grant select on ml.features to {role}")).await;
    db.settle().await;
    let before: u64 = db.text(BYTES_READ).await.parse().unwrap();
    let target = Target::open("test", &db.dsn_as(&role), None).unwrap();
    let report = analysis::documents(&target, &subject("features", None)).await.unwrap();
    drop(target);
    db.settle().await;
    let read = db.text(BYTES_READ).await.parse::<u64>().unwrap() - before;
    let all = db.text("select pg_catalog.pg_table_size('ml.features')::text").await;
    let all: u64 = all.parse().unwrap();
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
    assert!(report.sample.rows > 500 && !report.sample.complete, "{:?}", report.sample);
    assert!((report.sample.of_rows / 20_000.0 - 1.0).abs() < 0.05, "{:?}", report.sample);
    assert!(report.cost.round_trips <= 3, "{:?}", report.cost);
    // 16 MiB as stored.
    assert!(read > 8 << 20 && read <= 17 << 20, "{read} of {all} bytes");
    assert!(all > 100 << 20, "{all}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_last_is_in_a_sample_too(#[values("pg15", "deb19")] member: &str) {
    let sql = "create schema ml;
create table ml.features (id int, data jsonb) with (autovacuum_enabled = false);
insert into ml.features
select i, jsonb_build_object('k', i, 'pad', repeat(md5(i::text), 10))
    || case when i > 57000 then '{\"since_today\": true}' else '{}' end::jsonb
from generate_series(1, 60000) as i;
analyze ml.features";
    let Some(db) = made(member, sql).await else { return };
    let today = key(&report(&db, &subject("features", None)).await, "since_today").instances;
    assert!(today.low <= 3000.0 && 3000.0 <= today.high, "{today:?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_sampled_in_proportion_and_domains_and_odd_names_are_no_obstacle(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = r#"create schema ml;
create domain ml.document as jsonb;
create table ml."Clicks, all" (at int, "Da""ta" ml.document) partition by range (at);
create table ml."c 1" partition of ml."Clicks, all" for values from (0) to (30000);
create table ml."c 2" partition of ml."Clicks, all" for values from (30000) to (40000);
create table ml."c 3" partition of ml."Clicks, all" for values from (40000) to (50000);
insert into ml."Clicks, all"
select i, jsonb_build_object(case when i < 30000 then 'a' else 'b' end, i) from generate_series(0, 39999) as i"#;
    let Some(mut db) = made(member, sql).await else { return };
    // What was inserted is counted before it is analyzed, or it is counted twice.
    db.settle().await;
    db.run(r#"analyze ml."c 1""#).await;
    db.run(r#"analyze ml."c 2""#).await;
    let report = report(&db, &subject("Clicks, all", None)).await;
    assert!((report.sample.of_rows - 40_000.0).abs() < 1.0, "{:?}", report.sample);
    let share = key(&report, "a").presence_ratio;
    assert!((share - 0.75).abs() < 0.05, "{share}");
    assert!(report.gaps.is_empty(), "{:?}", report.gaps);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_named_with_what_is() {
    let Some(db) = made("pg17", SMALL).await else { return };
    db.run("create schema two; create table two.features (id int); create table ml.plain (id int)")
        .await;
    let target = Target::open("test", &db.dsn(), None).unwrap();
    let query = async |subject: &SampledColumn| match analysis::documents(&target, subject).await {
        Err(Error::Unmatched(unmatched)) => unmatched.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(query(&subject("nothing", None)).await, "no table is called `nothing` here");
    assert_eq!(
        query(&subject("features", None)).await,
        "name a JSONB column of `features`: data, other"
    );
    assert_eq!(query(&subject("plain", None)).await, "`plain` has no JSONB column");
    let anywhere = SampledColumn { schema: None, ..subject("features", Some("data")) };
    assert!(query(&anywhere).await.contains("ml.features, two.features"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_our_role_may_not_read_is_a_gap_with_its_grant() {
    let Some(db) = made("deb18", SMALL).await else { return };
    let role = format!("documents_{}", db.name);
    db.run(&format!("create role {role} login; grant usage on schema ml to {role}; grant select (id) on ml.features to {role}")).await;
    let target = Target::open("test", &db.dsn_as(&role), None).unwrap();
    let report = analysis::documents(&target, &subject("features", Some("data"))).await.unwrap();
    assert_eq!(report.sample.rows, 0);
    let gap = &report.gaps[0];
    assert_eq!(gap.reason, GapReason::MissingPrivilege);
    let lift = gap.lift.clone().unwrap();
    let grant = format!("GRANT SELECT (data) ON ml.features TO {role};");
    assert!(lift.ends_with(&grant), "{lift}");
    db.run(&lift).await;
    let again = analysis::documents(&target, &subject("features", Some("data"))).await.unwrap();
    assert_eq!((again.sample.rows, again.gaps.len()), (1000, 0));
    drop(target);
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_as_large_as_a_megabyte_and_as_odd_as_json_allows_are_read_in_bounds() {
    let sql = r#"create schema ml;
create table ml.features (id int, data jsonb);
insert into ml.features values (4, '{}'), (5, '[]'), (6, '"é\u00e9\ud83d\ude00"'), (7, '{"": {"": []}}'), (8, null);
insert into ml.features
select i, jsonb_build_object('wide', (select jsonb_object_agg('key ' || g, g) from generate_series(1, 10000) as g))
from generate_series(1, 3) as i;
insert into ml.features select 9, ('{"' || repeat('k', 200) || '": 1}')::jsonb;
analyze ml.features"#;
    let Some(db) = made("deb15", sql).await else { return };
    let report = report(&db, &subject("features", None)).await;
    assert_eq!((report.sample.rows, report.sample.null_rows), (9, 1));
    assert!(report.keys_left_out > 0 && report.keys.len() <= 2000, "{}", report.keys_left_out);
    assert_eq!(key(&report, "\"\".\"\"").elements_max, Some(0));
}
