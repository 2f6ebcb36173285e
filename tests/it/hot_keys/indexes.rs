//! Which index serves the calls of a key, and where none is advised.

use database_optimizer::model::{ProveMode, Verdict};
use rstest::rstest;

use super::{FILTERED, HOT, WIDE, actions, declined, judged, recommended, request};
use crate::support::advice::{all_hold, finding, only_advice};
use crate::support::{analyse, tables};

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
        let Some(db) = tables(member, &WIDE.replace("vacuum", &format!("{index};\nvacuum"))).await
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
    let Some(db) = tables("pg17", &WIDE.replace("vacuum", index)).await else { return };
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
        assert_eq!(only_advice(&analysis, HOT).action, "promote_key");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_for_containment_serves_calls_that_ask_for_containment() {
    let contains = "sql,calls,mean_ms
\"select id from ml.t where data @> '{\"\"customer\"\": 7}'\",1000,9
";
    let Some(db) = tables("pg17", WIDE).await else { return };
    let before = judged(&db, contains, ProveMode::Cheap).await;
    assert_eq!(only_advice(&before, HOT).action, "promote_key");
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
        let Some(mut db) = tables(member, &sql).await else { continue };
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
        let Some(db) = tables("pg17", &WIDE.replace("i % 100", values)).await else { return };
        let analysis = judged(&db, told(cast), ProveMode::Cheap).await;
        assert!(!actions(&analysis).contains(&"index_key"), "{values}: {analysis:#?}");
        declined(&analysis, reason);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_called_as_the_one_advised_would_be_is_left_alone() {
    let told = "sql,calls,mean_ms\n\"select id from ml.t where data ->> 'customer' = '7'\",900,9\n";
    let other = "create index t_data_customer_idx on ml.t (id) where id > 7;\nanalyze ml.t";
    let Some(db) = tables("pg17", &format!("{WIDE};\n{other}")).await else { return };
    let analysis = judged(&db, told, ProveMode::Cheap).await;
    assert!(!actions(&analysis).contains(&"index_key"), "{analysis:#?}");
    declined(&analysis, "no index: no name is left for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_called_like_a_system_column_gets_no_column_of_that_name() {
    let told = "sql,calls,mean_ms\n\"select id from ml.t where data ->> 'xmin' = '7'\",900,9\n";
    let Some(db) = tables("pg17", &WIDE.replace("customer", "xmin")).await else { return };
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
        let Some(db) = tables("pg17", &sql.replace("2000)", "20000)").replace("150)", "3)")).await
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
    let Some(mut db) = tables(member, sql).await else { return };
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
