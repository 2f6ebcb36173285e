//! Schemas as people have them: what is set beside a definition comes back with the undo, and what the server would
//! refuse is never advised.

use database_optimizer::model::{Analysis, Superpower};
use rstest::rstest;
use tokio_postgres::NoTls;

use crate::support::advice::{advice, all_hold, finding};
use crate::support::{TABLES_FROM_100_KB, TestDb, analyse, request_of, tables, workload};

const KEY: &str = "hybrid-schema/business-key-in-document";

/// Find a fault, and hold every recommendation to its word.
async fn planted(member: &str, superpower: Superpower, sql: &str, check: &str) -> Option<Analysis> {
    let mut db = tables(member, sql).await?;
    let policy = [TABLES_FROM_100_KB, &[("unused_window_s_min", 0.0)]].concat();
    let policy = if superpower == Superpower::Plan { &policy[..] } else { TABLES_FROM_100_KB };
    let request = request_of(superpower, policy);
    let analysis = analyse(&db, &request).await;
    assert!(finding(&analysis, check).is_some(), "{member}: no {check}: {analysis:#?}");
    all_hold(&mut db, &analysis, &request).await;
    Some(analysis)
}

/// The catalog of indexes that `all_hold` does not compare.
async fn beside(db: &TestDb) -> String {
    db.text(
        "select json_agg(json_build_array(i.indexrelid::regclass, t.spcname, i.indisclustered, i.indisvalid, \
             obj_description(i.indexrelid, 'pg_class'), (select json_agg(attstattarget order by attnum) \
             from pg_attribute where attrelid = i.indexrelid)) order by c.relname)::text \
         from pg_index as i join pg_class as c on c.oid = i.indexrelid \
         left join pg_tablespace as t on t.oid = c.reltablespace where c.relnamespace = 'ml'::regnamespace",
    )
    .await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_partition_s_index_comes_back_with_its_comment_its_statistics_and_its_clustering(
    #[values("pg15", "deb18")] member: &str,
) {
    let sql = "create table ml.\"Ev\" (id bigint, at date, n text) partition by range (at);
        create table ml.\"Ev 1\" partition of ml.\"Ev\" for values from ('2026-01-01') to ('2026-06-01');
        create table ml.\"Ev 2\" partition of ml.\"Ev\" default;
        insert into ml.\"Ev\" select i, date '2026-01-01' + i % 300, 'n' || i from generate_series(1, 20000) as i;
        create index \"By n\" on ml.\"Ev\" (lower(n));
        comment on index ml.\"Ev 1_lower_idx\" is 'of the first half';
        alter index ml.\"Ev 2_lower_idx\" alter column 1 set statistics 400;
        alter table ml.\"Ev 2\" cluster on \"Ev 2_lower_idx\";
        analyze ml.\"Ev\"";
    let Some(mut db) = tables(member, sql).await else { return };
    let request =
        request_of(Superpower::Plan, &[("table_bytes_min", 1e5), ("unused_window_s_min", 0.0)]);
    let analysis = analyse(&db, &request).await;
    assert!(finding(&analysis, "plan/unused-index").is_some(), "{analysis:#?}");
    let before = beside(&db).await;
    all_hold(&mut db, &analysis, &request).await;
    assert_eq!(beside(&db).await, before);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_takes_nulls_as_equal_is_no_primary_key(
    #[values("pg15", "deb18", "deb19")] member: &str,
) {
    let sql = "create table ml.t (id bigint, note text);
        insert into ml.t select i, 'n' from generate_series(1, 2000) as i;
        create unique index t_id on ml.t (id) nulls not distinct;
        analyze ml.t";
    planted(member, Superpower::HybridSchema, sql, "hybrid-schema/missing-primary-key").await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn no_column_is_promoted_where_no_trigger_or_update_could_fill_it(
    #[values("pg15", "deb18")] member: &str,
    #[values(
        "create table ml.f (id bigint primary key, raw text, data jsonb generated always as (raw::jsonb) stored);
         insert into ml.f (id, raw) select i, jsonb_build_object('userId', i % 500) from generate_series(1, 3000) as i",
        "create table ml.f (id bigint primary key, data jsonb);
         insert into ml.f select i, jsonb_build_object('userId', i % 500) from generate_series(1, 3000) as i;
         alter table ml.f enable row level security;
         alter table ml.f force row level security;
         create policy none on ml.f using (id < 0)"
    )]
    table: &str,
) {
    let sql = format!(
        "create table ml.users (id bigint primary key);\ninsert into ml.users values (1);\n{table};\nanalyze"
    );
    if let Some(analysis) = planted(member, Superpower::HybridSchema, &sql, KEY).await {
        let found = finding(&analysis, KEY).unwrap();
        assert!(advice(&analysis, found).is_empty(), "{found:#?}");
        assert!(analysis.declined.iter().any(|declined| declined.check == KEY));
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_new_index_takes_no_name_that_is_there_and_its_undo_drops_no_other(
    #[values("pg15", "deb18")] member: &str,
) {
    let sql = "create table ml.docs (id bigint, d jsonb);
        insert into ml.docs
        select i, jsonb_build_object('a', i, 'b', md5(i::text)) from generate_series(1, 20000) as i;
        create index docs_d_gin on ml.docs (id);
        create sequence ml.docs_d_gin_2;
        analyze ml.docs";
    let Some(mut db) = tables(member, sql).await else { return };
    let mut request = request_of(Superpower::Gin, &[("table_bytes_min", 1e6)]);
    let calls = "sql,calls,mean_ms\n\"select id from ml.docs where d @> '{\"\"b\"\": \"\"x\"\"}'\",5000,9\n";
    request.workload = Some(workload(&db, calls).await);
    let analysis = analyse(&db, &request).await;
    let found = finding(&analysis, "gin/missing-containment-index").unwrap();
    let sql = &advice(&analysis, found)[0].statements[0].sql;
    assert!(sql.contains(" docs_d_gin_3 "), "{sql}");
    all_hold(&mut db, &analysis, &request).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_owner_of_a_database_may_set_what_pgvector_defines_in_a_session_that_has_not_loaded_it(
    #[values("pg15", "deb18")] member: &str,
) {
    let sql = "create extension vector schema public;
        create table ml.items (id bigint, embedding public.vector(3));
        insert into ml.items
        select i, array[i, i % 7, 1]::public.vector(3) from generate_series(1, 2000) as i;
        create index items_embedding on ml.items using hnsw (embedding public.vector_l2_ops);
        analyze ml.items";
    let Some(db) = tables(member, sql).await else { return };
    let mut request = request_of(Superpower::Vector, TABLES_FROM_100_KB);
    let calls = "sql,calls,mean_ms\n\
        \"select id from ml.items order by embedding operator(public.<->) '[1,2,3]' limit 200\",500,2\n";
    request.workload = Some(workload(&db, calls).await);
    let analysis = analyse(&db, &request).await;
    let found = finding(&analysis, "vector/limit-above-ef-search").unwrap();
    let owner = format!("{}_owner", db.name);
    db.run(&format!("create role \"{owner}\" login")).await;
    db.run(&format!("alter database \"{}\" owner to \"{owner}\"", db.name)).await;
    for recommendation in advice(&analysis, found) {
        for statement in recommendation.statements.iter().chain(&recommendation.undo) {
            let dsn = db.server.dsn(&db.name).replacen("postgres@", &format!("{owner}@"), 1);
            let (client, connection) = tokio_postgres::connect(&dsn, NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute(&statement.sql).await.unwrap();
        }
    }
    let left = "select count(*)::text from pg_db_role_setting where setdatabase = \
                (select oid from pg_database where datname = current_database())";
    assert_eq!(db.text(left).await, "0");
    db.run(&format!("alter database \"{}\" owner to postgres", db.name)).await;
    db.run(&format!("drop role \"{owner}\"")).await;
}
