//! Partitions, inheritance, and kinds of tables and columns.

use rstest::rstest;

use super::{BLOATED, HOT, PGLZ, VAIN, column, object, planted, statements};
use crate::support::advice::{advice, finding};

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
