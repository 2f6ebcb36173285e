//! An index at half precision in the place of one at full precision, tried out on a copy.

use database_optimizer::analysis::Request;
use database_optimizer::model::{ProveMode, Superpower, Verdict};
use rstest::rstest;

use crate::prove::{TRACES, until_hung_up};
use crate::support::advice::{advice, finding};
use crate::support::{TestDb, analyse, request_of, server, workload};

const CHECK: &str = "vector/wide-elements";

const ITEMS: &str = "create schema ml;
create extension vector schema public;
create table ml.items (id bigint, \"Em bedding\" public.vector(384));
insert into ml.items
select i, (select array_agg(sin(i * g)) from generate_series(1, 384) as g)::public.vector(384)
from generate_series(1, 400) as i;
create index items_embedding on ml.items using hnsw (\"Em bedding\" public.vector_cosine_ops) with (m = 8);
analyze ml.items";

#[rstest]
#[case::searched(
    Some("sql,calls,mean_ms\n\"select id from ml.items order by \"\"Em bedding\"\" <=> $1 limit 10\",900,0.5\n"),
    &["call_ms", "index_bytes"]
)]
#[case::of_which_no_search_is_known(None, &["index_bytes"])]
#[tokio::test(flavor = "multi_thread")]
async fn half_the_bytes_are_confirmed_with_the_time_of_the_workloads_search(
    #[case] statements: Option<&'static str>,
    #[case] measured: &[&str],
    #[values("deb15", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    for statement in ITEMS.split(";\n") {
        db.run(statement).await;
    }
    db.settle().await;
    let before = db.text(TRACES).await;
    let policy = [("table_bytes_min", 0.0), ("dimensions_min", 128.0)];
    let mut request = request_of(Superpower::Vector, &policy);
    request.scope.checks = vec![CHECK.to_owned()];
    if let Some(statements) = statements {
        request.workload = Some(workload(&db, statements).await);
    }
    let analysis = analyse(&db, &Request { prove: ProveMode::Full, ..request }).await;
    let found = finding(&analysis, CHECK).unwrap_or_else(|| panic!("{analysis:#?}"));
    let advised = advice(&analysis, found);
    let [replace] = advised.as_slice() else { panic!("{analysis:#?}") };
    let proof = &replace.proof;
    assert_eq!(proof.verdict, Verdict::Confirmed, "{member}: {proof:#?}");
    let names: Vec<_> = proof.measurements.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, measured, "{proof:#?}");
    let bytes = proof.measurements.last().unwrap();
    assert!(bytes.candidate < 0.7 * bytes.baseline && bytes.candidate > 0.0, "{bytes:?}");
    until_hung_up(&db).await;
    db.settle().await;
    assert_eq!(db.text(TRACES).await, before, "{member}");
}
