//! The role that `scripts/grants` prints is enough, and no more than that.

use std::collections::BTreeSet;
use std::process::Command;

use database_optimizer::analysis::{self, Request};
use database_optimizer::model::{Analysis, GapReason, Policy, ProveMode, Verdict};
use database_optimizer::pg::Target;
use rstest::rstest;

use crate::support::{TestDb, request, server};

/// Wide documents that are read back often, in a schema that was not granted to the role.
const FEATURES: &str = "create schema ml;
create table ml.features (id bigint, payload text compression pglz);
insert into ml.features
select i, (select string_agg(md5(g::text), '') from generate_series(1, 95) as g) || i
from generate_series(1, 12000) as i;
analyze ml.features";

fn grants(options: &[&str]) -> std::process::Output {
    Command::new("sh").arg("scripts/grants").args(options).output().unwrap()
}

/// A database with features in it, and a role of this name with what these options give it.
async fn granted(member: &str, role: &str, options: &[&str]) -> Option<(TestDb, Target)> {
    let mut db = TestDb::create(server(member)?).await;
    // Where everybody may create temporary tables, a grant of it shows nothing.
    db.run(&format!("revoke all on database {} from public", db.name)).await;
    db.run(FEATURES).await;
    for _ in 0..3 {
        db.run("select sum(hashtext(payload)) from ml.features").await;
    }
    db.settle().await;
    let output = grants(&[&["--role", role, "--database", &db.name], options].concat());
    assert!(output.status.success(), "{output:?}");
    let sql = String::from_utf8(output.stdout).unwrap();
    db.run(&sql).await;
    // Whoever runs it again changes nothing.
    db.run(&sql).await;
    let name = form_urlencoded::byte_serialize(role.as_bytes()).collect::<String>();
    let target = Target::open("test", &db.dsn_as(&name.replace('+', "%20")), None).unwrap();
    Some((db, target))
}

fn full() -> Request {
    Request { prove: ProveMode::Full, ..request(&[]) }
}

fn refused(analysis: &Analysis) -> Vec<&str> {
    let gaps = analysis.gaps.iter().filter(|gap| gap.reason == GapReason::MissingPrivilege);
    gaps.map(|gap| gap.detail.as_str()).collect()
}

async fn forget(db: &TestDb, target: Target, role: &str) {
    drop(target);
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn with_samples_and_experiments_nothing_is_missing_and_advice_is_proved(
    #[values("deb15", "deb18")] member: &str,
) {
    let role = format!("Data \"O'Brien\" {member}");
    let options = ["--samples", "--experiments"];
    let Some((db, target)) = granted(member, &role, &options).await else { return };

    let analysis = analysis::analyse(&target, &full()).await.unwrap();

    assert_eq!(refused(&analysis), [""; 0], "{:#?}", analysis.gaps);
    let proofs = analysis.recommendations.iter().map(|advice| &advice.proof);
    let declined = analysis.declined.len();
    let proved = proofs.filter(|proof| proof.verdict != Verdict::NotRun).count();
    assert!(proved > 0, "{declined} declined, {:#?}", analysis.recommendations);
    forget(&db, target, &role).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_grant_by_schema_is_enough_for_that_schema_and_reads_nothing_else(
    #[values("pg14", "deb18")] member: &str,
) {
    let role = format!("narrow_{member}");
    let options = ["--schema", "ml", "--experiments"];
    let Some((db, target)) = granted(member, &role, &options).await else { return };

    let analysis = analysis::analyse(&target, &full()).await.unwrap();

    assert_eq!(refused(&analysis), [""; 0], "{:#?}", analysis.gaps);
    let mut proofs = analysis.recommendations.iter().map(|advice| &advice.proof);
    assert!(proofs.any(|proof| proof.verdict != Verdict::NotRun), "{analysis:#?}");
    db.run("create table public.other (payload text)").await;
    for (table, readable) in
        [("ml.features", "true"), ("public.other", "false"), ("pg_authid", "false")]
    {
        let reads = format!("select has_table_privilege('{role}', '{table}', 'select')::text");
        assert_eq!(db.text(&reads).await, readable, "{table}");
    }
    forget(&db, target, &role).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn with_samples_alone_everything_is_seen_and_nothing_is_tried_out(
    #[values("pg15", "deb19")] member: &str,
) {
    let role = format!("reader_{member}");
    let Some((db, target)) = granted(member, &role, &["--samples"]).await else { return };

    let analysis = analysis::analyse(&target, &full()).await.unwrap();
    let capabilities = analysis::capabilities(&target).await.unwrap();

    assert_eq!(refused(&analysis), [""; 0], "{:#?}", analysis.gaps);
    assert!(!analysis.findings.is_empty() && !analysis.recommendations.is_empty());
    let untried =
        analysis.recommendations.iter().all(|advice| advice.proof.verdict == Verdict::NotRun);
    assert!(untried, "{:#?}", analysis.recommendations);
    assert!(!capabilities.privileges.creates_temporary_tables);
    assert!(capabilities.privileges.reads_all_data);
    forget(&db, target, &role).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn without_options_statistics_are_read_and_no_row(#[values("pg15", "deb19")] member: &str) {
    let role = format!("monitor_{member}");
    let Some((db, target)) = granted(member, &role, &[]).await else { return };

    let analysis = analysis::analyse(&target, &request(&[])).await.unwrap();
    let capabilities = analysis::capabilities(&target).await.unwrap();

    assert_eq!(refused(&analysis).len(), 1, "{:#?}", analysis.gaps);
    assert_eq!(capabilities.privileges.tier, "monitor");
    let role_reads = format!("select has_table_privilege('{role}', 'ml.features', 'select')::text");
    assert_eq!(db.text(&role_reads).await, "false");
    forget(&db, target, &role).await;
}

#[test]
fn what_makes_no_sense_is_refused_and_help_is_given() {
    let long = "a".repeat(56);
    for options in [
        &["--experiments"][..],
        &["--role"],
        &["--schema"],
        &["--nonsense"],
        &["--role", "a\\b"],
        &["--explain", "--role", &long],
    ] {
        let output = grants(options);
        assert_eq!(output.status.code(), Some(2), "{options:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{options:?}");
    }
    let help = grants(&["--help"]);
    assert!(help.status.success());
    let help = String::from_utf8(help.stdout).unwrap();
    for option in ["--role", "--database", "--schema", "--samples", "--explain", "--experiments"] {
        assert!(help.contains(option), "{help}");
    }
}

/// Objects of every superpower: documents, GIN and vector indexes, text to sample, partitions, counted statements, and the
/// extensions of which more is asked.
const OF_EVERY_KIND: &str = "create extension pg_stat_statements;
create extension pgstattuple schema public;
create extension vector schema public;
create schema partman;
create extension pg_partman schema partman;
create schema app;
create table app.features (id bigint primary key, data jsonb not null, note text);
insert into app.features
select i, jsonb_build_object('segment', i % 7, 'tags', array[i % 3]), '{\"a\": ' || i || '}' from generate_series(1, 20000) as i;
create index on app.features using gin (data);
create table app.items (id bigint primary key, embedding vector(3));
insert into app.items select i, array[i, 1, 2]::vector from generate_series(1, 1000) as i;
create index on app.items using hnsw (embedding vector_l2_ops);
create table app.events (day date not null, v int) partition by range (day);
create table app.events_1 partition of app.events for values from ('2026-01-01') to ('2026-02-01');
insert into app.events select date '2026-01-01' + i % 31, i from generate_series(1, 5000) as i;
create table app.wide (id bigint, payload text);
insert into app.wide select i, (select string_agg(md5(g::text), '') from generate_series(1, 95) as g) || i from generate_series(1, 500) as i;
create table app.tenants (id bigint, data jsonb, spare boolean, n bigint);
insert into app.tenants select i, jsonb_build_object('a', i), true, i from generate_series(1, 5000) as i;
alter table app.tenants enable row level security;
create materialized view app.summed as select data, count(*) as n from app.features group by data;
create schema other;
create table other.documents (id bigint primary key, data jsonb);
insert into other.documents select i, jsonb_build_object('a', i) from generate_series(1, 5000) as i;
analyze";

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn each_grant_that_a_gap_names_lifts_it(#[values("deb15", "deb18")] member: &str) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    for statement in
        [OF_EVERY_KIND, "select count(*) from app.features where data @> '{\"segment\": 1}'"]
    {
        db.run(statement).await;
    }
    db.settle().await;
    let role = format!("ungranted {member}");
    db.run(&format!("create role \"{role}\" login")).await;
    let small = [("table_bytes_min", 1e4), ("column_bytes_min", 1e3)];
    let policy = small.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
    let request = Request { policy: Policy(policy), ..Request::new(None) };
    let (mut granted, mut rounds) = (BTreeSet::new(), 0);
    loop {
        let target = Target::open("test", &db.dsn_as(&role.replace(' ', "%20")), None).unwrap();
        let analysis = analysis::analyse(&target, &request).await.unwrap();
        let gaps = analysis.gaps.iter().filter(|gap| gap.reason == GapReason::MissingPrivilege);
        let lifts: BTreeSet<String> = gaps.filter_map(|gap| gap.lift.clone()).collect();
        if lifts.is_empty() {
            forget(&db, target, &role).await;
            break;
        }
        for lift in lifts {
            assert!(
                granted.insert(lift.clone()),
                "{member}: it lifted nothing: {lift}\n{analysis:#?}"
            );
            db.run(&lift).await;
        }
        rounds += 1;
        assert!(rounds < 5, "{granted:#?}");
    }
    assert!(granted.len() >= 10, "{granted:#?}");
}
