//! An index that is replaced: the new one is where the old one was, with what was set on it; the undo restores all of it.

use rstest::rstest;

use super::workload::judged;
use crate::support::TestDb;
use crate::support::advice::{advice, all_hold, execute_under, finding};
use crate::support::server;

const CLASS: &str = "gin/jsonb-ops-for-containment";
const CONTAINS: &str = "select id from ml.t where d @> '{\"b\": \"x\"}'";

/// Of each index: tablespace, options, comment and extensions, by the table that it is on.
async fn kept(db: &TestDb, with_names: bool) -> String {
    let name = if with_names { "c.relname" } else { "''" };
    db.text(&format!(
        "select json_agg(json_build_array(i.indrelid::regclass, {name}, coalesce(s.spcname, '-'), c.reloptions, \
             obj_description(c.oid, 'pg_class'), array(select e.extname from pg_depend as d \
             join pg_extension as e on e.oid = d.refobjid where d.objid = c.oid and d.deptype = 'x')) \
             order by i.indrelid::regclass::text)::text \
         from pg_index as i join pg_class as c on c.oid = i.indexrelid left join pg_tablespace as s on s.oid = c.reltablespace \
         where c.relnamespace = 'ml'::regnamespace"
    ))
    .await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_on_an_index_and_where_it_is_stored_is_set_on_the_one_in_its_place(
    #[values("pg15", "deb19")] member: &str,
    #[values(false, true)] partitioned: bool,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::filled(server, "create extension pg_trgm").await;
    db.run("set allow_in_place_tablespaces = on").await;
    let place = format!("place_{}", db.name);
    db.run(&format!("create tablespace {place} location ''")).await;
    let (divided, parts) = if partitioned {
        (
            " partition by range (id)",
            "create table ml.t_1 partition of ml.t for values from (0) to (3000);
create table ml.t_2 partition of ml.t default;
create index t_1_d on ml.t_1 using gin (d) with (fastupdate = off);
comment on index ml.t_1_d is 'of the first'",
        )
    } else {
        ("", "select 1")
    };
    let sql = format!(
        "create table ml.t (id bigint, d jsonb){divided};
{parts};
create index t_d on ml.t using gin (d) with (fastupdate = on, gin_pending_list_limit = 256) tablespace {place};
comment on index ml.t_d is 'it''s for the search page';
alter index ml.t_d depends on extension pg_trgm;
insert into ml.t select i, jsonb_build_object('a', i, 'b', md5(i::text)) from generate_series(1, 6000) as i;
analyze ml.t"
    );
    for statement in sql.split(";\n") {
        db.run(statement).await;
    }
    db.settle().await;
    let (analysis, request) = judged(&db, &[CONTAINS]).await;
    let found = finding(&analysis, CLASS).unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    let (before, named) = (kept(&db, false).await, kept(&db, true).await);
    assert!(before.contains(&place) && before.contains("pg_trgm"), "{before}");
    all_hold(&mut db, &analysis, &request).await;
    assert_eq!(kept(&db, true).await, named, "{member}: the undo");
    let replaced = advice(&analysis, found)[0];
    execute_under(&mut db, &replaced.statements, "public").await;
    assert_eq!(kept(&db, false).await, before, "{member}: {:#?}", replaced.statements);
    db.run("drop table ml.t").await;
    db.run(&format!("drop tablespace {place}")).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_younger_than_the_counters_is_not_called_unused(
    #[values("pg15", "deb19")] member: &str,
    #[values(true, false)] younger: bool,
) {
    let Some(server) = server(member) else { return };
    let index = "create index t_tags on ml.t using gin (tags)";
    let rows =
        "insert into ml.t select i, array['t' || i % 10] from generate_series(1, 20000) as i";
    let (first, second) = if younger { (rows, index) } else { (index, rows) };
    let table = "create table ml.t (id bigint, tags text[]) with (autovacuum_enabled = false)";
    let db = TestDb::filled(server, &format!("{table};\n{first};\n{second};\nanalyze ml.t")).await;
    let (_, mut request) = judged(&db, &["select id from ml.t where id = 7"]).await;
    request.policy.0.insert("unused_window_s_min".to_owned(), 0.0);
    let analysis = crate::support::analyse(&db, &request).await;
    let found = finding(&analysis, "gin/unused-index").is_some();
    assert_eq!(found, !younger, "{member}: {analysis:#?}");
    let says = analysis.gaps.iter().any(|gap| gap.detail.contains("younger than the counters"));
    assert_eq!(says, younger, "{member}: {analysis:#?}");
}
