//! Experiments on real rows: what they measure, what becomes of what they refute, and that they leave nothing.

use std::time::{Duration, Instant};

use database_optimizer::analysis::{self, Request};
use database_optimizer::model::{Analysis, ProveMode, Verdict};
use database_optimizer::pg::Target;
use rstest::rstest;

use crate::support::advice::finding;
use crate::support::leftovers::{SESSIONS, TRACES, until_hung_up};
use crate::support::{COLUMNS_FROM_100_KB, TestDb, analyse, request, tables};

const FEATURES: &str = "create table ml.features (id int, note text, payload jsonb);
insert into ml.features
select i, 'n', (select jsonb_object_agg('feature_' || g, md5((g * i)::text) || repeat('ab', 20))
    from generate_series(1, 60) as g)
from generate_series(1, 1500) as i;
analyze ml.features";

fn full() -> Request {
    Request { prove: ProveMode::Full, ..request(COLUMNS_FROM_100_KB) }
}

async fn features(member: &str) -> Option<TestDb> {
    tables(member, FEATURES).await
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
