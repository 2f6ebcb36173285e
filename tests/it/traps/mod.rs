//! What advice about TOAST trips over in the field, each on real servers: planted faults that must be found and
//! corrected, healthy twins and half-truths that must raise nothing.

mod bloat;
mod reads;
mod settings;
mod tables;

use database_optimizer::model::{Analysis, GapReason, Object, Recommendation};
use rstest::rstest;

use crate::support::advice::{all_hold, finding};
use crate::support::{COLUMNS_FROM_100_KB, TestDb, TestServer, analyse, request, server};

/// Thresholds small enough for tables that are made in no time, and for counters that began a moment ago.
const SMALL_AND_OLD: &[(&str, f64)] =
    &[("table_bytes_min", 1e6), ("column_bytes_min", 1e5), ("history_s_min", 0.0)];

/// 3 KB that do not compress.
const WIDE: &str = "(select string_agg(md5(g::text), '') from generate_series(1, 95) as g) || i";
/// 6 KB that compress to 2 to 3.
const PACKED: &str = "(select string_agg(md5(g::text) || repeat('ab', 20), '') from generate_series(1, 90) as g) || i";

const PGLZ: &str = "toast/pglz-on-wide-values";
const MIXED: &str = "toast/mixed-compression";
const HOT: &str = "toast/hot-column-out-of-line";
const SHARE: &str = "toast/large-toast-share";
const VAIN: &str = "toast/incompressible-values";
const BLOATED: &str = "toast/bloated-toast";

/// A database after these statements, with the values that they name.
async fn filled(server: &'static TestServer, sql: &str) -> TestDb {
    TestDb::filled(server, &sql.replace("$WIDE", WIDE).replace("$PACKED", PACKED)).await
}

/// Plant a fault, find it by a check, and hold every recommendation to its word.
async fn planted(member: &str, sql: &str, check: &str) -> Option<(TestDb, Analysis)> {
    let mut db = filled(server(member)?, sql).await;
    let request = request(COLUMNS_FROM_100_KB);
    let analysis = analyse(&db, &request).await;
    let found = finding(&analysis, check);
    let found = found.unwrap_or_else(|| panic!("{member}: no {check}: {analysis:#?}"));
    assert!(!found.recommendations.is_empty(), "{member}: {analysis:#?}");
    all_hold(&mut db, &analysis, &request).await;
    Some((db, analysis))
}

async fn seen(member: &str, sql: &str, policy: &[(&str, f64)]) -> Option<(TestDb, Analysis)> {
    let db = filled(server(member)?, sql).await;
    let analysis = analyse(&db, &request(policy)).await;
    Some((db, analysis))
}

fn object<'a>(analysis: &'a Analysis, check: &str) -> &'a Object {
    &finding(analysis, check).unwrap_or_else(|| panic!("no {check}: {analysis:#?}")).object
}

fn column(table: &str, column: &str, partition: Option<&str>) -> Object {
    Object::Column {
        schema: "ml".to_owned(),
        table: table.to_owned(),
        column: column.to_owned(),
        partition: partition.map(str::to_owned),
    }
}

fn statements(recommendation: &Recommendation) -> String {
    let sql: Vec<&str> = recommendation.statements.iter().map(|s| s.sql.as_str()).collect();
    sql.join("\n")
}

fn checks(analysis: &Analysis) -> Vec<&str> {
    analysis.findings.iter().map(|finding| finding.check.as_str()).collect()
}

// ---- T1 to T6 -----------------------------------------------------------------------------------------------------

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn old_values_keep_their_method_until_the_rewrite_builds_them_anew(
    #[values("deb15", "deb17", "deb18")] member: &str,
) {
    let sql = "create table ml.t (id int, payload text);
        alter table ml.t alter payload set compression pglz;
        insert into ml.t select i, $PACKED from generate_series(1, 1500) as i;
        alter table ml.t alter payload set compression lz4;
        update ml.t set payload = payload;
        vacuum (full, analyze) ml.t";
    let Some((db, analysis)) = planted(member, sql, MIXED).await else { return };
    assert_eq!(*object(&analysis, MIXED), column("t", "payload", None));
    assert!(finding(&analysis, PGLZ).is_none(), "the setting is lz4: {analysis:#?}");
    let left = "select count(*)::text from ml.t where pg_column_compression(payload) <> 'lz4'";
    assert_eq!(db.text(left).await, "0");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_lz4_is_told_the_gap_and_never_the_statement(
    #[values("pg15", "pg18")] member: &str,
) {
    let sql = "create table ml.t (id int, payload text);
        insert into ml.t select i, $PACKED from generate_series(1, 1500) as i;
        analyze ml.t";
    let Some((_db, analysis)) = seen(member, sql, COLUMNS_FROM_100_KB).await else { return };
    assert!(finding(&analysis, PGLZ).is_none(), "{analysis:#?}");
    let gap = analysis.gaps.iter().find(|gap| gap.reason == GapReason::NotBuiltIn).unwrap();
    assert!(gap.lift.is_some() && gap.detail.contains(": 1"), "{gap:?}");
    let printed: String = analysis.recommendations.iter().map(statements).collect();
    assert!(!printed.contains("lz4"), "{printed}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_storage_strategy_that_no_row_follows_yet_is_not_taken_for_done(
    #[values("pg15", "pg16", "pg17")] member: &str,
) {
    let sql = "create table ml.t (id int, payload text);
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
        alter table ml.t alter payload set storage main;
        analyze ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t";
    let Some((db, analysis)) = planted(member, sql, HOT).await else { return };
    assert_eq!(*object(&analysis, HOT), column("t", "payload", None));
    drop(db);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn vectors_that_stand_inline_are_not_called_out_of_line_for_a_setting(
    #[values("pg15", "pg17")] member: &str,
) {
    let sql = "create extension vector schema public;
        create table ml.t (id int, v public.vector(768));
        alter table ml.t alter v set storage plain;
        insert into ml.t select i, (select array_agg(sin(g + i)) from generate_series(1, 768) as g)::public.vector(768)
        from generate_series(1, 1200) as i;
        alter table ml.t alter v set storage external;
        analyze ml.t";
    let Some((_db, analysis)) = seen(member, sql, COLUMNS_FROM_100_KB).await else { return };
    assert!(checks(&analysis).is_empty(), "{member}: {analysis:#?}");
}

#[rstest]
#[case::of_main("payload text", "$PACKED", SHARE)]
#[case::of_plain(
    "payload public.vector(768)",
    "(select array_agg(sin(g + i)) from generate_series(1, 768) as g)::public.vector(768)",
    "toast/vector-out-of-line"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_not_kept_inline_at_the_expense_of_the_others_of_its_row(
    #[case] column: &str,
    #[case] value: &str,
    #[case] check: &str,
    #[values("deb15", "deb18")] member: &str,
) {
    let sql = format!(
        "create extension vector schema public;
        create table ml.t (id int, title text, {column});
        insert into ml.t select i, 'a title that is short ' || i, {value} from generate_series(1, 1500) as i;
        analyze ml.t;
        select sum(hashtext(payload::text)) from ml.t;
        select sum(hashtext(payload::text)) from ml.t;
        select sum(hashtext(payload::text)) from ml.t"
    );
    let Some((db, analysis)) = planted(member, &sql, check).await else { return };
    let ids = &finding(&analysis, check).expect("planted").recommendations;
    let of_check = analysis.recommendations.iter().filter(|advice| ids.contains(&advice.id));
    let actions: Vec<&str> = of_check.map(|advice| advice.action.as_str()).collect();
    assert_eq!(actions, ["set_toast_tuple_target"], "{member}: {analysis:#?}");
    drop(db);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn each_of_two_vectors_of_a_row_is_brought_inline_by_its_own_advice(
    // Before 17 the server does not say where values are, and a row that is half inline is taken for one that is not.
    #[values("pg17", "deb18")] member: &str,
) {
    let vector =
        "(select array_agg(sin(g + i)) from generate_series(1, 600) as g)::public.vector(600)";
    let sql = format!(
        "create extension vector schema public;
        create table ml.t (id int, a public.vector(600), b public.vector(600));
        insert into ml.t select i, {vector}, {vector} from generate_series(1, 1500) as i;
        analyze ml.t"
    );
    let Some((db, analysis)) = planted(member, &sql, "toast/vector-out-of-line").await else {
        return;
    };
    assert_eq!(analysis.recommendations.len(), 2, "{member}: {analysis:#?}");
    drop(db);
}

#[rstest]
#[case::that_room_between_columns_fills(
    "b0 bool default true, n0 int8 default 1, b1 bool default true, n1 int8 default 1,
    b2 bool default true, n2 int8 default 1, b3 bool default true, n3 int8 default 1,
    b4 bool default true, n4 int8 default 1, b5 bool default true, n5 int8 default 1,
    b6 bool default true, n6 int8 default 1, b7 bool default true, n7 int8 default 1,
    b8 bool default true, n8 int8 default 1, b9 bool default true, n9 int8 default 1, v public.vector(2000)",
    "2000"
)]
#[case::that_a_vector_of_any_width_fills(
    "v public.vector",
    "case when i = 7777 then 3000 else 768 end"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_vector_is_not_stored_plain_where_a_row_would_not_fit_a_page(
    #[case] columns: &str,
    #[case] dimensions: &str,
    #[values("pg15", "deb18")] member: &str,
) {
    let sql = format!(
        "create extension vector schema public;
        create table ml.t (id int, {columns});
        insert into ml.t (id, v)
        select i, (select array_agg(sin(g + i)) from generate_series(1, {dimensions}) as g)::public.vector
        from generate_series(1, 9000) as i;
        analyze ml.t"
    );
    let Some((mut db, analysis)) = seen(member, &sql, COLUMNS_FROM_100_KB).await else { return };
    for recommendation in &analysis.recommendations {
        assert!(!statements(recommendation).contains("PLAIN"), "{member}: {analysis:#?}");
    }
    let declined = analysis.declined.iter().any(|declined| declined.reason.contains("fit a page"));
    assert!(declined || !analysis.recommendations.is_empty(), "{member}: {analysis:#?}");
    all_hold(&mut db, &analysis, &request(COLUMNS_FROM_100_KB)).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_fit_no_page_keep_the_toast_table_large_and_nothing_is_promised_for_it(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = "create table ml.t (id int, payload text);
        alter table ml.t alter payload set storage external;
        insert into ml.t select i, $WIDE || case when i % 25 = 0 then repeat(md5(i::text), 300) else '' end
        from generate_series(1, 1500) as i;
        analyze ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t";
    let Some((db, analysis)) = planted(member, sql, HOT).await else { return };
    assert!(finding(&analysis, SHARE).expect("large").recommendations.is_empty(), "{analysis:#?}");
    assert!(analysis.declined.iter().any(|declined| declined.check == SHARE), "{analysis:#?}");
    drop(db);
}

#[rstest]
#[case::a_higher_target("alter table ml.t set (toast_tuple_target = 8160)", "select 1")]
#[case::plain_before(
    "alter table ml.t alter payload set storage plain",
    "alter table ml.t alter payload set storage extended"
)]
#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_compressed_is_not_called_incompressible(
    #[case] before: &str,
    #[case] after: &str,
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = format!(
        "create table ml.t (id int, payload text);
        {before};
        insert into ml.t select i, repeat('compress me ', 500) from generate_series(1, 1500) as i;
        {after};
        analyze ml.t"
    );
    let Some((_db, analysis)) = seen(member, &sql, COLUMNS_FROM_100_KB).await else { return };
    assert!(checks(&analysis).is_empty(), "{member}: {analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_share_of_fifty_to_one_is_healthy_where_nobody_reads_it_back(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = "create table ml.documents (id int, payload text);
        insert into ml.documents select i, $WIDE from generate_series(1, 1500) as i;
        analyze ml.documents;
        select count(*) from ml.documents;
        select count(*) from ml.documents";
    let Some((db, analysis)) = seen(member, sql, SMALL_AND_OLD).await else { return };
    assert!(finding(&analysis, SHARE).is_none(), "{analysis:#?}");
    let declined = analysis.declined.iter().find(|declined| declined.check == SHARE).unwrap();
    assert!(declined.detail.contains("0.00 times"), "{declined:?}");
    // Counters that were reset a moment ago are no evidence.
    let analysis = analyse(&db, &request(COLUMNS_FROM_100_KB)).await;
    assert!(analysis.declined.iter().all(|declined| declined.check != SHARE), "{analysis:#?}");
    assert!(analysis.gaps.iter().any(|gap| gap.reason == GapReason::NotEnoughHistory));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_takes_the_lock_it_names(#[values("pg15", "deb15", "deb19")] member: &str) {
    let sql = "create table ml.t (id int, payload text) with (toast.autovacuum_enabled = false);
        insert into ml.t select i, $PACKED from generate_series(1, 1500) as i;
        update ml.t set payload = payload || 'x';
        update ml.t set payload = payload || 'x';
        analyze ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t";
    let Some((db, analysis)) = seen(member, sql, COLUMNS_FROM_100_KB).await else { return };
    let mut held = 0;
    for statement in
        analysis.recommendations.iter().flat_map(|r| r.statements.iter().chain(&r.undo))
    {
        if !statement.transactional {
            continue;
        }
        db.run(&format!("begin; {}", statement.sql)).await;
        let mode = db
            .text(
                "select string_agg(mode, ',') from pg_locks
                where relation = 'ml.t'::regclass and pid = pg_backend_pid() and mode <> 'AccessShareLock'",
            )
            .await;
        db.run("rollback").await;
        let named =
            serde_json::to_value(statement.lock).unwrap().as_str().unwrap().replace('_', "");
        assert_eq!(mode.to_lowercase(), format!("{named}lock"), "{member}: {}", statement.sql);
        held += 1;
    }
    assert!(held >= 4, "{analysis:#?}");
}
