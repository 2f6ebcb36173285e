//! Which searches an index serves: by its class, its predicate and its operators.

use database_optimizer::model::Analysis;
use rstest::rstest;

use super::workload::judged;
use crate::support::advice::{all_hold, finding};
use crate::support::{TestDb, analyse, server};

pub(super) const MISSING: &str = "gin/missing-containment-index";
const UNSERVED: &str = "gin/unservable-operator";
pub(super) const CLASS: &str = "gin/jsonb-ops-for-containment";
const UNUSED: &str = "gin/unused-index";

const ROWS: &str = "create table ml.t (id bigint, d jsonb, gone timestamptz);
insert into ml.t select i, jsonb_build_object('a', i, 'b', md5(i::text)), case when i % 10 > 0 then now() end
from generate_series(1, 6000) as i;
analyze ml.t";

pub(super) const CONTAINS: &str = "select id from ml.t where d @> '{\"b\": \"x\"}'";
pub(super) const HAS_KEY: &str = "select id from ml.t where d ? 'b'";
pub(super) const BY_TEXT: &str = "select id from ml.t where d ->> 'b' = 'x'";
const BY_RANGE: &str = "select id from ml.t where d ->> 'b' > 'x'";

pub(super) fn checks(analysis: &Analysis) -> Vec<&str> {
    let found = analysis.findings.iter().map(|one| one.check.as_str());
    found.filter(|check| *check != "gin/known-defect").collect()
}

#[rstest]
#[case::paths_lack_keys("create index t_d on ml.t using gin (d jsonb_path_ops)", HAS_KEY, &[MISSING])]
#[case::paths_have_containment("create index t_d on ml.t using gin (d jsonb_path_ops)", CONTAINS, &[])]
#[case::rows_that_no_search_asks_for(
    "create index t_d on ml.t using gin (d) where gone is not null", CONTAINS, &[MISSING]
)]
#[case::a_hash_serves_equality(
    "create index t_d on ml.t using gin (d jsonb_path_ops);\ncreate index t_b on ml.t using hash ((d ->> 'b'))", BY_TEXT, &[]
)]
#[case::a_hash_serves_no_range(
    "create index t_d on ml.t using gin (d jsonb_path_ops);\ncreate index t_b on ml.t using hash ((d ->> 'b'))",
    BY_RANGE,
    &[UNSERVED]
)]
#[case::an_expression_of_other_rows(
    "create index t_d on ml.t using gin (d jsonb_path_ops);\ncreate index t_b on ml.t ((d ->> 'b')) where gone is not null",
    BY_TEXT,
    &[UNSERVED]
)]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_serves_what_its_class_and_its_predicate_let_it(
    #[case] indexes: &str,
    #[case] statement: &str,
    #[case] expected: &[&str],
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::filled(server, &format!("{ROWS};\n{indexes}")).await;
    let (analysis, request) = judged(&db, &[statement]).await;
    assert_eq!(checks(&analysis), expected, "{member}: {analysis:#?}");
    all_hold(&mut db, &analysis, &request).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_the_workload_searches_is_not_called_unused() {
    let Some(server) = server("deb18") else { return };
    let db =
        TestDb::filled(server, &format!("{ROWS};\ncreate index t_d on ml.t using gin (d)")).await;
    let (_, mut request) = judged(&db, &[CONTAINS]).await;
    request.policy.0.insert("unused_window_s_min".to_owned(), 0.0);
    let analysis = analyse(&db, &request).await;
    assert_eq!(checks(&analysis), [CLASS], "{analysis:#?}");
    let declined = analysis.declined.iter().find(|one| one.check == UNUSED).unwrap();
    assert_eq!(declined.reason, "the workload searches its column");

    let (_, mut request) = judged(&db, &[BY_TEXT]).await;
    request.policy.0.insert("unused_window_s_min".to_owned(), 0.0);
    let analysis = analyse(&db, &request).await;
    assert!(finding(&analysis, UNUSED).is_some(), "it serves no `->>`: {analysis:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_over_an_array_is_indexed_as_the_array_is() {
    let Some(server) = server("deb19") else { return };
    let rows = "create domain ml.tags as text[];
create domain ml.points as point[];
create table ml.t (id bigint, tags ml.tags, points ml.points);
insert into ml.t select i, array[md5(i::text), md5((i + 1)::text)], array[point(i, i)] from generate_series(1, 6000) as i;
analyze ml.t";
    let mut db = TestDb::filled(server, rows).await;
    let statements = [
        "select id from ml.t where tags @> array['x']",
        "select id from ml.t where points @> array[point(1, 1)]",
    ];
    let (analysis, request) = judged(&db, &statements).await;
    assert_eq!(checks(&analysis), [MISSING], "{analysis:#?}");
    assert!(finding(&analysis, MISSING).unwrap().message.contains("tags"));
    all_hold(&mut db, &analysis, &request).await;
}
