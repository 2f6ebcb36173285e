//! Vectors and their indexes in states that say little: being built, locked, of any size, on a standby.

use database_optimizer::analysis;
use database_optimizer::model::{GapReason, Superpower};
use database_optimizer::pg::Target;
use rstest::rstest;

use super::cases::{SEARCH, checks, items, judged};
use crate::support::advice::{advice, all_hold, finding};
use crate::support::{Own, TestDb, own_server, request_of, server, workload};

const ALL: &[(&str, f64)] = &[("table_bytes_min", 0.0), ("exact_rows_max", 1.0)];

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_being_built_is_not_missing_and_of_no_wrong_class(
    #[values("pg15", "pg18")] member: &str,
) {
    let Some(db) = items(member, "").await else { return };
    let build = "create index concurrently items_embedding on ml.items using hnsw (embedding ext.vector_l2_ops)";
    let writer = db.building("insert into ml.items values (0, 0, '[1,2,3]')", build).await;
    let (analysis, _) = judged(&db, ALL, SEARCH).await;
    assert!(checks(&analysis).is_empty(), "{analysis:#?}");
    writer.batch_execute("rollback").await.unwrap();
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_somebody_has_locked_is_no_missing_index(
    #[values("pg15", "pg18")] member: &str,
) {
    let index =
        "create index items_embedding on ml.items using hnsw (embedding ext.vector_cosine_ops)";
    let Some(db) = items(member, index).await else { return };
    db.run("begin; reindex index ml.items_embedding").await;
    let (analysis, _) = judged(&db, ALL, SEARCH).await;
    assert!(checks(&analysis).is_empty(), "{analysis:#?}");
    db.run("rollback").await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_column_without_a_number_of_elements_is_indexed_by_the_one_that_its_values_have(
    #[values("pg15", "pg18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    db.run(
        "create schema ml;
        create schema \"my ext\";
        create extension vector schema \"my ext\";
        create table ml.items (id bigint, same \"my ext\".vector, \"Mixed\" \"my ext\".vector, half \"my ext\".halfvec, none \"my ext\".vector);
        insert into ml.items
        select i, case when i % 10 = 0 then array[0, 0, 0] else array[i, i % 7, 1] end, (case when i % 3 = 0 then '[1,2]' else '[1,2,3]' end)::\"my ext\".vector, array[i % 9, 1], null
        from generate_series(1, 2000) as i;
        analyze ml.items",
    )
    .await;
    db.settle().await;
    let statements = "sql,calls,mean_ms
\"select id from ml.items order by same operator(\"\"my ext\"\".<=>) '[1,2,3]' limit 10\",500,20
\"select id from ml.items order by \"\"Mixed\"\" operator(\"\"my ext\"\".<->) '[1,2,3]' limit 10\",500,20
\"select id from ml.items order by half operator(\"\"my ext\"\".<->) '[1,2]' limit 10\",500,20
\"select id from ml.items order by none operator(\"\"my ext\"\".<->) '[1,2]' limit 10\",500,20
";
    let (analysis, request) = judged(&db, ALL, statements).await;
    let found = |column: &str| {
        let named = format!("`ml.items.{column}`");
        analysis
            .findings
            .iter()
            .find(|one| one.check == "vector/missing-index" && one.message.contains(&named))
    };
    let advised = advice(&analysis, found("same").unwrap_or_else(|| panic!("{analysis:#?}")));
    let sql = &advised[0].statements[0].sql;
    assert!(sql.contains("(same::\"my ext\".vector(3)) \"my ext\".vector_cosine_ops"), "{sql}");
    let caveats = advised[0].caveats.join("; ");
    assert!(
        caveats.contains("all have 3 elements") && caveats.contains("of length zero"),
        "{caveats}"
    );
    let half = advice(&analysis, found("half").unwrap());
    assert!(
        half[0].statements[0].sql.contains("halfvec(2)) \"my ext\".halfvec_l2_ops"),
        "{half:#?}"
    );
    assert!(found("\"Mixed\"").is_none() && found("none").is_none());
    let why: Vec<&str> = analysis.declined.iter().map(|one| one.detail.as_str()).collect();
    assert!(why.iter().any(|detail| detail.contains("have 2 to 3 elements")), "{why:?}");
    assert!(why.iter().any(|detail| detail.contains("no number of elements")), "{why:?}");
    all_hold(&mut db, &analysis, &request).await;
}

/// What an analysis would have to be careful with cannot be stored.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_server_refuses_elements_that_are_no_number(#[values("pg15", "pg18")] member: &str) {
    let Some(db) = items(member, "").await else { return };
    for value in [
        "'[NaN,1,2]'::ext.vector",
        "'[1,Infinity,2]'::ext.vector",
        "array['NaN'::real]::ext.vector",
        "'[NaN]'::ext.halfvec",
    ] {
        let outcome = db.client.simple_query(&format!("select {value}")).await;
        assert!(outcome.is_err(), "{member}: {value}");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_judged_and_its_advice_is_for_the_primary(
    #[values("deb17", "deb18")] member: &str,
) {
    let own = Own { purpose: "vector-primary", ..Own::default() };
    let Some(primary) = own_server(member, &own) else { return };
    let db = TestDb::create(primary).await;
    db.run(super::cases::ITEMS).await;
    let own = Own {
        purpose: "vector-standby",
        primary: Some(primary),
        settings: &["hot_standby=on"],
        ..Own::default()
    };
    let standby = own_server(member, &own).unwrap();
    let target = Target::open("test", &standby.dsn(&db.name).into(), None).unwrap();
    let mut request = request_of(Superpower::Vector, ALL);
    request.workload = Some(workload(&db, SEARCH).await);
    let analysis = analysis::analyse(&target, &request).await.unwrap();
    assert!(analysis.server.in_recovery);
    let found =
        finding(&analysis, "vector/missing-index").unwrap_or_else(|| panic!("{analysis:#?}"));
    let advised = advice(&analysis, found);
    assert!(advised[0].preconditions[0].contains("on the primary"), "{advised:#?}");
    drop(target);
    crate::support::leftovers::until_hung_up(&db).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn values_of_a_table_that_runs_code_of_its_owner_are_not_read(
    #[values("pg15", "deb18")] member: &str,
) {
    let Some(mut db) = items(member, "").await else { return };
    let role = format!("own_{}", db.name);
    db.run("create function ml.trap(text) returns boolean language plpgsql immutable as 'begin return true; end'")
        .await;
    db.run("create index trap_idx on ml.items (id) where ml.trap('x')").await;
    db.run(&format!(
        "create role {role} login; grant pg_read_all_data, pg_monitor to {role};
        alter database {} set track_functions = 'all'",
        db.name
    ))
    .await;
    db.run("select pg_stat_reset()").await;
    db.settle().await;
    let mut request = request_of(Superpower::Vector, ALL);
    request.workload = Some(workload(&db, SEARCH).await);
    let calls =
        "select coalesce(sum(calls), 0)::text from pg_stat_user_functions where schemaname = 'ml'";

    let bound = Target::open("test", &db.dsn_as(&role), None).unwrap();
    let refused = analysis::analyse(&bound, &request).await.unwrap();
    drop(bound);
    db.settle().await;
    assert_eq!(db.text(calls).await, "0");
    let gap = refused.gaps.iter().find(|gap| gap.observation == "vector_values").unwrap();
    assert_eq!(gap.reason, GapReason::ForeignCode);
    assert!(gap.detail.contains("`ml.items` was not read: its index `trap_idx`"), "{gap:?}");
    assert!(finding(&refused, "vector/missing-index").is_some(), "{refused:#?}");

    // That it would have been called: a target that is trusted is read.
    let trusted = Target::open("test", &db.dsn_as(&role), None).unwrap().trusting_code(true);
    let read = analysis::analyse(&trusted, &request).await.unwrap();
    drop(trusted);
    db.settle().await;
    assert_ne!(db.text(calls).await, "0");
    assert!(read.gaps.iter().all(|gap| gap.observation != "vector_values"), "{:#?}", read.gaps);
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
}
