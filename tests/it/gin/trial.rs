//! `jsonb_path_ops` in the place of `jsonb_ops`, tried out on a copy with the searches that the workload runs.

use database_optimizer::analysis::Request;
use database_optimizer::model::{Analysis, Proof, ProveMode, Superpower, Verdict};
use rstest::rstest;

use crate::support::advice::{advice, finding};
use crate::support::leftovers::{TRACES, until_hung_up};
use crate::support::{TestDb, analyse, request_of, server, workload};

const CHECK: &str = "gin/jsonb-ops-for-containment";

/// Each document has values of its own.
const VARIED: &str = "create table ml.features (id bigint, payload jsonb);
insert into ml.features
select i, jsonb_build_object('a', i, 'b', md5(i::text), 'c', i % 10, 'tags', jsonb_build_array('t' || i % 50))
from generate_series(1, 12000) as i;
create index features_payload on ml.features using gin (payload);
analyze ml.features";

/// Each document has one value under twelve of a thousand keys: one entry of `jsonb_ops`, and twelve of `jsonb_path_ops`. Either
/// class finds the row by one short list.
const REPEATED: &str = "create table ml.features (id bigint, payload jsonb);
insert into ml.features
select i, (select jsonb_object_agg('k' || (i * 7 + g * 83) % 1000, md5(i::text)) from generate_series(1, 12) as g)
from generate_series(1, 12000) as i;
create index features_payload on ml.features using gin (payload) with (fastupdate = off);
analyze ml.features";

async fn request(db: &TestDb, statements: &'static str) -> Request {
    let mut request = request_of(Superpower::Gin, &[("table_bytes_min", 100_000.0)]);
    request.scope.checks = vec![CHECK.to_owned()];
    request.workload = Some(workload(db, statements).await);
    Request { prove: ProveMode::Full, ..request }
}

fn proof(analysis: &Analysis) -> &Proof {
    let found = finding(analysis, CHECK).unwrap_or_else(|| panic!("{analysis:#?}"));
    let advised = advice(analysis, found);
    let [replace] = advised.as_slice() else { panic!("{analysis:#?}") };
    &replace.proof
}

#[rstest]
#[case::one_key(r#"select id from ml.features where payload @> '{""b"": ""x""}'"#)]
#[case::several_keys_and_an_element(
    r#"select * from ml.features where payload @> '{""tags"": [""x""], ""b"": ""x"", ""c"": 1}' limit 20"#
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_smaller_index_that_serves_the_same_searches_is_confirmed_and_leaves_nothing_behind(
    #[case] statement: &str,
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::filled(server, VARIED).await;
    let before = db.text(TRACES).await;
    let list = format!("sql,calls,mean_ms\n\"{statement}\",5000,0.4\n").leak();
    let analysis = analyse(&db, &request(&db, list).await).await;
    let proof = proof(&analysis);
    assert_eq!(proof.verdict, Verdict::Confirmed, "{member}: {proof:#?}");
    let names: Vec<_> = proof.measurements.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["call_ms", "index_bytes"], "{proof:#?}");
    let bytes = &proof.measurements[1];
    assert!(bytes.candidate < bytes.baseline && bytes.candidate > 0.0, "{bytes:?}");
    assert!(proof.measurements[0].candidate > 0.0, "{proof:#?}");
    assert!(proof.sample.as_ref().unwrap().rows > 5000, "{proof:#?}");
    until_hung_up(&db).await;
    db.settle().await;
    assert_eq!(db.text(TRACES).await, before, "{member}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_gets_much_larger_and_hardly_faster_is_refuted_with_the_numbers(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::filled(server, REPEATED).await;
    let list = "sql,calls,mean_ms\n\"select id from ml.features where payload @> '{\"\"k3\"\": \"\"x\"\"}'\",5000,0.4\n";
    let mut asked = request(&db, list).await;
    asked.prove = ProveMode::None;
    let unproved = analyse(&db, &asked).await;
    assert_eq!(proof(&unproved).reason.as_deref(), Some("no proof was asked for"));
    asked.prove = ProveMode::Full;
    let analysis = analyse(&db, &asked).await;
    assert!(analysis.recommendations.is_empty(), "{member}: {analysis:#?}");
    let declined = analysis.declined.iter().find(|declined| declined.check == CHECK);
    let declined = declined.unwrap_or_else(|| panic!("{analysis:#?}"));
    assert_eq!(declined.reason, "an experiment refuted replace_index jsonb_path_ops");
    for said in ["% more space", "call_ms", "index_bytes 2.1 MB -> 8"] {
        assert!(declined.detail.contains(said), "{declined:?}");
    }
}

#[rstest]
#[case::keys_that_are_parameters("select id from ml.features where payload @> $1")]
#[case::further_conditions(
    r#"select id from ml.features where payload @> '{""b"": ""x""}' and id > 7"#
)]
#[case::another_table(
    r#"select f.id from ml.features as f join ml.other as o on o.id = f.id where f.payload @> '{""b"": ""x""}'"#
)]
#[tokio::test(flavor = "multi_thread")]
async fn searches_that_a_copy_cannot_repeat_prove_nothing(
    #[case] statement: &str,
    #[values("deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::filled(server, &format!("{VARIED};\ncreate table ml.other (id bigint)")).await;
    let list = format!("sql,calls,mean_ms\n\"{statement}\",5000,0.4\n").leak();
    let analysis = analyse(&db, &request(&db, list).await).await;
    let proof = proof(&analysis);
    assert_eq!(proof.verdict, Verdict::NotRun, "{proof:#?}");
    assert!(
        proof.reason.as_ref().unwrap().contains("fewer than half of the searches"),
        "{proof:?}"
    );
}
