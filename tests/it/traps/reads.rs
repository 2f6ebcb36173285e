//! What must raise nothing: small and foreign tables, and reads that no query asked for.

use rstest::rstest;

use super::{HOT, SHARE, checks, filled, seen};
use crate::support::advice::finding;
use crate::support::{COLUMNS_FROM_100_KB, Own, analyse, own_server, request};

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
    let Some((_db, analysis)) = seen(member, sql, COLUMNS_FROM_100_KB).await else { return };
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
    let Some((_db, analysis)) = seen(member, &sql, COLUMNS_FROM_100_KB).await else { return };
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
    let Some((_db, analysis)) = seen(member, sql, COLUMNS_FROM_100_KB).await else { return };
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
    let Some((_db, analysis)) = seen(member, sql, COLUMNS_FROM_100_KB).await else { return };
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
    let Some((_db, analysis)) = seen(member, &sql, COLUMNS_FROM_100_KB).await else { return };
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
    let db = filled(server, sql).await;
    let analysis = analyse(&db, &request(COLUMNS_FROM_100_KB)).await;
    assert!(finding(&analysis, HOT).is_none(), "{analysis:#?}");
    assert!(finding(&analysis, SHARE).is_none(), "{analysis:#?}");
}
