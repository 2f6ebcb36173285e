//! Which statements an index serves is PostgreSQL's decision: what the check of hot keys says of existing indexes is held to
//! `EXPLAIN` on real servers, statement by statement.

use database_optimizer::model::{Analysis, ProveMode, Superpower};
use rstest::rstest;

use crate::support::{TABLES_FROM_100_KB, TestDb, analyse, request_of, tables, workload};

const HOT: &str = "hybrid-schema/hot-key-in-document";

const TABLES: &str = "create table ml.t (id bigint primary key, tenant int not null, code text, data jsonb not null);
    insert into ml.t select i, i % 5, 'c' || i, jsonb_build_object('k', 'k' || i, 'n', i,
            'a', jsonb_build_object('b', 'b' || i, 'c', jsonb_build_object('d', 'd' || i)), 'note', repeat('x', 100))
        from generate_series(1, 3000) as i;
    create table ml.o (id bigint primary key, code text not null);
    insert into ml.o select i, 'k' || i from generate_series(1, 3000) as i;
    vacuum (analyze) ml.t;
    vacuum (analyze) ml.o";

/// An index, and statements that it may serve or not.
const CASES: &[(&str, &[&str])] = &[
    (
        "((data ->> 'k'))",
        &[
            "select id from ml.t where data ->> 'k' = 'k7'",
            "select id from ml.t where 'k7' = data ->> 'k'",
            "select id from ml.t as x where x.data ->> 'k' in ('k7', 'k8')",
            "select id from ml.t where data ->> 'k' = any (array['k7', 'k8'])",
            "select id from ml.t where (data ->> 'k')::text = 'k7'",
            "select id from ml.t where (data ->> 'k')::varchar = 'k7'",
            "select id from ml.t where cast(data ->> 'k' as varchar(20)) = 'k7'",
            "select id from ml.t where data ->> 'k' < 'k2' and tenant = 3",
            "select id from ml.t where data ->> 'k' between 'k2' and 'k3'",
            "select id from ml.t where data ->> 'k' not between 'k2' and 'k3'",
            "select id from ml.t where data ->> 'k' <> 'k7'",
            "select id from ml.t where data ->> 'k' not in ('k7', 'k8')",
            "select id from ml.t where not (data ->> 'k' = 'k7')",
            "select id from ml.t where not (data ->> 'k' <> 'k7')",
            "select id from ml.t where data ->> 'k' is null",
            "select id from ml.t where data ->> 'k' is distinct from 'k7'",
            "select id from ml.t where data ->> 'k' ilike 'k7%'",
            "select id from ml.t where data ->> 'k' = 'k7' or data ->> 'k' = 'k8'",
            "select id from ml.t where data ->> 'k' = 'k7' or code = 'c7'",
            "select id from ml.t where not (data ->> 'k' <> 'k7' or code = 'c1')",
            "select id from ml.t where (data ->> 'k', code) > ('k7', 'c7')",
            "select id from ml.t where (code, data ->> 'k') > ('c7', 'k7')",
            "select id from ml.t where (code, data ->> 'k') = ('c7', 'k7')",
            "select id from ml.t order by data ->> 'k' limit 10",
            "select id from ml.t order by data ->> 'k' desc limit 10",
            "select id from ml.t order by data ->> 'k' desc nulls last limit 10",
            "select id from ml.t order by data ->> 'k' nulls first limit 10",
            "select id from ml.t order by data ->> 'k', code limit 10",
            "select id from ml.t order by code, data ->> 'k' limit 10",
            "select id, data ->> 'k' as name from ml.t order by name limit 10",
            "select id from ml.t where tenant = 3 order by data ->> 'k' limit 10 offset 20",
            "select id from ml.t where (data ->> 'k', id) > ('k7', 7) order by data ->> 'k', id limit 20",
            "select id from ml.t where data ->> 'k' > 'k7' or (data ->> 'k' = 'k7' and id > 7)
                order by data ->> 'k', id limit 20",
            "select min(data ->> 'k') from ml.t",
            "select max(data ->> 'k') from ml.t where tenant = 3",
            "select max(data ->> 'k'), count(*) from ml.t",
            "select tenant, max(data ->> 'k') from ml.t group by tenant",
            "select data ->> 'k', count(*) from ml.t group by 1",
            "select t.id from ml.o join ml.t on t.data ->> 'k' = o.code where o.id = 7",
            "select t.id from ml.o, ml.t where o.code = t.data ->> 'k' and o.id = 7",
            "select id from ml.t where data ->> 'k' in (select code from ml.o where id < 5)",
            "select id from ml.o where exists (select from ml.t where t.data ->> 'k' = o.code) and id = 7",
            "with x as (select id, data ->> 'k' as name from ml.t) select id from x where name = 'k7'",
            "with x as materialized (select id, data ->> 'k' as name from ml.t) select id from x where name = 'k7'",
            "select id from (select * from ml.t) as x where x.data ->> 'k' = 'k7'",
            "update ml.t set tenant = 1 where data ->> 'k' = 'k7'",
            "delete from ml.t where data ->> 'k' = 'k7'",
            "select id from ml.t where lower(data ->> 'k') = 'k7'",
            "select id from ml.t where coalesce(data ->> 'k', '') = 'k7'",
            "select id from ml.t where data -> 'k' = '\"k7\"'",
            "select id from ml.t where data #>> '{k}' = 'k7'",
            "select id from ml.t where data['k'] = '\"k7\"'",
            "select id from ml.t where jsonb_extract_path_text(data, 'k') = 'k7'",
            "select id from ml.t where data @> '{\"k\": \"k7\"}'",
            "select id from ml.t where (data ->> 'k') || '' = 'k7'",
        ],
    ),
    (
        "(((data ->> 'n')::int))",
        &[
            "select id from ml.t where (data ->> 'n')::int = 7",
            "select id from ml.t where (data ->> 'n')::integer > 2990",
            "select id from ml.t where cast(data ->> 'n' as int4) in (7, 8)",
            "select id from ml.t where (data ->> 'n')::bigint = 7",
            "select id from ml.t where (data ->> 'n')::numeric = 7",
            "select id from ml.t where (data ->> 'n') = '7'",
            "select id from ml.t where (data -> 'n')::int = 7",
            "select id from ml.t where (data ->> 'n')::int + 1 = 8",
            "select id from ml.t order by (data ->> 'n')::int desc limit 5",
            "select max((data ->> 'n')::int) from ml.t",
        ],
    ),
    (
        "((data #>> '{a,b}'))",
        &[
            "select id from ml.t where data #>> '{a,b}' = 'b7'",
            "select id from ml.t where data #>> array['a', 'b'] = 'b7'",
            "select id from ml.t where data -> 'a' ->> 'b' = 'b7'",
            "select id from ml.t where data #> '{a}' ->> 'b' = 'b7'",
            "select id from ml.t where data['a'] ->> 'b' = 'b7'",
            "select id from ml.t where jsonb_extract_path_text(data, 'a', 'b') = 'b7'",
        ],
    ),
    (
        "((data -> 'a' -> 'c' ->> 'd'))",
        &[
            "select id from ml.t where data -> 'a' -> 'c' ->> 'd' = 'd7'",
            "select id from ml.t where (data['a']['c'] ->> 'd') = 'd7'",
            "select id from ml.t where (data -> 'a')['c'] ->> 'd' = 'd7'",
        ],
    ),
    (
        "((data['a']['c'] ->> 'd'))",
        &[
            "select id from ml.t where (data['a']['c'] ->> 'd') = 'd7'",
            "select id from ml.t where (data['a'])['c'] ->> 'd' = 'd7'",
            "select id from ml.t where data -> 'a' -> 'c' ->> 'd' = 'd7'",
            "select min(data['a']['c'] ->> 'd') from ml.t",
        ],
    ),
    (
        "((jsonb_extract_path_text(data, 'a', 'b')))",
        &[
            "select id from ml.t where jsonb_extract_path_text(data, 'a', 'b') = 'b7'",
            "select id from ml.t where jsonb_extract_path_text(data, variadic array['a', 'b']) = 'b7'",
            "select id from ml.t where data #>> '{a,b}' = 'b7'",
        ],
    ),
    (
        "(lower(data ->> 'k'))",
        &[
            "select id from ml.t where lower(data ->> 'k') = 'k7'",
            "select id from ml.t where lower((data ->> 'k')::varchar) = 'k7'",
            "select id from ml.t where upper(data ->> 'k') = 'K7'",
            "select id from ml.t order by lower(data ->> 'k') limit 5",
            "select id from ml.t where data ->> 'k' = 'k7'",
        ],
    ),
    (
        "(tenant, (data ->> 'k'))",
        &[
            "select id from ml.t where tenant = 3 and data ->> 'k' = 'k7'",
            "select id from ml.t where tenant = 3 order by data ->> 'k' limit 5",
        ],
    ),
    (
        "((data ->> 'k')) where data ->> 'k' is not null",
        &[
            "select id from ml.t where data ->> 'k' = 'k7'",
            "select max(data ->> 'k') from ml.t",
            "select id from ml.t where data ->> 'k' is null",
            "select id from ml.t order by data ->> 'k' limit 5",
        ],
    ),
    ("((data ->> 'k')) where tenant = 3", &["select id from ml.t where data ->> 'k' = 'k7'"]),
    (
        "using hash ((data ->> 'k'))",
        &[
            "select id from ml.t where data ->> 'k' = 'k7'",
            "select id from ml.t where data ->> 'k' > 'k7'",
            "select id from ml.t order by data ->> 'k' limit 5",
        ],
    ),
    (
        "((data ->> 'k') desc nulls last)",
        &[
            "select id from ml.t order by data ->> 'k' desc nulls last limit 5",
            "select id from ml.t order by data ->> 'k' desc limit 5",
            "select id from ml.t order by data ->> 'k' nulls first limit 5",
            "select id from ml.t where data ->> 'k' >= 'k7'",
        ],
    ),
    (
        "((data ->> 'k') text_pattern_ops)",
        &[
            "select id from ml.t where data ->> 'k' like 'k29%'",
            "select id from ml.t where data ->> 'k' = 'k7'",
            "select id from ml.t order by data ->> 'k' limit 5",
        ],
    ),
    (
        "((data ->> 'k') collate \"C\")",
        &[
            "select id from ml.t where (data ->> 'k') collate \"C\" = 'k7'",
            "select id from ml.t order by (data ->> 'k') collate \"C\" limit 5",
        ],
    ),
    (
        "using gin (data)",
        &[
            "select id from ml.t where data @> '{\"k\": \"k7\"}'",
            "select id from ml.t where data ? 'k'",
            "select id from ml.t where data @? '$.k ? (@ == \"k7\")'",
            "select id from ml.t where data ->> 'k' = 'k7'",
            "select id from ml.t where not data @> '{\"k\": \"k7\"}'",
        ],
    ),
    (
        "using gin (data jsonb_path_ops)",
        &[
            "select id from ml.t where data @> '{\"k\": \"k7\"}'",
            "select id from ml.t where data ? 'k'",
        ],
    ),
    ("((data -> 'k'))", &["select id from ml.t where data -> 'k' = '\"k7\"'"]),
];

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_serves_the_statements_that_explain_says_it_does(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(db) = tables(member, TABLES).await else { return };
    db.run("set search_path = ml, public").await;
    let (mut wrong, mut served, mut unserved) = (Vec::new(), 0, 0);
    for (index, statements) in CASES {
        let on = if index.starts_with("using") { "on ml.t" } else { "on ml.t using btree" };
        db.run(&format!("create index t_x {on} {index}")).await;
        db.run("analyze ml.t").await;
        for statement in *statements {
            let expected = is_read(&db, statement).await;
            let found = is_called_served(&db, statement).await;
            if expected {
                served += 1;
            } else {
                unserved += 1;
            }
            if expected != found {
                wrong.push(format!("{index}: {statement}: EXPLAIN {expected}, the check {found}"));
            }
        }
        db.run("drop index ml.t_x").await;
    }
    eprintln!("{member}: {served} served, {unserved} not");
    assert!(wrong.is_empty(), "{member}:\n{}", wrong.join("\n"));
    assert!(served >= 40 && unserved >= 35, "{served} {unserved}");
}

/// Whether the server finds rows by the index, or takes the first ones in its order, where reading the whole table is the
/// last resort.
async fn is_read(db: &TestDb, statement: &str) -> bool {
    let sql = format!("explain (costs off) {statement}");
    db.run("set enable_seqscan = off").await;
    let rows = db.client.simple_query(&sql).await;
    let rows = rows.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    db.run("reset enable_seqscan").await;
    let lines: Vec<String> = rows
        .iter()
        .filter_map(|row| match row {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .collect();
    let Some(at) = lines.iter().position(|line| line.contains("t_x")) else { return false };
    let below = lines[at + 1..].iter().take_while(|line| !line.trim_start().starts_with("->"));
    let finds = below.into_iter().any(|line| line.contains("Index Cond"));
    finds || lines[..at].iter().any(|line| line.contains("Limit"))
}

/// What the check says.
async fn is_called_served(db: &TestDb, statement: &str) -> bool {
    let quoted = statement.replace('"', "\"\"");
    let list = format!("sql,calls,mean_ms\n\"{quoted}\",1000,9\n");
    let analysis = judged(db, list.leak()).await;
    let declined = analysis.declined.iter().any(|declined| {
        declined.check == HOT && declined.reason == "an index on the key serves its calls"
    });
    let found = analysis.findings.iter().any(|finding| finding.check == HOT);
    assert!(declined != found, "{statement}: {analysis:#?}");
    declined
}

async fn judged(db: &TestDb, statements: &'static str) -> Analysis {
    let mut request = request_of(Superpower::HybridSchema, TABLES_FROM_100_KB);
    request.scope.checks = vec![HOT.to_owned()];
    request.workload = Some(workload(db, statements).await);
    request.prove = ProveMode::None;
    analyse(db, &request).await
}
