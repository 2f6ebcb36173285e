//! Codes, tried out by storing the documents again.

use database_optimizer::analysis::Request;
use database_optimizer::model::{Analysis, ProveMode, Severity, Superpower, Verdict};
use rstest::rstest;

use super::{FEATURES, LONG, SMALL, looked_at};
use crate::support::advice::{evidence_number, found, only_advice};
use crate::support::{TestDb, analyse, request_of, tables};

async fn tried(db: &TestDb) -> Analysis {
    let request = request_of(Superpower::HybridSchema, SMALL);
    analyse(db, &Request { prove: ProveMode::Full, ..request }).await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn codes_are_confirmed_by_storing_the_documents_again_under_them(
    #[values("pg15", "pg16", "pg17", "pg18", "deb19")] member: &str,
) {
    let Some(db) = tables(member, FEATURES).await else { return };
    let analysis = tried(&db).await;
    let proof = &only_advice(&analysis, LONG).proof;
    assert_eq!(proof.verdict, Verdict::Confirmed, "{proof:#?}");
    let measured = |name: &str| {
        let found = proof.measurements.iter().find(|measured| measured.name == name);
        found.unwrap_or_else(|| panic!("no {name}: {proof:#?}"))
    };
    assert!(measured("read_key_ms").candidate > 0.0 && measured("write_ms").candidate > 0.0);
    let bytes = measured("relation_bytes");
    let saved = 1.0 - bytes.candidate / bytes.baseline;
    let told = evidence_number(found(&analysis, LONG), "saving_ratio");
    assert!((-0.01..0.05).contains(&(saved - told)), "{member}: told {told}, measured {saved}");
    let expected = &only_advice(&analysis, LONG).expected;
    assert!(expected.iter().any(|expected| expected.metric == "relation_bytes"), "{expected:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn codes_that_leave_a_row_on_each_page_are_refuted_and_declined_with_the_numbers(
    #[values("pg15", "deb19")] member: &str,
) {
    // Half a page is saved of each row, and no two fit one.
    let sql = "create table ml.wide (id bigint primary key, data jsonb) with (toast_tuple_target = 8160);
        alter table ml.wide alter column data set storage external;
        insert into ml.wide select i, (
                select jsonb_object_agg('the_feature_number_' || (100 + g), left(md5((i * g)::text), 16))
                from generate_series(1, 155) as g
            )
            from generate_series(1, 1500) as i;
        vacuum (analyze) ml.wide";
    let Some((db, analysis)) = looked_at(member, sql).await else { return };
    assert_eq!(only_advice(&analysis, LONG).proof.verdict, Verdict::NotRun);
    let analysis = tried(&db).await;
    let found = found(&analysis, LONG);
    assert!(found.recommendations.is_empty() && found.severity == Severity::Info, "{found:#?}");
    let declined = analysis.declined.iter().find(|declined| declined.check == LONG).unwrap();
    assert_eq!(declined.reason, "an experiment refuted shorten_keys");
    for said in ["it saves 0 % of heap and TOAST, less than 20 %", "relation_bytes", "read_key_ms"]
    {
        assert!(declined.detail.contains(said), "{declined:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_every_odd_kind_are_tried_out_and_leave_nothing_behind() {
    let sql = r#"create table ml.odd (id bigint primary key, "Da'ta" jsonb);
        insert into ml.odd select i, jsonb_build_object('it''s "the" \\key', i, '$dbopt$ %s and $$', i,
            'größe_der_bestellung', jsonb_build_array(jsonb_build_object('back\slash', null)))
            from generate_series(1, 6000) as i;
        vacuum (analyze) ml.odd"#;
    for member in ["pg15", "deb19"] {
        let Some(db) = tables(member, sql).await else { continue };
        let made_here = "select count(*)::text from pg_proc where proname like 'dbopt%'";
        let analysis = tried(&db).await;
        assert_eq!(only_advice(&analysis, LONG).proof.verdict, Verdict::Confirmed, "{analysis:#?}");
        assert_eq!(db.text(made_here).await, "0");
    }
}
