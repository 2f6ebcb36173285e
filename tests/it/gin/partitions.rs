//! Searches of a partitioned table, and of partitions that statements name.

use rstest::rstest;

use super::serving::{BY_TEXT, CLASS, CONTAINS, HAS_KEY, MISSING, checks};
use super::workload::judged;
use crate::support::advice::{all_hold, finding};
use crate::support::{TestDb, server};

const ROWS: &str = "create table ml.t (id bigint, tenant int, d jsonb) partition by range (id);
create table ml.t_1 partition of ml.t for values from (0) to (3000);
create table ml.t_2 partition of ml.t default;
insert into ml.t select i, i % 500, jsonb_build_object('a', i, 'b', md5(i::text)) from generate_series(1, 6000) as i;
analyze ml.t";

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_have_an_index_each_need_none_of_their_root() {
    let Some(server) = server("deb18") else { return };
    let indexes = "create index on ml.t using gin (d jsonb_path_ops);
create index on ml.t_1 ((d ->> 'b'));
create index on ml.t_2 ((d ->> 'b'))";
    let db = TestDb::filled(server, &format!("{ROWS};\n{indexes}")).await;
    let (analysis, _) = judged(&db, &[BY_TEXT]).await;
    assert!(checks(&analysis).is_empty(), "{analysis:#?}");

    db.run("drop index ml.t_d_idx").await;
    db.run("create index on ml.t_1 using gin (d)").await;
    let (analysis, _) = judged(&db, &[CONTAINS]).await;
    assert!(finding(&analysis, MISSING).is_none(), "{analysis:#?}");
    let partly = analysis.declined.iter().find(|one| one.check == MISSING).unwrap();
    assert!(partly.detail.contains("1 of 2 partitions have none: ml.t_2;"), "{partly:#?}");
}

/// Statements that name a partition are counted for its table.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn statements_that_name_a_partition_are_advised_an_index_of_the_table(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::filled(server, ROWS).await;
    let of_part = CONTAINS.replace("ml.t", "ml.t_1");
    let (analysis, request) = judged(&db, &[&of_part]).await;
    assert_eq!(checks(&analysis), [MISSING], "{member}: {analysis:#?}");
    all_hold(&mut db, &analysis, &request).await;
}

#[rstest]
#[case::of_the_partition("create index on ml.t_1 (tenant)", true)]
#[case::of_the_table("create index on ml.t (tenant)", false)]
#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_an_index_leaves_few_rows_of_needs_no_other(
    #[case] index: &str,
    #[case] is_gap: bool,
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::filled(server, &format!("{ROWS};\n{index}")).await;
    let by_tenant = "select id from ml.t_1 where tenant = 7 and d @> '{\"b\": \"x\"}'";
    let (analysis, _) = judged(&db, &[by_tenant]).await;
    assert!(checks(&analysis).is_empty(), "{member}: {analysis:#?}");
    let gap = analysis.gaps.iter().find(|gap| gap.observation == "column_statistics");
    assert_eq!(gap.is_some(), is_gap, "{member}: {gap:#?}");
}

/// A class of paths would take the keys from those.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn keys_that_statements_search_in_a_partition_keep_the_class_of_the_whole_index(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db =
        TestDb::filled(server, &format!("{ROWS};\ncreate index t_d on ml.t using gin (d)")).await;
    let (analysis, _) = judged(&db, &[CONTAINS]).await;
    assert_eq!(checks(&analysis), [CLASS], "{member}: {analysis:#?}");
    let (analysis, _) = judged(&db, &[CONTAINS, &HAS_KEY.replace("ml.t", "ml.t_2")]).await;
    assert!(checks(&analysis).is_empty(), "{member}: {analysis:#?}");
}
