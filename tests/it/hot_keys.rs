//! Keys that most statements use, on real servers: what an index on them and a column bring, measured on a copy of their
//! own rows, and that the better of the two is what is advised first.

use std::time::{Duration, Instant};

use database_optimizer::analysis::{self, Request};
use database_optimizer::model::{
    Analysis, Declined, Measurement, ProveMode, Recommendation, Severity, Superpower, Verdict,
};
use database_optimizer::pg::Target;
use rstest::rstest;

use crate::hybrid_schema::{found, made, only};
use crate::prove::{SESSIONS, TRACES, until_hung_up};
use crate::support::advice::{advice, all_hold, finding};
use crate::support::{TestDb, analyse, request_of, workload};

const HOT: &str = "hybrid-schema/hot-key-in-document";

/// Thresholds small enough for tables that are made in no time.
const SMALL: &[(&str, f64)] = &[("table_bytes_min", 1e5)];

/// Documents of some kB that do not compress, out of line.
const WIDE: &str = "create table ml.t (id bigint primary key, data jsonb not null);
    insert into ml.t select i, jsonb_build_object('customer', i % 100, 'note',
            (select string_agg(md5((i * g)::text), '') from generate_series(1, 150) as g))
        from generate_series(1, 2000) as i;
    vacuum (analyze) ml.t";

/// Small documents that are put out whole with each row.
const SMALL_DOCUMENTS: &str = "create table ml.t (id bigint primary key, data jsonb not null);
    insert into ml.t select i, jsonb_build_object('kind', 'k' || i % 3) || (
            select jsonb_object_agg('f' || g, g * i) from generate_series(1, 12) as g)
        from generate_series(1, 4000) as i;
    vacuum (analyze) ml.t";

const FILTERED_AND_READ: &str = "sql,calls,mean_ms
\"select id from ml.t where (data ->> 'customer')::int = 7\",750,9
\"select (data ->> 'customer')::int, count(*) from ml.t group by 1\",200,9
\"select data ->> 'note' from ml.t where id = 12\",50,0.1
";

const FILTERED: &str = "sql,calls,mean_ms
\"select id from ml.t where (data ->> 'customer')::int = 7\",950,9
\"select data ->> 'note' from ml.t where id = 12\",50,0.1
";

const FILTERED_OF_DOMAIN: &str = "sql,calls,mean_ms
\"select id from ml.t where \"\"Data\"\" ->> 'customer' = '7'\",950,9
";

const PUT_OUT_WHOLE: &str = "sql,calls,mean_ms
\"select data ->> 'kind', data from ml.t\",1000,9
";

async fn request(db: &TestDb, statements: &'static str, prove: ProveMode) -> Request {
    let mut request = request_of(Superpower::HybridSchema, SMALL);
    request.scope.checks = vec![HOT.to_owned()];
    request.workload = Some(workload(db, statements).await);
    Request { prove, ..request }
}

async fn judged(db: &TestDb, statements: &'static str, prove: ProveMode) -> Analysis {
    analyse(db, &request(db, statements, prove).await).await
}

fn actions(analysis: &Analysis) -> Vec<&str> {
    advice(analysis, found(analysis, HOT)).iter().map(|r| r.action.as_str()).collect()
}

fn recommended<'a>(analysis: &'a Analysis, action: &str) -> &'a Recommendation {
    let all = advice(analysis, found(analysis, HOT));
    all.into_iter().find(|r| r.action == action).unwrap_or_else(|| panic!("{analysis:#?}"))
}

fn measured<'a>(recommendation: &'a Recommendation, name: &str) -> &'a Measurement {
    let found = recommendation.proof.measurements.iter().find(|measured| measured.name == name);
    found.unwrap_or_else(|| panic!("no {name}: {recommendation:#?}"))
}

fn reason(recommendation: &Recommendation) -> &str {
    recommendation.proof.reason.as_deref().unwrap()
}

fn declined<'a>(analysis: &'a Analysis, reason: &str) -> &'a Declined {
    let found = analysis.declined.iter().find(|declined| declined.reason == reason);
    found.unwrap_or_else(|| panic!("no `{reason}`: {:#?}", analysis.declined))
}

/// How often less time the calls take.
fn times(measured: &Measurement) -> f64 {
    measured.baseline / measured.candidate
}

// What experiments say.

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_filtered_by_and_read_is_better_as_a_column(
    #[values("pg15", "pg16", "pg17", "pg18", "deb19")] member: &str,
) {
    let Some(mut db) = made(member, WIDE).await else { return };
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
    let Some(mut db) = made(member, WIDE).await else { return };
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
    let Some(db) = made(member, SMALL_DOCUMENTS).await else { return };
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
        let Some(db) = made(member, &sql).await else { continue };
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
    let Some(db) = made("deb19", WIDE).await else { return };
    let analysis = judged(&db, list, ProveMode::Full).await;
    let column = recommended(&analysis, "promote_key");
    assert_eq!(column.proof.verdict, Verdict::NotRun, "{column:#?}");
    assert!(reason(column).contains("as it is spelled"), "{column:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_tried_out_on_the_lab_where_the_target_allows_no_temporary_tables() {
    let Some(db) = made("pg18", WIDE).await else { return };
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
    let Some(db) = made("pg17", &sql).await else { return };
    let mut request = request(&db, statements, ProveMode::Full).await;
    request.scope.checks.clear();
    let analysis = analyse(&db, &request).await;
    let business = only(&analysis, "hybrid-schema/business-key-in-document");
    assert!(found(&analysis, HOT).recommendations.contains(&business.id), "{analysis:#?}");
    assert_eq!(business.proof.verdict, Verdict::Confirmed, "{business:#?}");
    assert!(!business.expected.is_empty(), "{business:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn trying_out_what_becomes_of_a_key_leaves_nothing_behind(
    #[values("pg15", "deb15", "deb19")] member: &str,
) {
    let Some(mut db) = made(member, WIDE).await else { return };
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
    let Some(db) = made(member, WIDE).await else { return };
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

// Partitioned tables.

/// The same documents in partitions, one of which is partitioned again.
const PARTITIONED: &str =
    "create table ml.t (id bigint not null, data jsonb not null) partition by range (id);
    create table ml.\"Odd part\" partition of ml.t for values from (0) to (1000);
    create table ml.t2 partition of ml.t for values from (1000) to (3000) partition by range (id);
    create table ml.t2a partition of ml.t2 for values from (1000) to (1500);
    create table ml.t2b partition of ml.t2 for values from (1500) to (3000);
    insert into ml.t select i, jsonb_build_object('customer', i % 100, 'note',
            (select string_agg(md5((i * g)::text), '') from generate_series(1, 150) as g))
        from generate_series(1, 2000) as i;
    vacuum (analyze) ml.t";

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_partitioned_table_gets_its_column_or_its_index_partition_by_partition(
    #[values("pg15", "pg16", "pg17", "pg18", "deb19")] member: &str,
) {
    let Some(mut db) = made(member, PARTITIONED).await else { return };
    let analysis = judged(&db, FILTERED_AND_READ, ProveMode::Full).await;
    assert_eq!(actions(&analysis), ["promote_key", "index_key"], "{analysis:#?}");
    let column = recommended(&analysis, "promote_key");
    assert_eq!(column.proof.verdict, Verdict::Confirmed, "{column:#?}");
    assert!(times(measured(column, "call_ms")) > 5.0, "{column:#?}");
    let request = request(&db, FILTERED_AND_READ, ProveMode::Cheap).await;
    all_hold(&mut db, &analysis, &request).await;

    for statement in &column.statements {
        db.run(&statement.sql).await;
    }
    let valid = "select string_agg(c.relname, ', ' order by c.relname) from pg_class as c
        join pg_index as i on i.indexrelid = c.oid where i.indisvalid and c.relname like '%customer_idx'";
    assert_eq!(
        db.text(valid).await,
        "Odd part_customer_idx, t2_customer_idx, t2a_customer_idx, t2b_customer_idx, t_customer_idx"
    );
    db.run("insert into ml.t values (2500, '{\"customer\": 4711}')").await;
    db.run("update ml.t set data = '{\"customer\": 4712}' where id = 1").await;
    let filled =
        "select string_agg(customer::text, ', ' order by id) from ml.t where customer > 4000";
    assert_eq!(db.text(filled).await, "4712, 4711");
    assert_eq!(db.text("select count(*)::text from ml.t where customer is null").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_were_indexed_one_by_one_are_indexed() {
    let index = |part: &str| format!("create index on {part} (((data ->> 'customer')::int))");
    let parts = ["ml.\"Odd part\"", "ml.t2a", "ml.t2b"].map(index).join(";\n");
    let sql = PARTITIONED.replace("vacuum", &format!("{parts};\nvacuum"));
    for member in ["pg15", "deb19"] {
        let Some(db) = made(member, &sql).await else { continue };
        let analysis = judged(&db, FILTERED, ProveMode::Cheap).await;
        assert!(finding(&analysis, HOT).is_none(), "{member}: {analysis:#?}");
        declined(&analysis, "an index on the key serves its calls");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_domain_over_jsonb_is_indexed_and_the_index_is_known() {
    let sql = WIDE.replace("data jsonb", "\"Data\" ml.doc").replace(
        "create table",
        "create domain ml.doc as jsonb check (pg_catalog.jsonb_typeof(value) = 'object');\n    create table",
    );
    for member in ["pg15", "deb19"] {
        let Some(mut db) = made(member, &sql).await else { continue };
        let filtered = FILTERED_OF_DOMAIN;
        let analysis = judged(&db, filtered, ProveMode::Cheap).await;
        assert!(finding(&analysis, HOT).is_some(), "{member}: {analysis:#?}");
        let request = request(&db, filtered, ProveMode::Cheap).await;
        all_hold(&mut db, &analysis, &request).await;
    }
}

#[rstest]
#[case::named_alike("alter table ml.t add customer text", "a column of that name is there")]
#[case::documents(
    "update ml.t set data = jsonb_set(data, '{customer}', '{\"id\": 1}')",
    "its values are documents"
)]
#[case::absent("update ml.t set data = data - 'customer'", "no document of the sample has the key")]
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_gets_no_column_says_why(#[case] change: &str, #[case] why: &str) {
    let sql = WIDE.replace("vacuum", &format!("{change};\nvacuum"));
    let Some(db) = made("pg17", &sql).await else { return };
    let analysis = judged(&db, FILTERED, ProveMode::Cheap).await;
    assert!(finding(&analysis, HOT).is_none(), "{analysis:#?}");
    declined(&analysis, why);
}

/// A nested key with the name of a column that cannot hold it: one that differs in each row, and the documents
/// themselves; or like another key. Its column is called by the whole path.
#[rstest]
#[case("{customer,id}", "", "customer_id")]
#[case("{customer,data}", "", "customer_data")]
#[case::other_key("{customer,name}", ", 'name', id", "customer_name")]
#[tokio::test(flavor = "multi_thread")]
async fn a_nested_key_is_not_the_column_that_is_called_like_it_and_cannot_hold_it(
    #[case] path: &str,
    #[case] more: &str,
    #[case] column: &str,
) {
    let keys = path.trim_matches(['{', '}']).split_once(',').unwrap();
    let change = format!(
        "update ml.t set data = jsonb_build_object('{}', jsonb_build_object('{}', id % 100){more})",
        keys.0, keys.1
    );
    let sql = WIDE.replace("vacuum", &format!("{change};\nvacuum"));
    let filtered = format!(
        "sql,calls,mean_ms\n\"select id from ml.t where data #>> '{path}' = '7'\",1000,9\n"
    );
    let filtered: &'static str = filtered.leak();
    for member in ["pg15", "deb19"] {
        let Some(mut db) = made(member, &sql).await else { continue };
        let analysis = judged(&db, filtered, ProveMode::Cheap).await;
        assert_eq!(actions(&analysis), ["index_key", "promote_key"], "{member}: {analysis:#?}");
        let title = &recommended(&analysis, "promote_key").title;
        assert!(title.contains(column), "{title}");
        let request = request(&db, filtered, ProveMode::Cheap).await;
        all_hold(&mut db, &analysis, &request).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn places_in_arrays_are_no_column_and_that_is_said() {
    let sql = WIDE.replace("'customer', i % 100", "'customer', jsonb_build_array(i % 100)");
    let filtered = "sql,calls,mean_ms
\"select id from ml.t where data -> 'customer' ->> 0 = '7'\",1000,9
";
    let Some(db) = made("pg17", &sql).await else { return };
    let analysis = judged(&db, filtered, ProveMode::Cheap).await;
    assert!(finding(&analysis, HOT).is_none(), "{analysis:#?}");
    assert!(declined(&analysis, "its path is no plain one").detail.contains("arrays"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_materialized_view_is_indexed_and_gets_no_column() {
    let sql = WIDE.replace("create table ml.t ", "create table ml.base ");
    let sql = sql.replace("insert into ml.t ", "insert into ml.base ").replace(
        "vacuum (analyze) ml.t",
        "create materialized view ml.t as select * from ml.base;
        vacuum (analyze) ml.t",
    );
    for member in ["pg15", "deb19"] {
        let Some(mut db) = made(member, &sql).await else { continue };
        let analysis = judged(&db, FILTERED, ProveMode::Full).await;
        assert_eq!(only(&analysis, HOT).action, "index_key", "{analysis:#?}");
        assert_eq!(only(&analysis, HOT).proof.verdict, Verdict::Confirmed, "{analysis:#?}");
        declined(&analysis, "a materialized view");
        let request = request(&db, FILTERED, ProveMode::Cheap).await;
        all_hold(&mut db, &analysis, &request).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_very_many_partitions_is_left_to_its_makers() {
    let part = |n| {
        let (from, to) = (n * 100, (n + 1) * 100);
        format!("create table ml.p{n} partition of ml.t for values from ({from}) to ({to})")
    };
    let parts: Vec<String> = (0..33).map(part).collect();
    let (create, rest) = PARTITIONED.split_once(";\n").unwrap();
    let (_, insert) = rest.split_once("insert into").unwrap();
    let sql = format!("{create};\n{};\ninsert into{insert}", parts.join(";\n"));
    let Some(db) = made("pg17", &sql).await else { return };
    let analysis = judged(&db, FILTERED, ProveMode::Cheap).await;
    assert!(found(&analysis, HOT).recommendations.is_empty(), "{analysis:#?}");
    assert!(declined(&analysis, "partitioned").detail.contains("33 partitions"));
    declined(&analysis, "no index: partitioned");
}

// What an index that is there serves.

#[rstest]
#[case::same("(((data ->> 'customer')::int))", true)]
#[case::further_columns("(((data ->> 'customer')::int), id)", true)]
#[case::hash("using hash (((data ->> 'customer')::int))", true)]
#[case::other_cast("(((data ->> 'customer')::bigint))", false)]
#[case::uncast("((data ->> 'customer'))", false)]
#[case::other_operator("(((data #>> '{customer}')::int))", false)]
#[case::other_key("(((data ->> 'other')::int))", false)]
#[case::second("(id, ((data ->> 'customer')::int))", false)]
#[case::partial("(((data ->> 'customer')::int)) where id > 5", false)]
#[case::containment("using gin (data)", false)]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_clears_a_key_only_where_it_serves_its_calls(
    #[case] on: &str,
    #[case] serves: bool,
) {
    let index = format!("create index i on ml.t {on}");
    for member in ["pg15", "deb19"] {
        let Some(db) = made(member, &WIDE.replace("vacuum", &format!("{index};\nvacuum"))).await
        else {
            continue;
        };
        let analysis = judged(&db, FILTERED, ProveMode::Cheap).await;
        assert_eq!(finding(&analysis, HOT).is_none(), serves, "{member}: {index}: {analysis:#?}");
        if serves {
            let served = &declined(&analysis, "an index on the key serves its calls").detail;
            assert!(served.contains("950 of the 950 calls"), "{served}");
        }
    }
}

#[rstest]
#[case::literal("data ->> 'customer' = $1", "$1 = '7'", true)]
#[case::bound("data ->> $1 = $2", "$1 = 'customer', $2 = '7'", false)]
#[tokio::test(flavor = "multi_thread")]
async fn calls_whose_key_is_a_parameter_are_served_for_certain_by_no_index(
    #[case] condition: &str,
    #[case] parameters: &str,
    #[case] serves: bool,
) {
    let index = "create index i on ml.t ((data ->> 'customer'));\nvacuum";
    let Some(db) = made("pg17", &WIDE.replace("vacuum", index)).await else { return };
    let log = |n: u32| {
        let at = format!("2026-11-22 10:00:{n:02}.000 UTC [7]");
        format!(
            "{at} LOG:  duration: 4.200 ms  execute s1: select id from ml.t where {condition}\n\
             {at} DETAIL:  parameters: {parameters}\n"
        )
    };
    let log: &'static str = (0..30).map(log).collect::<Vec<_>>().concat().leak();
    let analysis = judged(&db, log, ProveMode::Cheap).await;
    assert_eq!(finding(&analysis, HOT).is_none(), serves, "{condition}: {analysis:#?}");
    if serves {
        declined(&analysis, "an index on the key serves its calls");
    } else {
        assert_eq!(only(&analysis, HOT).action, "promote_key");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_for_containment_serves_calls_that_ask_for_containment() {
    let contains = "sql,calls,mean_ms
\"select id from ml.t where data @> '{\"\"customer\"\": 7}'\",1000,9
";
    let Some(db) = made("pg17", WIDE).await else { return };
    let before = judged(&db, contains, ProveMode::Cheap).await;
    assert_eq!(only(&before, HOT).action, "promote_key");
    db.run("create index on ml.t using gin (data jsonb_path_ops)").await;
    let after = judged(&db, contains, ProveMode::Cheap).await;
    assert!(finding(&after, HOT).is_none(), "{after:#?}");
}

#[rstest]
#[case::arrows("data -> 'a' ->> 'b'", "data -> 'a' ->> 'b'")]
#[case::path("data #>> '{a,b}'", "data #>> ARRAY['a', 'b']")]
#[tokio::test(flavor = "multi_thread")]
async fn a_nested_key_is_indexed_as_its_statements_reach_it(
    #[case] spelled: &str,
    #[case] printed: &str,
) {
    let sql = WIDE.replace("'customer', i % 100", "'a', jsonb_build_object('b', 'x' || i % 100)");
    let statements =
        format!("sql,calls,mean_ms\n\"select id from ml.t where {spelled} = 'x7'\",900,9\n");
    let statements: &'static str = statements.leak();
    for member in ["pg15", "deb19"] {
        let Some(mut db) = made(member, &sql).await else { continue };
        let analysis = judged(&db, statements, ProveMode::Full).await;
        let index = recommended(&analysis, "index_key");
        assert!(index.title.contains(printed), "{index:#?}");
        assert_eq!(index.proof.verdict, Verdict::Confirmed, "{index:#?}");
        let request = request(&db, statements, ProveMode::Cheap).await;
        all_hold(&mut db, &analysis, &request).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_not_advised_where_it_would_not_be_read_or_not_be_built() {
    let told = |cast: &str| -> &'static str {
        let statement = format!("select id from ml.t where (data ->> 'customer'){cast} = '7'");
        format!("sql,calls,mean_ms\n\"{statement}\",900,9\n").leak()
    };
    for (values, cast, reason) in [
        ("i % 3", "::int", "no index on the expression would be read"),
        (
            "now() + i * interval '1 day'",
            "::timestamptz",
            "no index on the expression would be read",
        ),
        ("i || repeat(md5(i::text), 80)", "", "no index: its values are too long"),
    ] {
        let Some(db) = made("pg17", &WIDE.replace("i % 100", values)).await else { return };
        let analysis = judged(&db, told(cast), ProveMode::Cheap).await;
        assert!(!actions(&analysis).contains(&"index_key"), "{values}: {analysis:#?}");
        declined(&analysis, reason);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_called_as_the_one_advised_would_be_is_left_alone() {
    let told = "sql,calls,mean_ms\n\"select id from ml.t where data ->> 'customer' = '7'\",900,9\n";
    let other = "create index t_data_customer_idx on ml.t (id) where id > 7;\nanalyze ml.t";
    let Some(db) = made("pg17", &format!("{WIDE};\n{other}")).await else { return };
    let analysis = judged(&db, told, ProveMode::Cheap).await;
    assert!(!actions(&analysis).contains(&"index_key"), "{analysis:#?}");
    declined(&analysis, "no index: no name is left for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_called_like_a_system_column_gets_no_column_of_that_name() {
    let told = "sql,calls,mean_ms\n\"select id from ml.t where data ->> 'xmin' = '7'\",900,9\n";
    let Some(db) = made("pg17", &WIDE.replace("customer", "xmin")).await else { return };
    let analysis = judged(&db, told, ProveMode::Cheap).await;
    assert_eq!(actions(&analysis), ["index_key"], "{analysis:#?}");
    declined(&analysis, "no name is left for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_value_of_many_that_the_cast_refuses_is_seen_before_the_index_fails() {
    for (value, cast, refused) in [
        ("\"none\"", "int", true),
        ("9999999999", "int", true),
        ("\" 7\"", "int", false),
        ("9999999999", "bigint", false),
        ("7.5", "bigint", true),
    ] {
        let sql = WIDE.replace(
            "vacuum",
            &format!(
                "update ml.t set data = jsonb_set(data, '{{customer}}', '{value}') where id = 1999;
                vacuum"
            ),
        );
        // So many rows that the sample misses this one.
        let Some(db) = made("pg17", &sql.replace("2000)", "20000)").replace("150)", "3)")).await
        else {
            return;
        };
        let statements = FILTERED.replace("::int", &format!("::{cast}")).leak();
        let analysis = judged(&db, statements, ProveMode::Cheap).await;
        let against =
            analysis.declined.iter().any(|d| d.reason == "an experiment refuted index_key");
        assert_eq!(against, refused, "{value}::{cast}: {analysis:#?}");
        assert_eq!(actions(&analysis).contains(&"index_key"), !refused, "{value}::{cast}");
    }
}

/// Each column's key has a name of its own: both statements can be run, one after the other.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_two_columns_have_is_called_after_its_own(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = "create table ml.t (id bigint primary key, data jsonb not null, meta jsonb not null);
        insert into ml.t select i, jsonb_build_object('customer', i % 100, 'note', md5(i::text)),
            jsonb_build_object('customer', 'c' || i % 700, 'userId', i, 'user_id', i % 90)
        from generate_series(1, 4000) as i;
        vacuum (analyze) ml.t";
    let Some(mut db) = made(member, sql).await else { return };
    let statements = "sql,calls,mean_ms
\"select id from ml.t where data ->> 'customer' = '7'\",950,9
\"select id from ml.t where meta ->> 'customer' = 'c7'\",950,9
";
    let analysis = judged(&db, statements, ProveMode::Cheap).await;
    let promoted = analysis.recommendations.iter().filter(|one| one.action == "promote_key");
    let mut titles: Vec<&str> = promoted.clone().map(|one| one.title.as_str()).collect();
    titles.sort_unstable();
    let [one, other] = titles[..] else { panic!("{member}: {analysis:#?}") };
    assert!(one.contains("customer_of_data") && other.contains("customer_of_meta"), "{titles:?}");
    for statement in promoted.flat_map(|one| &one.statements) {
        db.settle().await;
        db.run(&statement.sql).await;
    }
    let request = request(&db, statements, ProveMode::Cheap).await;
    assert!(finding(&analyse(&db, &request).await, HOT).is_none(), "{member}");
}
