//! Experiments on real rows: what they measure, what becomes of what they refute, and that they leave nothing.

use std::time::{Duration, Instant};

use database_optimizer::analysis::{self, Request};
use database_optimizer::model::{Analysis, ProveMode, Verdict};
use database_optimizer::pg::Target;
use rstest::rstest;

use crate::support::advice::finding;
use crate::support::{TestDb, analyse, request, server, until};

const POLICY: &[(&str, f64)] = &[("table_bytes_min", 1e6), ("column_bytes_min", 1e5)];

const FEATURES: &str = "create schema ml;
create table ml.features (id int, note text, payload jsonb);
insert into ml.features
select i, 'n', (select jsonb_object_agg('feature_' || g, md5((g * i)::text) || repeat('ab', 20))
    from generate_series(1, 60) as g)
from generate_series(1, 1500) as i;
analyze ml.features";

fn full() -> Request {
    Request { prove: ProveMode::Full, ..request(POLICY) }
}

async fn features(member: &str) -> Option<TestDb> {
    let mut db = TestDb::create(server(member)?).await;
    for statement in FEATURES.split(";\n") {
        db.run(statement).await;
    }
    db.settle().await;
    Some(db)
}

/// Everything that an analysis might leave behind in the database.
pub(crate) const TRACES: &str = "select json_build_array(
    (select json_agg(json_build_array(oid, relname, reloptions, relfilenode) order by oid) from pg_class
        where oid >= 16384),
    (select json_agg(nspname order by oid) from pg_namespace),
    (select json_agg(json_build_array(attrelid, attname, attstorage, attcompression) order by attrelid, attnum)
        from pg_attribute where attrelid >= 16384),
    (select count(*) from pg_statistic),
    (select json_agg(setconfig) from pg_db_role_setting
        where setdatabase = (select oid from pg_database where datname = current_database())
            or setrole = current_user::regrole),
    (select count(*) from pg_largeobject_metadata),
    (select json_agg(json_build_array(relid, n_tup_ins, n_tup_upd, n_tup_del, seq_scan, n_live_tup, analyze_count)
        order by relid) from pg_stat_all_tables where schemaname not in ('pg_catalog', 'information_schema')),
    (select stats_reset from pg_stat_database where datname = current_database())
)::text";

pub(crate) const SESSIONS: &str =
    "select coalesce(string_agg(state || ': ' || query, '; '), '') from pg_stat_activity
    where application_name = 'dbopt' and datname = current_database()";

pub(crate) async fn until_hung_up(db: &TestDb) {
    until("our sessions end", async || db.text(SESSIONS).await.is_empty()).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_store_a_column_is_measured_and_what_is_refuted_is_declined_with_numbers(
    #[values("deb15", "deb17", "deb18")] member: &str,
) {
    let Some(db) = features(member).await else { return };
    let analysis = analyse(&db, &full()).await;

    let found = finding(&analysis, "toast/pglz-on-wide-values");
    let found = found.unwrap_or_else(|| panic!("{analysis:#?}"));
    for recommendation in &analysis.recommendations {
        assert_ne!(recommendation.proof.verdict, Verdict::Refuted, "{recommendation:#?}");
    }
    let lz4 = analysis.recommendations.iter().find(|r| found.recommendations.contains(&r.id));
    let lz4 = lz4.unwrap_or_else(|| panic!("{analysis:#?}"));
    let names: Vec<&str> = lz4.proof.measurements.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(
        names,
        ["write_ms", "read_column_ms", "scan_others_ms", "heap_bytes", "toast_bytes"]
    );
    assert!(lz4.proof.measurements.iter().all(|m| m.runs >= 5 && m.spread >= 0.0), "{lz4:#?}");
    assert!(lz4.proof.sample.as_ref().unwrap().rows >= 500);

    for option in [
        "EXTERNAL, uncompressed",
        "MAIN, pglz",
        "EXTENDED, pglz, toast_tuple_target 4080",
        "EXTENDED, pglz, toast_tuple_target 8160",
    ] {
        let declined = analysis.declined.iter().find(|declined| declined.reason.ends_with(option));
        let declined = declined.unwrap_or_else(|| panic!("no {option}: {:#?}", analysis.declined));
        for name in names.iter().copied().chain(["spread"]) {
            assert!(declined.detail.contains(name), "{declined:?}");
        }
    }
    let uncompressed = analysis.declined.iter().find(|d| d.reason.contains("EXTERNAL")).unwrap();
    assert!(uncompressed.reason.contains("refuted"), "{uncompressed:?}");
    assert!(uncompressed.detail.contains("more space"), "{uncompressed:?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_analysis_with_experiments_leaves_nothing_behind(
    #[values("pg15", "deb15", "deb18")] member: &str,
) {
    let Some(mut db) = features(member).await else { return };
    let before = db.text(TRACES).await;
    let analysis = analyse(&db, &full()).await;
    assert!(measured(&analysis) || !db.server.has_lz4, "{analysis:#?}");
    until_hung_up(&db).await;
    db.settle().await;
    assert_eq!(db.text(TRACES).await, before, "{member}");
}

fn measured(analysis: &Analysis) -> bool {
    analysis.recommendations.iter().any(|r| r.proof.sample.is_some())
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_experiment_that_nobody_waits_for_is_undone_in_the_middle(
    #[values("deb15", "deb18")] member: &str,
) {
    let Some(db) = features(member).await else { return };
    let before = db.text(TRACES).await;
    let target = Target::open("test", &db.dsn(), None).unwrap();
    let asked = full();
    {
        let mut analysis = std::pin::pin!(analysis::analyse(&target, &asked));
        let writing = async {
            let deadline = Instant::now() + Duration::from_secs(30);
            while !db.text(SESSIONS).await.contains("insert into pg_temp.dbopt_arm") {
                assert!(Instant::now() < deadline, "no experiment was seen");
            }
        };
        tokio::select! {
            _ = &mut analysis => panic!("the experiments were over too soon"),
            () = writing => {}
        }
    }
    drop(target);
    until_hung_up(&db).await;
    assert_eq!(db.text(TRACES).await, before, "{member}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_temporary_tables_is_told_so_and_experiments_move_to_the_lab(
    #[values("deb15", "deb18")] member: &str,
) {
    let Some(db) = features(member).await else { return };
    let lab = TestDb::create(db.server).await;
    let role = format!("reader_{}", db.name);
    db.run(&format!("create role {role} login; grant usage on schema ml to {role}")).await;
    db.run(&format!("grant select on ml.features to {role}")).await;
    db.run(&format!("revoke temp on database {} from public", db.name)).await;

    let alone = Target::open("test", &db.dsn_as(&role), None).unwrap();
    let analysis = analysis::analyse(&alone, &full()).await.unwrap();
    let proof = &analysis.recommendations.first().unwrap_or_else(|| panic!("{analysis:#?}")).proof;
    assert_eq!(proof.verdict, Verdict::NotRun);
    assert!(proof.reason.as_ref().unwrap().contains("GRANT TEMP"), "{proof:?}");

    let with_lab = Target::open("test", &db.dsn_as(&role), Some(&lab.dsn())).unwrap();
    let analysis = analysis::analyse(&with_lab, &full()).await.unwrap();
    let reasons: Vec<_> = analysis
        .recommendations
        .iter()
        .map(|r| r.proof.reason.clone().unwrap_or_default())
        .collect();
    let on_lab = |text: &String| text.contains("on the lab database");
    assert!(
        reasons.iter().any(on_lab) || analysis.declined.iter().any(|d| on_lab(&d.detail)),
        "{analysis:#?}"
    );
    let left = "select count(*)::text from pg_class where relname like 'dbopt%'";
    until_hung_up(&lab).await;
    assert_eq!((lab.text(left).await, db.text(left).await), ("0".to_owned(), "0".to_owned()));
    drop((alone, with_lab));
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn transactions_that_are_read_only_by_default_are_named_as_what_refuses_the_experiment(
    #[values("deb18")] member: &str,
) {
    let Some(db) = features(member).await else { return };
    db.run(&format!("alter database {} set default_transaction_read_only = on", db.name)).await;
    let analysis = analyse(&db, &full()).await;
    let proof = &analysis.recommendations[0].proof;
    assert_eq!(proof.verdict, Verdict::NotRun);
    assert!(proof.reason.as_ref().unwrap().contains("default_transaction_read_only"), "{proof:?}");
}
