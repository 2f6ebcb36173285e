//! What becomes of a key, tried out on the user's own rows.

use std::time::{Duration, Instant};

use database_optimizer::analysis::{self};
use database_optimizer::model::{ProveMode, Severity, Verdict};
use database_optimizer::pg::Target;
use rstest::rstest;

use super::{
    FILTERED, FILTERED_AND_READ, HOT, PUT_OUT_WHOLE, SMALL_DOCUMENTS, WIDE, actions, declined,
    judged, measured, reason, recommended, request, times,
};
use crate::support::advice::{advice, all_hold, found, only_advice};
use crate::support::leftovers::{SESSIONS, TRACES, until_hung_up};
use crate::support::{TestDb, analyse, tables};

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_filtered_by_and_read_is_better_as_a_column(
    #[values("pg15", "pg16", "pg17", "pg18", "deb19")] member: &str,
) {
    let Some(mut db) = tables(member, WIDE).await else { return };
    let analysis = judged(&db, FILTERED_AND_READ, ProveMode::Full).await;
    assert_eq!(actions(&analysis), ["promote_key", "index_key"], "{analysis:#?}");

    let column = recommended(&analysis, "promote_key");
    assert_eq!(column.proof.verdict, Verdict::Confirmed, "{column:#?}");
    for name in ["call_ms", "filter_ms", "read_key_ms"] {
        let measured = measured(column, name);
        eprintln!("{member}: {measured:?}");
        assert!(times(measured) > 5.0 && measured.runs >= 5, "{member}: {measured:?}");
        assert!(column.expected.iter().any(|e| e.metric == name && e.change_ratio < -0.8));
    }
    for name in ["write_ms", "heap_bytes", "toast_bytes", "index_bytes"] {
        assert!(measured(column, name).candidate >= 0.0);
    }
    let sample = column.proof.sample.as_ref().unwrap();
    assert!(sample.rows >= 500 && sample.bytes > 1_000_000, "{sample:?}");
    assert_eq!(sample.of_rows, Some(2000));

    let index = recommended(&analysis, "index_key");
    eprintln!("{member}: with an index: {:?}", index.proof.measurements);
    assert!(times(measured(index, "filter_ms")) > 5.0, "{index:#?}");
    assert!(times(measured(index, "read_key_ms")) < 5.0, "{index:#?}");
    let alone =
        &declined(&analysis, "measured, not needed by any finding: a column without an index");
    assert!(alone.detail.contains("call_ms") && alone.detail.contains("spread"), "{alone:?}");
    let told = analysis.declined.iter().map(|declined| &declined.detail);
    for text in told.chain(analysis.recommendations.iter().flat_map(|r| &r.caveats)) {
        assert!(!text.contains("  "), "{text}");
    }
    let generated = &declined(&analysis, "a stored generated column rewrites the table").detail;
    assert!(generated.contains("2,000 rows") && generated.contains("MB"), "{generated}");

    let request = request(&db, FILTERED_AND_READ, ProveMode::Cheap).await;
    all_hold(&mut db, &analysis, &request).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_does_as_well_as_a_column_is_advised_first(
    #[values("pg15", "pg16", "deb19")] member: &str,
) {
    let Some(mut db) = tables(member, WIDE).await else { return };
    let analysis = judged(&db, FILTERED, ProveMode::Full).await;
    assert_eq!(actions(&analysis), ["index_key", "promote_key"], "{analysis:#?}");
    let index = recommended(&analysis, "index_key");
    assert_eq!(index.proof.verdict, Verdict::Confirmed, "{index:#?}");
    assert!(times(measured(index, "call_ms")) > 5.0, "{index:#?}");
    let column = recommended(&analysis, "promote_key");
    assert!(reason(column).contains("no better than the expression index"), "{column:#?}");
    let request = request(&db, FILTERED, ProveMode::Cheap).await;
    all_hold(&mut db, &analysis, &request).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_spares_little_is_refuted_and_declined_with_its_numbers(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(db) = tables(member, SMALL_DOCUMENTS).await else { return };
    let analysis = judged(&db, PUT_OUT_WHOLE, ProveMode::Full).await;
    let found = found(&analysis, HOT);
    assert!(found.recommendations.is_empty(), "{analysis:#?}");
    assert_eq!(found.severity, Severity::Info, "a problem in name");
    let refuted = declined(&analysis, "an experiment refuted promote_key");
    eprintln!("{member}: {}", refuted.detail);
    for number in ["call_ms", "read_key_ms", "spread", "the minimum is 50 % less"] {
        assert!(refuted.detail.contains(number), "{refuted:?}");
    }
}

#[rstest]
#[case::times(
    r#"to_char(timestamptz '2026-01-01' + i * interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"#,
    "(data ->> 'customer')::timestamptz between '2026-01-01' and '2026-02-01'"
)]
#[case::identifiers(
    "md5(i::text)::uuid",
    "(data ->> 'customer')::uuid = 'c81e728d-9d4c-2f63-6f06-7f89cc14862c'"
)]
#[case::numbers("i * 0.5", "(data ->> 'customer')::numeric > 5")]
#[case::truths("i % 2 = 0", "(data ->> 'customer')::boolean = true")]
#[case::texts("'x' || i % 100", "data ->> 'customer' in ('x1', 'x2')")]
#[case::ranges_of_texts("'x' || i % 100", "data ->> 'customer' < 'x2'")]
#[case::odd_texts(r#"'it''s "a" \ {n}, ' || i % 50"#, "data ->> 'customer' = 'x'")]
#[case::contained("i % 100", r#"data @> '{"customer": 1}'"#)]
#[case::contained_texts(r#"'a "b" ' || i % 100"#, r#"data @> '{"customer": "1"}'"#)]
#[case::contained_below("jsonb_build_object('b', i % 100)", r#"data @> '{"customer": {"b": 1}}'"#)]
#[tokio::test(flavor = "multi_thread")]
async fn values_of_every_type_are_compared_in_every_way(
    #[case] values: &str,
    #[case] condition: &str,
) {
    let sql = WIDE.replace("i % 100", values);
    let condition = condition.replace('"', "\"\"");
    let list =
        format!("sql,calls,mean_ms\n\"select id from ml.t where {condition}\",1000,9\n").leak();
    for member in ["pg15", "deb19"] {
        let Some(db) = tables(member, &sql).await else { continue };
        let analysis = judged(&db, list, ProveMode::Full).await;
        for advised in advice(&analysis, found(&analysis, HOT)) {
            assert_eq!(advised.proof.verdict, Verdict::Confirmed, "{member}: {advised:#?}");
            assert!(times(measured(advised, "call_ms")) > 3.0, "{member}: {advised:#?}");
        }
        recommended(&analysis, "promote_key");
    }
}

#[rstest]
#[case::joined("(data ->> 'customer')::bigint in (select id from ml.t as o where o.id < 9)")]
#[case::a_function("lower(data ->> 'customer') = '7'")]
#[tokio::test(flavor = "multi_thread")]
async fn what_the_key_alone_does_not_find_is_not_proved_by_another_statement(
    #[case] condition: &str,
) {
    let list =
        format!("sql,calls,mean_ms\n\"select id from ml.t where {condition}\",1000,9\n").leak();
    let Some(db) = tables("deb19", WIDE).await else { return };
    let analysis = judged(&db, list, ProveMode::Full).await;
    let column = recommended(&analysis, "promote_key");
    assert_eq!(column.proof.verdict, Verdict::NotRun, "{column:#?}");
    assert!(reason(column).contains("as it is spelled"), "{column:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_tried_out_on_the_lab_where_the_target_allows_no_temporary_tables() {
    let Some(db) = tables("pg18", WIDE).await else { return };
    let lab = TestDb::create(db.server).await;
    let role = format!("reader_{}", db.name);
    db.run(&format!("create role {role} login; grant usage on schema ml to {role}")).await;
    db.run(&format!("grant select on ml.t to {role}")).await;
    db.run(&format!("revoke temp on database {} from public", db.name)).await;
    let target = Target::open("test", &db.dsn_as(&role), Some(&lab.dsn())).unwrap();
    let asked = request(&db, FILTERED_AND_READ, ProveMode::Full).await;
    let analysis = analysis::analyse(&target, &asked).await.unwrap();
    let column = recommended(&analysis, "promote_key");
    assert_eq!(column.proof.verdict, Verdict::Confirmed, "{column:#?}");
    assert!(reason(column).contains("on the lab database"), "{column:#?}");
    drop(target);
    until_hung_up(&lab).await;
    let left = "select count(*)::text from pg_class where relname like 'dbopt%'";
    assert_eq!((lab.text(left).await, db.text(left).await), ("0".to_owned(), "0".to_owned()));
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn advice_that_two_checks_give_comes_once_and_with_what_was_measured() {
    let sql = WIDE.replace("'customer'", "'user_id'");
    let statements = FILTERED.replace("customer", "user_id").leak();
    let Some(db) = tables("pg17", &sql).await else { return };
    let mut request = request(&db, statements, ProveMode::Full).await;
    request.scope.checks.clear();
    let analysis = analyse(&db, &request).await;
    let business = only_advice(&analysis, "hybrid-schema/business-key-in-document");
    assert!(found(&analysis, HOT).recommendations.contains(&business.id), "{analysis:#?}");
    assert_eq!(business.proof.verdict, Verdict::Confirmed, "{business:#?}");
    assert!(!business.expected.is_empty(), "{business:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn trying_out_what_becomes_of_a_key_leaves_nothing_behind(
    #[values("pg15", "deb15", "deb19")] member: &str,
) {
    let Some(mut db) = tables(member, WIDE).await else { return };
    let before = db.text(TRACES).await;
    let analysis = judged(&db, FILTERED_AND_READ, ProveMode::Full).await;
    assert!(recommended(&analysis, "promote_key").proof.sample.is_some(), "{analysis:#?}");
    until_hung_up(&db).await;
    db.settle().await;
    assert_eq!(db.text(TRACES).await, before, "{member}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_trial_that_nobody_waits_for_is_undone_in_the_middle(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(db) = tables(member, WIDE).await else { return };
    let before = db.text(TRACES).await;
    let target = Target::open("test", &db.dsn(), None).unwrap();
    let asked = request(&db, FILTERED_AND_READ, ProveMode::Full).await;
    {
        let mut analysis = std::pin::pin!(analysis::analyse(&target, &asked));
        let writing = async {
            let deadline = Instant::now() + Duration::from_secs(30);
            while !db.text(SESSIONS).await.contains("dbopt_arm_3") {
                assert!(Instant::now() < deadline, "no trial was seen");
            }
        };
        tokio::select! {
            _ = &mut analysis => panic!("the trial was over too soon"),
            () = writing => {}
        }
    }
    drop(target);
    until_hung_up(&db).await;
    assert_eq!(db.text(TRACES).await, before, "{member}");
}
