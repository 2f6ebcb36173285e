//! Tables without a primary key.

use database_optimizer::model::{Severity, Superpower};
use rstest::rstest;

use super::{KEYLESS, planted, seen};
use crate::support::advice::{advice, all_hold, declined_reason, finding, found, only_advice};
use crate::support::{TABLES_FROM_100_KB, analyse, request_of};

// Missing primary keys.

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_unique_index_becomes_the_key_and_comes_back_with_its_comment(
    #[values("pg15", "pg16", "pg17", "pg18", "deb19")] member: &str,
) {
    let sql = "create table ml.\"Odd name\" (\"User\" bigint not null, at timestamptz not null, note text);
        create unique index \"Odd key\" on ml.\"Odd name\" (\"User\", at) with (fillfactor = 80);
        comment on index ml.\"Odd key\" is 'made in haste';
        create unique index by_note on ml.\"Odd name\" (note, \"User\", at);
        insert into ml.\"Odd name\" select i, now(), null from generate_series(1, 2000) as i;
        analyze ml.\"Odd name\"";
    let Some((analysis, _)) = planted(member, sql, KEYLESS).await else { return };
    assert_eq!(only_advice(&analysis, KEYLESS).action, "adopt_primary_key");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_unique_index_whose_columns_hold_no_null_becomes_the_key(
    #[values("pg15", "pg16", "deb19")] member: &str,
) {
    let sql = "create table ml.t (a bigint, b bigint);
        create unique index t_a on ml.t (a);
        insert into ml.t select i, i from generate_series(1, 2000) as i;
        analyze ml.t";
    let Some((analysis, _)) = planted(member, sql, KEYLESS).await else { return };
    assert_eq!(only_advice(&analysis, KEYLESS).action, "adopt_primary_key");
}

#[rstest]
#[case::partial("create unique index u on ml.t (a) where a > 10")]
#[case::expression("create unique index u on ml.t ((a + 1))")]
#[case::descending("create unique index u on ml.t (a desc)")]
#[case::covering("create unique index u on ml.t (a) include (b)")]
#[case::nullable("create unique index u on ml.t (b)")]
#[case::replica_identity(
    "create unique index u on ml.t (a);\nalter table ml.t replica identity using index u"
)]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_cannot_become_the_key_is_left_alone(#[case] index: &str) {
    let sql = format!(
        "create table ml.t (id int, a bigint not null, b bigint);
        {index};
        insert into ml.t select 1, i, nullif(i, 7) from generate_series(1, 2000) as i;
        analyze ml.t"
    );
    for member in ["pg15", "deb19"] {
        let Some((mut db, analysis)) = seen(member, &sql).await else { continue };
        for found in &analysis.findings {
            let actions: Vec<&str> =
                advice(&analysis, found).iter().map(|r| r.action.as_str()).collect();
            assert_eq!(actions, ["add_identity_key"], "{member}: {index}");
        }
        all_hold(&mut db, &analysis, &request_of(Superpower::HybridSchema, TABLES_FROM_100_KB))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_a_foreign_key_rests_on_is_left_alone() {
    let sql = "create table ml.t (a bigint not null, b text);
        create unique index u on ml.t (a);
        create table ml.of_t (id bigint primary key, a bigint references ml.t (a));
        insert into ml.t select i, 'x' from generate_series(1, 2000) as i;
        analyze ml.t";
    for member in ["pg15", "deb19"] {
        let Some((_, analysis)) = seen(member, sql).await else { continue };
        assert!(finding(&analysis, KEYLESS).is_none(), "{analysis:#?}");
        assert_eq!(declined_reason(&analysis, KEYLESS), "a unique constraint serves as one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_built_under_a_name_that_nothing_else_has() {
    let sql = "create table ml.t (id bigint, note text);
        create table ml.t_pkey (id bigint primary key);
        insert into ml.t select i, 'x' from generate_series(1, 2000) as i;
        analyze ml.t";
    for member in ["pg15", "deb19"] {
        planted(member, sql, KEYLESS).await;
    }
}

#[rstest]
#[case::deferred(
    "create table ml.t (a bigint not null unique deferrable)",
    "a unique constraint serves as one"
)]
#[case::unlogged("create unlogged table ml.t (a bigint)", "unlogged")]
#[case::staging("create table ml.stg_events (a bigint)", "a staging table")]
#[case::inherited(
    "create table ml.p (id bigint primary key);\ncreate table ml.t () inherits (ml.p)",
    "inheritance"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_may_do_without_a_key_is_declined(#[case] sql: &str, #[case] reason: &str) {
    let Some((_, analysis)) = seen("pg17", sql).await else { return };
    assert!(finding(&analysis, KEYLESS).is_none(), "{analysis:#?}");
    assert_eq!(declined_reason(&analysis, KEYLESS), reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partitioned_table_is_named_once_and_told_why_no_key_is_recommended() {
    let sql = "create table ml.t (a bigint, at date) partition by range (at);
        create table ml.t1 partition of ml.t for values from ('2026-01-01') to ('2026-02-01');
        create table ml.t2 partition of ml.t for values from ('2026-02-01') to ('2026-03-01');
        insert into ml.t select i, date '2026-01-01' + i % 59 from generate_series(1, 5000) as i;
        analyze ml.t";
    let Some((_, analysis)) = seen("pg16", sql).await else { return };
    assert_eq!(analysis.findings.len(), 1, "{analysis:#?}");
    assert!(analysis.recommendations.is_empty());
    assert_eq!(declined_reason(&analysis, KEYLESS), "partitioned");
}

#[rstest]
#[case::a_table("pg14", "table ml.t")]
#[case::all_tables("pg15", "all tables")]
#[case::a_schema("pg15", "tables in schema ml")]
#[case::a_schema("pg18", "tables in schema ml")]
#[tokio::test(flavor = "multi_thread")]
async fn a_published_table_without_a_key_is_urgent_unless_its_rows_are_identified(
    #[case] member: &str,
    #[case] of: &str,
) {
    let sql = format!(
        "create table ml.t (a bigint, b text);
        insert into ml.t select i % 10, 'x' from generate_series(1, 10000) as i;
        create publication p for {of};
        analyze ml.t"
    );
    let Some((db, analysis)) = seen(member, &sql).await else { return };
    assert_eq!(found(&analysis, KEYLESS).severity, Severity::High);
    db.run("alter table ml.t replica identity full").await;
    let analysis = analyse(&db, &request_of(Superpower::HybridSchema, TABLES_FROM_100_KB)).await;
    assert_eq!(found(&analysis, KEYLESS).severity, Severity::Medium);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_comes_twice_is_no_key_however_its_column_is_called() {
    let sql = "create table ml.events (event_id bigint, kind text);
        insert into ml.events select i % 1999, 'x' from generate_series(1, 2000) as i;
        analyze ml.events";
    let Some((analysis, _)) = planted("pg17", sql, KEYLESS).await else { return };
    assert_eq!(only_advice(&analysis, KEYLESS).action, "add_identity_key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_whose_row_type_is_a_column_s_takes_no_new_column() {
    let sql = "create table ml.t (a bigint);
        create table ml.other (id bigint primary key, row ml.t);
        insert into ml.t select 1 from generate_series(1, 2000) as i;
        analyze ml.t";
    let Some((_, analysis)) = seen("pg17", sql).await else { return };
    assert!(found(&analysis, KEYLESS).recommendations.is_empty(), "{analysis:#?}");
}
