//! What advice about TOAST trips over in the field, each on real servers: planted faults that must be found and
//! mended, healthy twins and half-truths that must raise nothing.

use database_optimizer::model::{Analysis, GapReason, Object, Recommendation};
use rstest::rstest;

use crate::support::advice::{advice, all_hold, finding};
use crate::support::{Own, TestDb, TestServer, analyse, own_server, request, server};

/// Thresholds small enough for tables that are made in no time.
const SMALL: &[(&str, f64)] = &[("table_bytes_min", 1e6), ("column_bytes_min", 1e5)];
/// The same, for counters that began a moment ago.
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

async fn made(server: &'static TestServer, sql: &str) -> TestDb {
    let mut db = TestDb::create(server).await;
    db.run("create schema ml").await;
    let sql = sql.replace("$WIDE", WIDE).replace("$PACKED", PACKED);
    for statement in sql.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
        db.run_next(statement).await;
    }
    db.settle().await;
    db
}

/// Plant a fault, find it by a check, and hold every recommendation to its word.
async fn planted(member: &str, sql: &str, check: &str) -> Option<(TestDb, Analysis)> {
    let mut db = made(server(member)?, sql).await;
    let request = request(SMALL);
    let analysis = analyse(&db, &request).await;
    let found = finding(&analysis, check);
    let found = found.unwrap_or_else(|| panic!("{member}: no {check}: {analysis:#?}"));
    assert!(!found.recommendations.is_empty(), "{member}: {analysis:#?}");
    all_hold(&mut db, &analysis, &request).await;
    Some((db, analysis))
}

async fn seen(member: &str, sql: &str, policy: &[(&str, f64)]) -> Option<(TestDb, Analysis)> {
    let db = made(server(member)?, sql).await;
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
async fn t1_old_values_keep_their_method_until_the_rewrite_builds_them_anew(
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
async fn t2_a_server_without_lz4_is_told_the_gap_and_never_the_statement(
    #[values("pg15", "pg18")] member: &str,
) {
    let sql = "create table ml.t (id int, payload text);
        insert into ml.t select i, $PACKED from generate_series(1, 1500) as i;
        analyze ml.t";
    let Some((_db, analysis)) = seen(member, sql, SMALL).await else { return };
    assert!(finding(&analysis, PGLZ).is_none(), "{analysis:#?}");
    let gap = analysis.gaps.iter().find(|gap| gap.reason == GapReason::NotBuiltIn).unwrap();
    assert!(gap.lift.is_some() && gap.detail.contains(": 1"), "{gap:?}");
    let printed: String = analysis.recommendations.iter().map(statements).collect();
    assert!(!printed.contains("lz4"), "{printed}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn t4_a_storage_strategy_that_no_row_follows_yet_is_not_taken_for_done(
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
async fn t4_vectors_that_stand_inline_are_not_called_out_of_line_for_a_setting(
    #[values("pg15", "pg17")] member: &str,
) {
    let sql = "create extension vector schema public;
        create table ml.t (id int, v public.vector(768));
        alter table ml.t alter v set storage plain;
        insert into ml.t select i, (select array_agg(sin(g + i)) from generate_series(1, 768) as g)::public.vector(768)
        from generate_series(1, 1200) as i;
        alter table ml.t alter v set storage external;
        analyze ml.t";
    let Some((_db, analysis)) = seen(member, sql, SMALL).await else { return };
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
async fn t4_a_value_is_not_kept_inline_at_the_expense_of_the_others_of_its_row(
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
async fn t4_each_of_two_vectors_of_a_row_is_brought_inline_by_its_own_advice(
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
async fn t4_a_vector_is_not_stored_plain_where_a_row_would_not_fit_a_page(
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
    let Some((mut db, analysis)) = seen(member, &sql, SMALL).await else { return };
    for recommendation in &analysis.recommendations {
        assert!(!statements(recommendation).contains("PLAIN"), "{member}: {analysis:#?}");
    }
    let declined = analysis.declined.iter().any(|declined| declined.reason.contains("fit a page"));
    assert!(declined || !analysis.recommendations.is_empty(), "{member}: {analysis:#?}");
    all_hold(&mut db, &analysis, &request(SMALL)).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn t4_rows_that_fit_no_page_keep_the_toast_table_large_and_nothing_is_promised_for_it(
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
    let Some((_db, analysis)) = seen(member, &sql, SMALL).await else { return };
    assert!(checks(&analysis).is_empty(), "{member}: {analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn t5_a_share_of_fifty_to_one_is_healthy_where_nobody_reads_it_back(
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
    // Counters of a moment ago acquit nobody.
    let analysis = analyse(&db, &request(SMALL)).await;
    assert!(analysis.declined.iter().all(|declined| declined.check != SHARE), "{analysis:#?}");
    assert!(analysis.gaps.iter().any(|gap| gap.reason == GapReason::NotEnoughHistory));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn t6_a_statement_takes_the_lock_it_names(#[values("pg15", "deb15", "deb19")] member: &str) {
    let sql = "create table ml.t (id int, payload text) with (toast.autovacuum_enabled = false);
        insert into ml.t select i, $PACKED from generate_series(1, 1500) as i;
        update ml.t set payload = payload || 'x';
        update ml.t set payload = payload || 'x';
        analyze ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t";
    let Some((db, analysis)) = seen(member, sql, SMALL).await else { return };
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

// ---- partitions and inheritance -----------------------------------------------------------------------------------

const PARTITIONS: &str = "create table ml.t (id int, payload text) partition by range (id);
    create table ml.t_1 partition of ml.t for values from (1) to (1001);
    create table ml.t_2 partition of ml.t for values from (1001) to (2001) partition by range (id);
    create table ml.t_2a partition of ml.t_2 for values from (1001) to (1501);
    create table ml.t_2b partition of ml.t_2 for values from (1501) to (2001);
    create table ml.t_next partition of ml.t for values from (2001) to (3001)";

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_all_partitions_is_the_roots_and_the_next_partition_is_spared(
    #[values("deb15", "deb18")] member: &str,
) {
    let sql = format!(
        "{PARTITIONS};
        insert into ml.t select i, $PACKED from generate_series(1, 2000) as i;
        analyze ml.t"
    );
    let Some((db, analysis)) = planted(member, &sql, PGLZ).await else { return };
    assert_eq!(*object(&analysis, PGLZ), column("t", "payload", None));
    let found = finding(&analysis, PGLZ).unwrap();
    for statement in &advice(&analysis, found)[0].statements {
        db.run(&statement.sql).await;
    }
    db.run("create table ml.t_2c partition of ml.t_2 default").await;
    let new = "select attcompression::text from pg_attribute where attrelid = 'ml.t_2c'::regclass and attname = 'payload'";
    assert_eq!(db.text(new).await, "l", "{member}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_one_partition_is_that_partitions_and_leaves_the_others_alone(
    #[values("deb15", "deb18")] member: &str,
) {
    let sql = format!(
        "create schema other;
        {PARTITIONS};
        alter table ml.t_2a set schema other;
        alter table ml.t alter payload set compression lz4;
        alter table ml.t_1 alter payload set compression lz4;
        alter table ml.t_2 alter payload set compression lz4;
        alter table ml.t_2b alter payload set compression lz4;
        alter table ml.t_next alter payload set compression lz4;
        alter table other.t_2a alter payload set compression pglz;
        insert into ml.t select i, $PACKED from generate_series(1, 2000) as i;
        analyze ml.t"
    );
    let Some((_db, analysis)) = planted(member, &sql, PGLZ).await else { return };
    assert_eq!(*object(&analysis, PGLZ), column("t", "payload", Some("other.t_2a")));
    let found = finding(&analysis, PGLZ).unwrap();
    assert!(found.message.contains("`other.t_2a.payload`"), "{}", found.message);
    let advised = advice(&analysis, found)[0];
    assert_eq!(
        statements(advised),
        "ALTER TABLE other.t_2a ALTER COLUMN payload SET COMPRESSION lz4;"
    );
    assert_eq!(
        advised.undo[0].sql,
        "ALTER TABLE other.t_2a ALTER COLUMN payload SET COMPRESSION pglz;"
    );
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn hot_partitions_are_kept_inline_down_to_the_empty_one(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = format!(
        "{PARTITIONS};
        insert into ml.t select i, $WIDE from generate_series(1, 2000) as i;
        analyze ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t"
    );
    let Some((_db, analysis)) = planted(member, &sql, HOT).await else { return };
    assert_eq!(*object(&analysis, HOT), column("t", "payload", None));
    let printed = statements(advice(&analysis, finding(&analysis, HOT).unwrap())[0]);
    assert!(printed.contains("ALTER TABLE ml.t_next SET (toast_tuple_target"), "{printed}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_others_inherit_from_is_altered_and_undone_without_them(
    #[values("deb15", "deb18")] member: &str,
) {
    let sql = "create table ml.parent (id int, payload text);
        create table ml.child () inherits (ml.parent);
        alter table only ml.parent alter payload set storage external;
        insert into ml.parent select i, $PACKED from generate_series(1, 1500) as i;
        alter table only ml.parent alter payload set storage extended;
        update ml.parent set payload = payload || 'x';
        insert into ml.child select i, 'short' from generate_series(1, 3000) as i;
        analyze ml.parent;
        analyze ml.child;
        select sum(hashtext(payload)) from only ml.parent;
        select sum(hashtext(payload)) from only ml.parent;
        select sum(hashtext(payload)) from only ml.parent;
        select sum(hashtext(payload)) from only ml.parent";
    let Some((_db, analysis)) = planted(member, sql, PGLZ).await else { return };
    assert_eq!(*object(&analysis, PGLZ), column("parent", "payload", None));
    for recommendation in &analysis.recommendations {
        let printed = statements(recommendation);
        assert!(!printed.contains("ml.child"), "{printed}");
    }
}

// ---- kinds of tables and columns ----------------------------------------------------------------------------------

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_materialized_view_is_altered_and_refreshed_as_one(
    #[values("pg15", "deb15", "deb19")] member: &str,
) {
    let sql = "create materialized view ml.t as
        select i as id, $PACKED as payload from generate_series(1, 1500) as i;
        analyze ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t";
    let Some((_db, analysis)) = planted(member, sql, HOT).await else { return };
    assert_eq!(*object(&analysis, HOT), column("t", "payload", None));
    let advised = advice(&analysis, finding(&analysis, HOT).unwrap())[0];
    assert!(advised.caveats.iter().any(|caveat| caveat.contains("REFRESH also")), "{advised:#?}");
}

#[rstest]
#[case::domain_over_text("ml.d", "$WIDE")]
#[case::domain_over_jsonb("ml.j", "jsonb_build_object('k', $WIDE)")]
#[case::domain_over_a_domain("ml.dd", "$WIDE")]
#[case::array("float8[]", "(select array_agg(random()) from generate_series(1, 400))")]
#[case::domain_over_an_array("ml.a", "(select array_agg(random()) from generate_series(1, 400))")]
#[case::array_of_a_domain("ml.d[]", "array[$WIDE]::ml.d[]")]
#[case::composite("ml.c", "row(i, $WIDE)::ml.c")]
#[case::bytea("bytea", "convert_to($WIDE, 'UTF8')")]
#[case::varchar("varchar(5000)", "$WIDE")]
#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_any_type_is_brought_inline_and_stays_what_it_was(
    #[case] kind: &str,
    #[case] value: &str,
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = format!(
        "create domain ml.d as text check (length(value) > 1);
        create domain ml.dd as ml.d not null;
        create domain ml.j as jsonb;
        create domain ml.a as float8[];
        create type ml.c as (a int, b text);
        create table ml.t (id int, payload {kind});
        insert into ml.t select i, {value} from generate_series(1, 1500) as i;
        analyze ml.t;
        select sum(hashtext(payload::text)) from ml.t;
        select sum(hashtext(payload::text)) from ml.t;
        select sum(hashtext(payload::text)) from ml.t;
        select sum(hashtext(payload::text)) from ml.t"
    );
    planted(member, &sql, HOT).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_generated_column_is_rebuilt_through_what_it_is_generated_from(
    #[values("pg15", "deb15", "deb19")] member: &str,
) {
    let sql = "create table ml.t (
            id int generated always as identity, n int, base text,
            payload text generated always as (repeat(base, 30) || n || id) stored
        );
        insert into ml.t (n, base) select i, md5(i::text) || md5((-i)::text) || md5((7 * i)::text)
        from generate_series(1, 1500) as i;
        alter table ml.t alter payload set storage external;
        update ml.t set n = n;
        vacuum (full, analyze) ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t";
    let Some((_db, analysis)) = planted(member, sql, HOT).await else { return };
    let printed = statements(advice(&analysis, finding(&analysis, HOT).unwrap())[0]);
    assert!(printed.contains("SET n = n WHERE"), "{printed}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn settings_made_before_are_restored_value_by_value_and_in_order(
    #[values("pg15", "deb15", "deb19")] member: &str,
) {
    let sql = "create table ml.t (id int, gone text, payload text collate \"C\") with (
            toast_tuple_target = 256, fillfactor = 90, autovacuum_enabled = off,
            toast.autovacuum_vacuum_scale_factor = 0.4, toast.autovacuum_enabled = 'no', toast.vacuum_truncate = false
        );
        alter table ml.t drop gone;
        alter table ml.t alter payload set storage main;
        alter table ml.t alter payload set compression pglz;
        alter table ml.t alter payload set statistics 10;
        alter table ml.t alter payload set (n_distinct = -0.5);
        insert into ml.t select i, repeat($PACKED, 3) from generate_series(1, 1500) as i;
        update ml.t set payload = payload || 'x';
        update ml.t set payload = payload || 'x';
        analyze ml.t";
    let Some((_db, analysis)) = planted(member, sql, BLOATED).await else { return };
    let undo = &advice(&analysis, finding(&analysis, BLOATED).unwrap())[0].undo[0].sql;
    assert!(undo.contains("toast.autovacuum_enabled = 'no'"), "{undo}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_target_set_before_is_put_back_among_the_other_options(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = "create table ml.t (id int, payload text) with (toast_tuple_target = 2500, fillfactor = 95);
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
        analyze ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t";
    let Some((_db, analysis)) = planted(member, sql, HOT).await else { return };
    let undo = &advice(&analysis, finding(&analysis, HOT).unwrap())[0].undo[0].sql;
    assert_eq!(undo, "ALTER TABLE ml.t SET (toast_tuple_target = '2500', fillfactor = '95');");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn odd_names_and_unlogged_tables_are_no_obstacle(
    #[values("pg15", "deb15", "deb19")] member: &str,
) {
    let sql = r#"create schema "Über % $1 ""x""";
        create unlogged table "Über % $1 ""x"""."select" ("user" int, "päy %s load" text, "$dbopt$" text);
        insert into "Über % $1 ""x"""."select" select i, $WIDE, 'x' from generate_series(1, 1500) as i;
        analyze "Über % $1 ""x"""."select";
        select sum(hashtext("päy %s load")) from "Über % $1 ""x"""."select";
        select sum(hashtext("päy %s load")) from "Über % $1 ""x"""."select";
        select sum(hashtext("päy %s load")) from "Über % $1 ""x"""."select""#;
    planted(member, sql, HOT).await;
}

#[rstest]
#[case::of_sixty_columns(60)]
#[case::of_a_thousand_columns(1000)]
#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_many_columns_is_sampled_whole(
    #[case] columns: u32,
    #[values("pg15", "deb19")] member: &str,
) {
    let list: Vec<String> = (1..=columns).map(|n| format!("c{n} text")).collect();
    let sql = format!(
        "create table ml.t (id int, {}, payload text);
        insert into ml.t (id, c1, payload) select i, 'x', $WIDE from generate_series(1, 1500) as i;
        analyze ml.t",
        list.join(", ")
    );
    let Some((_db, analysis)) = planted(member, &sql, VAIN).await else { return };
    assert_eq!(*object(&analysis, VAIN), column("t", "payload", None));
}

// ---- what must raise nothing --------------------------------------------------------------------------------------

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn tables_that_are_not_ours_to_advise_about_raise_nothing(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = "create temp table t as select i as id, $WIDE as payload from generate_series(1, 1500) as i;
        create table ml.no_toast (id int, n bigint);
        insert into ml.no_toast select i, i from generate_series(1, 50000) as i;
        create table ml.empty (id int, payload text);
        create materialized view ml.unfilled as select * from ml.empty with no data;
        create extension postgres_fdw schema public;
        create server far foreign data wrapper postgres_fdw;
        create foreign table ml.far (id int, payload text) server far;
        create extension hstore schema public;
        create table ml.owned (id int, payload text);
        insert into ml.owned select i, $WIDE from generate_series(1, 1500) as i;
        alter extension hstore add table ml.owned;
        analyze ml.no_toast";
    let Some((_db, analysis)) = seen(member, sql, SMALL).await else { return };
    assert!(checks(&analysis).is_empty(), "{analysis:#?}");
    assert!(analysis.gaps.is_empty() && analysis.declined.is_empty(), "{analysis:#?}");
}

#[rstest]
#[case::of_few_rows(
    "insert into ml.t select i, repeat($PACKED, 9) from generate_series(1, 150) as i"
)]
#[case::of_few_bytes(
    "insert into ml.t select i, left($PACKED, 300) from generate_series(1, 20000) as i"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_small_table_raises_nothing_about_its_storage(
    #[case] fill: &str,
    #[values("deb18")] member: &str,
) {
    let sql = format!(
        "create table ml.t (id int, payload text) with (toast.autovacuum_enabled = false);
        {fill};
        update ml.t set payload = payload || 'x';
        analyze ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t"
    );
    let Some((_db, analysis)) = seen(member, &sql, &[]).await else { return };
    assert!(checks(&analysis).is_empty(), "{analysis:#?}");
}

#[rstest]
#[case::two_dumps("copy ml.t to '/dev/null';\ncopy ml.t to '/dev/null'")]
#[case::updates_under_a_hash_index(
    "create index on ml.t using hash (payload);
    update ml.t set id = id + 1;
    update ml.t set id = id + 1;
    update ml.t set id = id + 1"
)]
#[case::analyze_of_an_expression(
    "create index on ml.t (left(payload, 3));\nanalyze ml.t;\nanalyze ml.t;\nanalyze ml.t;\nanalyze ml.t"
)]
#[case::analyze_of_an_array(
    "analyze ml.t;\nanalyze ml.t;\nanalyze ml.t;\nanalyze ml.t;\nanalyze ml.t"
)]
#[case::index_builds(
    "create index on ml.t using gin (words);\nreindex table ml.t;\ncreate index on ml.t (length(payload));\ncopy ml.t to '/dev/null'"
)]
#[case::vacuum("vacuum (freeze) ml.t;\nvacuum ml.t;\nvacuum (full) ml.t;\nvacuum ml.t")]
#[case::updates_of_another_column(
    "create index on ml.t (length(payload));\ncreate index on ml.t (id);\nupdate ml.t set id = id + 1;\nupdate ml.t set id = id + 1;\nupdate ml.t set id = id + 1"
)]
#[tokio::test(flavor = "multi_thread")]
async fn reads_that_no_query_asked_for_make_no_column_hot(
    #[case] maintenance: &str,
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = format!(
        "create table ml.t (id int, payload text, words text[]);
        alter table ml.t alter words set storage external;
        insert into ml.t select i, $WIDE, array(select md5((g * i)::text) from generate_series(1, 100) as g)
        from generate_series(1, 1500) as i;
        analyze ml.t;
        {maintenance}"
    );
    let Some((_db, analysis)) = seen(member, &sql, SMALL).await else { return };
    for check in
        [HOT, SHARE, "toast/rows-just-above-threshold", "toast/rewritten-out-of-line-values"]
    {
        assert!(finding(&analysis, check).is_none(), "{member}: {analysis:#?}");
    }
}

#[rstest]
#[case::analyze_of_the_partitioned_table(
    "create table ml.t (id int, words text[]) partition by range (id);
    create table ml.t_1 partition of ml.t for values from (0) to (1000);
    create table ml.t_2 partition of ml.t for values from (1000) to (3000);
    insert into ml.t select i, array(select md5((g * i)::text) from generate_series(1, 100) as g)
    from generate_series(1, 1900) as i;
    analyze ml.t;
    analyze ml.t;
    analyze ml.t"
)]
#[case::analyze_of_the_table_inherited_from(
    "create table ml.parent (id int, words text[]);
    create table ml.t () inherits (ml.parent);
    insert into ml.t select i, array(select md5((g * i)::text) from generate_series(1, 100) as g)
    from generate_series(1, 1500) as i;
    analyze ml.t;
    analyze ml.parent;
    analyze ml.parent;
    analyze ml.parent"
)]
#[case::analyze_of_ranges(
    "create table ml.t (id int, payload int4multirange);
    insert into ml.t
    select i, (select range_agg(int4range(g * 10 + i, g * 10 + i + 3)) from generate_series(1, 400) as g)
    from generate_series(1, 1500) as i;
    analyze ml.t;
    analyze ml.t;
    analyze ml.t;
    analyze ml.t"
)]
#[case::analyze_of_values_that_are_hardly_wide(
    "create table ml.t (id int, fixed char(1300), payload text);
    alter table ml.t alter fixed set storage plain;
    insert into ml.t select i, md5(i::text), left($WIDE, 1000) from generate_series(1, 1500) as i;
    analyze ml.t;
    analyze ml.t;
    analyze ml.t;
    analyze ml.t"
)]
#[case::updates_under_a_btree(
    "create table ml.t (id int, payload text);
    insert into ml.t select i, i || left($WIDE, 2560) from generate_series(1, 1500) as i;
    create index on ml.t (payload);
    create index on ml.t (id);
    update ml.t set id = id + 1;
    update ml.t set id = id + 1;
    update ml.t set id = id + 1;
    vacuum analyze ml.t"
)]
#[case::updates_under_a_condition(
    "create table ml.t (id int, payload text check (length(payload) > 10));
    insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
    update ml.t set id = id + 1;
    update ml.t set id = id + 1;
    update ml.t set id = id + 1;
    vacuum analyze ml.t"
)]
#[case::updates_that_a_trigger_watches(
    "create table ml.t (id int, payload text);
    create function ml.f() returns trigger language plpgsql as
    'begin if old.payload || ''x'' = new.payload || ''y'' then raise notice ''never''; end if; return new; end';
    create trigger g after update on ml.t for each row execute function ml.f();
    insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
    update ml.t set id = id + 1;
    update ml.t set id = id + 1;
    update ml.t set id = id + 1;
    vacuum analyze ml.t"
)]
#[tokio::test(flavor = "multi_thread")]
async fn reads_by_whoever_keeps_a_table_make_no_column_hot(
    #[case] sql: &str,
    #[values("pg15", "deb19")] member: &str,
) {
    let Some((_db, analysis)) = seen(member, sql, SMALL).await else { return };
    for check in [HOT, SHARE, "toast/rows-just-above-threshold"] {
        assert!(finding(&analysis, check).is_none(), "{member}: {analysis:#?}");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_sample_of_analyze_as_large_as_it_is_set_makes_no_column_hot(
    #[values("deb18")] member: &str,
) {
    let sql = "create table ml.t (id int, words text[]);
        alter table ml.t alter id set statistics 1000;
        insert into ml.t select i, array(select md5((g * i)::text) from generate_series(1, 60) as g)
        from generate_series(1, 40000) as i;
        analyze ml.t;
        analyze ml.t;
        analyze ml.t;
        analyze ml.t;
        analyze ml.t;
        analyze ml.t;
        analyze ml.t;
        analyze ml.t;
        analyze ml.t;
        analyze ml.t;
        analyze ml.t;
        analyze ml.t";
    let Some((_db, analysis)) = seen(member, sql, SMALL).await else { return };
    assert!(finding(&analysis, HOT).is_none(), "{member}: {analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_deleted_take_all_their_values_with_them(
    #[values("pg15", "deb19")] member: &str,
) {
    let cycle =
        "insert into ml.t select i, 0, $WIDE, $WIDE, $WIDE from generate_series(1, 1200) as i;
        update ml.t set state = 1";
    let sql = format!(
        "create table ml.t (id int, state int, a text, b text, c text);
        {cycle};
        delete from ml.t;
        {cycle};
        delete from ml.t;
        {cycle};
        delete from ml.t;
        {cycle};
        delete from ml.t;
        {cycle};
        vacuum analyze ml.t"
    );
    let Some((_db, analysis)) = seen(member, &sql, SMALL).await else { return };
    let rewritten = "toast/rewritten-out-of-line-values";
    assert!(finding(&analysis, rewritten).is_none(), "{member}: {analysis:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn old_rows_that_are_logged_for_logical_decoding_make_no_column_hot() {
    let own = Own { purpose: "logical", settings: &["wal_level=logical"], ..Own::default() };
    let Some(server) = own_server("deb18", &own) else { return };
    let sql = "create table ml.t (id int, payload text);
        alter table ml.t replica identity full;
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
        analyze ml.t;
        update ml.t set id = id + 1;
        update ml.t set id = id + 1;
        update ml.t set id = id + 1";
    let db = made(server, sql).await;
    let analysis = analyse(&db, &request(SMALL)).await;
    assert!(finding(&analysis, HOT).is_none(), "{analysis:#?}");
    assert!(finding(&analysis, SHARE).is_none(), "{analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn counters_reset_a_moment_ago_are_a_gap_and_no_finding(
    #[values("pg15", "pg16", "deb19")] member: &str,
) {
    let sql = "create table ml.t (id int, payload text);
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
        vacuum analyze ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t";
    let Some(server) = server(member) else { return };
    let mut db = made(server, sql).await;
    db.run("select pg_stat_reset()").await;
    db.run(&format!("insert into ml.t select i, {WIDE} from generate_series(1, 3) as i")).await;
    db.settle().await;
    let analysis = analyse(&db, &request(SMALL)).await;
    for check in [HOT, SHARE, BLOATED] {
        assert!(finding(&analysis, check).is_none(), "{member}: {analysis:#?}");
        assert!(analysis.declined.iter().all(|declined| declined.check != check), "{analysis:#?}");
    }
    let gap = analysis.gaps.iter().find(|gap| gap.reason == GapReason::NotEnoughHistory);
    assert!(gap.is_some_and(|gap| gap.lift.is_some()), "{analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_nobody_ever_counted_is_judged_by_its_sample(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = "create table ml.t (id int, payload text);
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i";
    let Some(server) = server(member) else { return };
    let mut db = made(server, sql).await;
    db.run("select pg_stat_reset()").await;
    db.settle().await;
    let analysis = analyse(&db, &request(SMALL)).await;
    let rows = finding(&analysis, VAIN).map(|found| found.evidence[1].value.clone());
    assert_eq!(serde_json::to_value(rows).unwrap(), 1500, "{member}: {analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_default_of_the_database_is_the_default_of_its_columns(
    #[values("deb15", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    db.run(&format!("alter database {} set default_toast_compression = lz4", db.name)).await;
    db.settle().await;
    db.run("create schema ml").await;
    db.run("create table ml.t (id int, payload text)").await;
    db.run(&format!("insert into ml.t select i, {PACKED} from generate_series(1, 1500) as i"))
        .await;
    db.run("analyze ml.t").await;
    db.settle().await;
    let analysis = analyse(&db, &request(SMALL)).await;
    assert!(checks(&analysis).is_empty(), "{analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_chooses_lz4_by_itself_is_not_told_to(
    #[values("deb15", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    let writer = format!("writer_{}", db.name);
    db.run(&format!("create role {writer} login")).await;
    db.run(&format!(
        "alter role {writer} in database {} set default_toast_compression = lz4",
        db.name
    ))
    .await;
    db.run("create schema ml; create table ml.t (id int, payload text); set default_toast_compression = lz4").await;
    db.run(&format!("insert into ml.t select i, {PACKED} from generate_series(1, 1500) as i"))
        .await;
    db.run("analyze ml.t").await;
    db.settle().await;
    let analysis = analyse(&db, &request(SMALL)).await;
    db.run(&format!("drop role {writer}")).await;
    assert!(finding(&analysis, PGLZ).is_none(), "{analysis:#?}");
    assert!(analysis.declined.iter().any(|declined| declined.check == PGLZ), "{analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_view_of_values_that_come_in_lz4_is_not_told_to_compress_them(
    #[values("deb15", "deb18")] member: &str,
) {
    let sql = "create table ml.t (id int, payload text);
        alter table ml.t alter payload set compression lz4;
        insert into ml.t select i, $PACKED from generate_series(1, 1500) as i;
        create materialized view ml.v as select * from ml.t;
        analyze";
    let Some((_db, analysis)) = seen(member, sql, SMALL).await else { return };
    assert!(finding(&analysis, PGLZ).is_none(), "{analysis:#?}");
    assert!(analysis.declined.iter().any(|declined| declined.check == PGLZ), "{analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_column_set_back_to_pglz_is_judged_by_its_setting_alone(
    #[values("deb15", "deb18")] member: &str,
) {
    let sql = "create table ml.t (id int, payload text);
        alter table ml.t alter payload set compression lz4;
        insert into ml.t select i, $PACKED from generate_series(1, 1500) as i;
        alter table ml.t alter payload set compression pglz;
        analyze ml.t";
    let Some((_db, analysis)) = planted(member, sql, PGLZ).await else { return };
    assert!(finding(&analysis, MIXED).is_none(), "{analysis:#?}");
}

#[rstest]
#[case::without_a_replica_identity("create publication p for table ml.t")]
#[case::with_a_rule("create rule r as on update to ml.t do instead nothing")]
#[case::with_a_key_that_is_no_identity(
    "alter table ml.t add primary key (id) deferrable;
    create publication p for table ml.t"
)]
#[case::with_rows_that_were_never_checked(
    "alter table ml.t add constraint c check (id < 0) not valid"
)]
#[case::with_a_trigger_that_refuses(
    "create function ml.f() returns trigger language plpgsql as 'begin raise exception ''append only''; end';
    create trigger g before update on ml.t for each row execute function ml.f()"
)]
#[case::with_a_trigger_that_changes_rows_in_another_language(
    "create extension moddatetime schema public;
    alter table ml.t add changed timestamp default '2020-01-01';
    create trigger g before update on ml.t for each row execute function public.moddatetime(changed)"
)]
#[case::with_a_trigger_that_withholds_the_undo(
    "create trigger g before update on ml.t for each row execute function suppress_redundant_updates_trigger()"
)]
#[case::with_a_trigger_of_the_server_that_fills_a_column_for_search(
    "alter table ml.t add words tsvector;
    create trigger g before update on ml.t for each row
    execute function tsvector_update_trigger('words', 'pg_catalog.simple', 'payload')"
)]
#[case::with_a_trigger_that_returns_another_row(
    "create function ml.f() returns trigger language plpgsql as
    'begin return jsonb_populate_record(new, ''{\"id\": 0}''); end';
    create trigger g before update on ml.t for each row execute function ml.f()"
)]
#[case::with_a_trigger_that_assigns_the_row(
    "create function ml.f() returns trigger language plpgsql as
    'begin new = jsonb_populate_record(new, ''{\"id\": 0}''); return new; end';
    create trigger g before update on ml.t for each row execute function ml.f()"
)]
#[case::with_a_trigger_under_a_condition_of_no_change(
    "create function ml.f() returns trigger language plpgsql as 'begin new.id = 0; return new; end';
    create trigger g before update on ml.t for each row when (new.payload is distinct from 'final')
    execute function ml.f()"
)]
#[case::with_a_trigger_on_a_change_or_something_else(
    "create function ml.f() returns trigger language plpgsql as 'begin new.id = 0; return new; end';
    create trigger g before update on ml.t for each row
    when (old.payload is distinct from new.payload or new.id > 0) execute function ml.f()"
)]
#[case::with_a_trigger_that_changes_rows(
    "create function ml.f() returns trigger language plpgsql as 'begin new.id = 0; return new; end';
    create trigger g before update on ml.t for each row execute function ml.f()"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_refuses_updates_is_not_told_to_update_itself(
    #[case] refusal: &str,
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = format!(
        "create table ml.t (id int, payload text);
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
        {refusal};
        analyze ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t"
    );
    let Some((mut db, analysis)) = seen(member, &sql, SMALL).await else { return };
    let declined = analysis.declined.iter().find(|declined| declined.check == HOT);
    assert!(declined.is_some_and(|d| d.reason.contains("cannot be updated")), "{analysis:#?}");
    all_hold(&mut db, &analysis, &request(SMALL)).await;
}

#[rstest]
#[case::a_filter_on_other_columns("create publication p for table ml.t where (flag = 1)")]
#[case::a_list_without_the_key("create publication p for table ml.t (flag)")]
#[tokio::test(flavor = "multi_thread")]
async fn a_publication_of_a_part_refuses_updates_unless_the_identity_covers_it(
    #[case] refusal: &str,
    #[values("deb15", "deb18")] member: &str,
) {
    let sql = format!(
        "create table ml.t (id int primary key, flag int default 1, payload text);
        insert into ml.t select i, 1, $WIDE from generate_series(1, 1500) as i;
        {refusal};
        analyze ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t"
    );
    let Some((_db, analysis)) = seen(member, &sql, SMALL).await else { return };
    let declined = analysis.declined.iter().find(|declined| declined.check == HOT);
    assert!(declined.is_some_and(|d| d.reason.contains("cannot be updated")), "{analysis:#?}");
}

#[rstest]
#[case::a_trigger_that_only_looks_on(
    "create function ml.f() returns trigger language plpgsql as 'begin perform 1; return null; end';
    create trigger g after update on ml.t for each row execute function ml.f()"
)]
#[case::a_trigger_on_rows_that_changed(
    "create function ml.f() returns trigger language plpgsql as 'begin new.id = 0; return new; end';
    create trigger g before update on ml.t for each row when (old.* is distinct from new.*) execute function ml.f()"
)]
#[case::a_trigger_on_any_of_two_changes(
    "create function ml.f() returns trigger language plpgsql as 'begin new.id = 0; return new; end';
    create trigger g before update on ml.t for each row
    when (old.id is distinct from new.id or new.payload is distinct from old.payload) execute function ml.f()"
)]
#[case::a_publication_by_key(
    "alter table ml.t add primary key (id);
    create publication p for table ml.t"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_lets_updates_through_is_told_to_update_itself(
    #[case] harmless: &str,
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = format!(
        "create table ml.t (id int, payload text);
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
        {harmless};
        analyze ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t"
    );
    planted(member, &sql, HOT).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn columns_a_role_may_not_read_are_a_gap_with_their_grant(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = "create table ml.t (id int, label text, \"Pay load\" text);
        insert into ml.t select i, 'x', $WIDE from generate_series(1, 1500) as i;
        analyze ml.t";
    let Some(server) = server(member) else { return };
    let db = made(server, sql).await;
    let role = format!("partial_{}", db.name);
    db.run(&format!("create role {role} login; grant usage on schema ml to {role}")).await;
    db.run(&format!("grant select (id, label) on ml.t to {role}")).await;
    let target = database_optimizer::pg::Target::open("test", &db.dsn_as(&role), None).unwrap();
    let request = request(SMALL);
    let analysis = database_optimizer::analysis::analyse(&target, &request).await.unwrap();
    let gap = analysis.gaps.iter().find(|gap| gap.reason == GapReason::MissingPrivilege).unwrap();
    let lift = gap.lift.clone().unwrap();
    assert_eq!(lift, format!("GRANT SELECT (\"Pay load\") ON ml.t TO {role};"));
    db.run(&lift).await;
    let analysis = database_optimizer::analysis::analyse(&target, &request).await.unwrap();
    assert!(finding(&analysis, VAIN).is_some(), "{analysis:#?}");
    drop(target);
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_toast_table_that_is_mostly_air_is_written_anew_and_then_left_alone(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = "create table ml.t (id int, payload text);
        insert into ml.t select i, $WIDE from generate_series(1, 8000) as i;
        delete from ml.t where id % 7 <> 0;
        vacuum analyze ml.t";
    let Some((_db, analysis)) = planted(member, sql, BLOATED).await else { return };
    let advised = advice(&analysis, finding(&analysis, BLOATED).unwrap())[0];
    assert!(statements(advised).starts_with("VACUUM (FULL)"), "{advised:#?}");
    assert!(
        advised.undo.is_empty() && advised.caveats.iter().any(|c| c.contains("cannot be undone"))
    );
}

#[rstest]
#[case::that_comes_soon("autovacuum_naptime=30min", false)]
#[case::that_comes_once_a_day("autovacuum_naptime=1d", true)]
#[tokio::test(flavor = "multi_thread")]
async fn dead_chunks_are_left_to_an_autovacuum_and_found_without_one(
    #[case] setting: &str,
    #[case] fires: bool,
) {
    let own =
        Own { purpose: setting.split_once('=').unwrap().1, settings: &[setting], ..Own::default() };
    let Some(server) = own_server("deb18", &own) else { return };
    let sql = "create table ml.t (id int, payload text);
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
        vacuum analyze ml.t;
        update ml.t set payload = payload || 'x'";
    let db = made(server, sql).await;
    let analysis = analyse(&db, &request(SMALL)).await;
    assert_eq!(finding(&analysis, BLOATED).is_some(), fires, "{analysis:#?}");
    let declined = analysis.declined.iter().find(|declined| declined.check == BLOATED);
    assert_eq!(declined.is_some_and(|d| d.reason.contains("comes by itself")), !fires);
}

#[rstest]
#[case::of_the_toast_table("toast.autovacuum_enabled = 'F'")]
#[case::of_its_table("autovacuum_enabled = 'OFF'")]
#[tokio::test(flavor = "multi_thread")]
async fn an_autovacuum_switched_off_in_other_words_is_off(
    #[case] option: &str,
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = format!(
        "create table ml.t (id int, payload text) with ({option});
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
        update ml.t set payload = payload || 'x';
        analyze ml.t"
    );
    planted(member, &sql, BLOATED).await;
}

#[rstest]
#[case::with_a_threshold_out_of_reach(
    "toast.autovacuum_vacuum_threshold = 100000000, toast.autovacuum_vacuum_scale_factor = 0.01",
    "toast.autovacuum_vacuum_threshold = 50"
)]
#[case::with_a_factor_out_of_reach(
    "toast.autovacuum_vacuum_scale_factor = 9",
    "toast.autovacuum_vacuum_scale_factor = 0.02"
)]
#[case::switched_off_beside_a_factor_that_is_keen(
    "toast.autovacuum_enabled = off, toast.autovacuum_vacuum_scale_factor = 0.001",
    "toast.autovacuum_enabled = true"
)]
#[case::switched_off_with_its_table(
    "autovacuum_enabled = off, autovacuum_vacuum_scale_factor = 0.001",
    "toast.autovacuum_enabled = true, toast.autovacuum_vacuum_scale_factor = 0.02"
)]
#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_autovacuum_away_is_set_and_nothing_else(
    #[case] before: &str,
    #[case] set: &str,
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = format!(
        "create table ml.t (id int, payload text) with ({before});
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
        update ml.t set payload = payload || 'x';
        analyze ml.t"
    );
    let Some((_db, analysis)) = planted(member, &sql, BLOATED).await else { return };
    let advised = advice(&analysis, finding(&analysis, BLOATED).unwrap())[0];
    assert_eq!(advised.statements[0].sql, format!("ALTER TABLE ml.t SET ({set});"), "{member}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn counters_that_were_reset_empty_no_toast_table_that_may_not_be_sampled(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = "create table ml.counted (id int, payload text);
        insert into ml.counted select i, $WIDE from generate_series(1, 1500) as i;
        vacuum analyze ml.counted;
        create table ml.uncounted (id int, payload text);
        insert into ml.uncounted select i, $WIDE from generate_series(1, 1500) as i;
        analyze ml.uncounted";
    let Some(server) = server(member) else { return };
    let mut db = made(server, sql).await;
    let role = format!("monitor_{}", db.name);
    db.run(&format!("create role {role} login; grant pg_monitor to {role}")).await;
    db.run("select pg_stat_reset()").await;
    for table in ["counted", "uncounted"] {
        let sql =
            format!("insert into ml.{table} select i, {WIDE} from generate_series(1, 3) as i");
        db.run(&sql).await;
    }
    db.settle().await;
    let target = database_optimizer::pg::Target::open("test", &db.dsn_as(&role), None).unwrap();
    let analysis = database_optimizer::analysis::analyse(&target, &request(SMALL)).await.unwrap();
    drop(target);
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
    assert!(checks(&analysis).is_empty(), "{member}: {analysis:#?}");
    let gaps = analysis.gaps.iter().filter(|gap| gap.reason == GapReason::MissingPrivilege);
    assert_eq!(gaps.count(), 2, "{member}: {analysis:#?}");
}

#[rstest]
#[case::a_text("text", WIDE)]
#[case::a_vector(
    "public.vector(768)",
    "(select array_agg(sin(g + i)) from generate_series(1, 768) as g)::public.vector(768)"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_is_hidden_may_be_the_one_that_is_read_or_crowds_the_page(
    #[case] kind: &str,
    #[case] value: &str,
    #[values("pg15", "deb18")] member: &str,
) {
    let reads = "select sum(hashtext(hidden)) from ml.t;\n".repeat(9);
    let sql = format!(
        "create extension vector schema public;
        create table ml.t (id int, shown {kind}, hidden text);
        insert into ml.t select i, {value}, repeat($WIDE, 2) from generate_series(1, 1500) as i;
        analyze ml.t;
        update ml.t set hidden = hidden || 'x';
        update ml.t set hidden = hidden || 'x';
        update ml.t set hidden = hidden || 'x';
        vacuum analyze ml.t;\n{reads}"
    );
    let Some(server) = server(member) else { return };
    let db = made(server, &sql).await;
    let role = format!("partly_{}", db.name);
    db.run(&format!("create role {role} login; grant usage on schema ml to {role}")).await;
    db.run(&format!("grant select (id, shown) on ml.t to {role}")).await;
    let target = database_optimizer::pg::Target::open("test", &db.dsn_as(&role), None).unwrap();
    let analysis = database_optimizer::analysis::analyse(&target, &request(SMALL)).await.unwrap();
    drop(target);
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
    for check in [HOT, "toast/vector-out-of-line", "toast/rewritten-out-of-line-values"] {
        assert!(finding(&analysis, check).is_none(), "{member}: {analysis:#?}");
    }
    let hidden = analysis.declined.iter().any(|declined| declined.reason.contains("are hidden"));
    assert!(hidden, "{member}: {analysis:#?}");
}

#[rstest]
#[case::btree("(payload)")]
#[case::hash("using hash (payload)")]
#[tokio::test(flavor = "multi_thread")]
async fn a_strategy_that_would_reach_an_index_and_stay_there_is_not_advised(
    #[case] index: &str,
    #[values("pg15", "deb19")] member: &str,
) {
    let reads = "select sum(hashtext(payload)) from ml.t;\n".repeat(9);
    let sql = format!(
        "create table ml.t (id int, payload text);
        create index on ml.t {index};
        insert into ml.t select i, i || left($WIDE, 2560) from generate_series(1, 1500) as i;
        create table ml.packed (id int, payload text);
        insert into ml.packed select i, i || left($PACKED, 4000) from generate_series(1, 1500) as i;
        create index on ml.packed {index};
        analyze;\n{reads}{}",
        reads.replace("ml.t", "ml.packed")
    );
    let Some((mut db, analysis)) = seen(member, &sql, SMALL).await else { return };
    assert!(finding(&analysis, VAIN).is_none(), "{member}: {analysis:#?}");
    let declined = analysis.declined.iter().find(|declined| declined.check == VAIN);
    assert!(declined.is_some_and(|d| d.reason.contains("index")), "{member}: {analysis:#?}");
    assert!(finding(&analysis, HOT).is_some(), "{member}: {analysis:#?}");
    all_hold(&mut db, &analysis, &request(SMALL)).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_toast_table_that_no_vacuum_ever_counted_is_looked_into(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = "create table ml.t (id int, payload text);
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
        analyze ml.t";
    let Some(server) = server(member) else { return };
    let mut db = made(server, sql).await;
    db.run("select pg_stat_reset()").await;
    db.settle().await;
    let analysis = analyse(&db, &request(SMALL)).await;
    assert!(finding(&analysis, VAIN).is_some(), "{member}: {analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn ids_are_the_same_on_every_run_and_from_every_replica(#[values("deb18")] member: &str) {
    let sql = "create table ml.t (id int, payload text);
        insert into ml.t select i, $PACKED from generate_series(1, 1500) as i;
        analyze ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t";
    let Some((mut db, first)) = seen(member, sql, SMALL).await else { return };
    db.run("insert into ml.t select 1, 'one more row'").await;
    db.run("select sum(hashtext(payload)) from ml.t").await;
    db.settle().await;
    let second = analyse(&db, &request(SMALL)).await;
    let ids = |analysis: &Analysis| {
        let findings = analysis.findings.iter().map(|f| (f.id.clone(), f.recommendations.clone()));
        let mut ids: Vec<_> = findings.collect();
        ids.sort();
        ids
    };
    assert!(first.findings.len() >= 3, "{first:#?}");
    assert_eq!(ids(&first), ids(&second));
}
