//! A search gets the rows that it asks for.

use super::{items, judged};
use crate::support::TestDb;
use crate::support::advice::{advice, finding};

/// Rows that a statement returns, in a session of its own.
async fn rows_of(db: &mut TestDb, statement: &str) -> usize {
    db.settle().await;
    // The planner would rather scan a table this small.
    db.run("set enable_seqscan = off").await;
    db.client.query(statement, &[]).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn v1_a_search_gets_the_rows_that_it_asks_for_once_the_advice_is_taken() {
    for member in ["pg15", "pg18"] {
        let index =
            "create index items_embedding on ml.items using hnsw (embedding ext.vector_l2_ops)";
        let Some(mut db) = items(member, index).await else { continue };
        let wide = "sql,calls,mean_ms
\"select id from ml.items order by embedding operator(ext.<->) '[1,2,3]' limit 200\",500,2
\"select id from ml.items where tenant = 7 order by embedding operator(ext.<->) '[1,2,3]' limit 10\",500,2
";
        let settings = "select coalesce(string_agg(setconfig::text, ',' order by setdatabase, setrole), '')
            from pg_db_role_setting where setdatabase = (select oid from pg_database where datname = current_database())";
        let limited =
            "select id from ml.items order by embedding operator(ext.<->) '[1,2,3]' limit 200";
        let filtered = "select id from ml.items where tenant = 7
            order by embedding operator(ext.<->) '[1,2,3]' limit 10";
        let (analysis, _) = judged(&db, &[], wide).await;
        assert_eq!(rows_of(&mut db, limited).await, 40, "{member}: what is reported is so");
        assert!(rows_of(&mut db, filtered).await < 10, "{member}: what is reported is so");
        for (check, statement, rows) in [
            ("vector/limit-above-ef-search", limited, 200),
            ("vector/filtered-search", filtered, 10),
        ] {
            let found = finding(&analysis, check).unwrap();
            let advised = advice(&analysis, found);
            assert_eq!(advised.len(), 2, "{member}: {advised:#?}");
            for recommendation in advised {
                let before = db.text(settings).await;
                for statement in &recommendation.statements {
                    db.run(&statement.sql).await;
                }
                let returned = rows_of(&mut db, statement).await;
                assert_eq!(returned, rows, "{member}: {}", recommendation.title);
                for statement in &recommendation.undo {
                    db.run(&statement.sql).await;
                }
                assert_eq!(db.text(settings).await, before, "{member}: {}", recommendation.title);
            }
        }
    }
}
