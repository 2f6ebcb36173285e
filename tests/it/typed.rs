//! What documents are, whatever their column is called: text that holds JSON, keys of several types, and columns that the
//! workload reads.

use database_optimizer::analysis::Request;
use database_optimizer::model::{Severity, Superpower};
use rstest::rstest;

use crate::support::advice::{advice, finding, found};
use crate::support::{analyse, registered, request_of, tables, workload};

const TEXT: &str = "hybrid-schema/text-json";
const MIXED: &str = "hybrid-schema/mixed-key-types";

fn only(check: &str) -> Request {
    let mut request = request_of(Superpower::HybridSchema, &[]);
    request.scope.checks = vec![check.to_owned()];
    request
}

#[rstest]
#[case::wide("repeat(md5(i::text), 60)")]
#[case::narrow("'x'")]
#[tokio::test(flavor = "multi_thread")]
async fn text_that_holds_documents_is_found_however_wide(#[case] note: &str) {
    let sql = format!(
        "create table ml.events (id bigint primary key, payload text, plain varchar(40));
        insert into ml.events select i, jsonb_build_object('note', {note}, 'at', i)::text, 'n' || i
            from generate_series(1, 1000) as i;
        analyze ml.events"
    );
    for member in ["pg15", "deb19"] {
        let Some(db) = tables(member, &sql).await else { continue };
        let analysis = analyse(&db, &only(TEXT)).await;
        let of_text = found(&analysis, TEXT);
        assert_eq!(of_text.object.to_string(), "ml.events.payload", "{analysis:#?}");
        let [convert] = advice(&analysis, of_text).try_into().unwrap();
        assert!(
            convert.statements[0]
                .sql
                .contains("TYPE pg_catalog.jsonb USING payload::pg_catalog.jsonb")
        );
        assert!(convert.undo[0].sql.contains("TYPE pg_catalog.text"), "{convert:#?}");
    }
}

/// The sample may miss it, and reading every row does not.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn one_value_that_is_no_document_stands_against_the_cast(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = "create table ml.events (id bigint primary key, payload text);
        insert into ml.events select i, case when i = 29999 then 'none' else '{\"id\": 1}' end
            from generate_series(1, 30000) as i;
        analyze ml.events";
    let Some(db) = tables(member, sql).await else { return };
    let analysis = analyse(&db, &only(TEXT)).await;
    assert!(analysis.recommendations.is_empty(), "{analysis:#?}");
}

#[rstest]
#[case::numbers_and_texts(
    "case when i % 5 = 0 then to_jsonb(i || ' EUR') else to_jsonb(i) end",
    "(data ->> 'k')::numeric"
)]
#[case::numbers_in_texts("case when i % 5 = 0 then to_jsonb(i::text) else to_jsonb(i) end", "")]
#[case::lists_and_one(
    "case when i % 5 = 0 then to_jsonb(i) else jsonb_build_array(i) end",
    "jsonb_array_elements(data -> 'k')"
)]
#[case::truths(
    "case when i % 200 = 0 then to_jsonb(i) else to_jsonb(i % 2 = 0) end",
    "(data ->> 'k')::numeric"
)]
#[case::truths_and_texts(
    "case when i % 200 = 0 then to_jsonb('no'::text) else to_jsonb(i % 2 = 0) end",
    ""
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_several_types_is_reported_with_the_cast_that_fails(
    #[case] value: &str,
    #[case] fails: &str,
) {
    let sql = format!(
        "create table ml.t (id bigint primary key, data jsonb not null);
        insert into ml.t select i, jsonb_build_object('k', {value}) from generate_series(1, 2000) as i;
        analyze ml.t"
    );
    let Some(db) = tables("deb19", &sql).await else { return };
    let analysis = analyse(&db, &only(MIXED)).await;
    let mixed = found(&analysis, MIXED);
    assert_eq!(mixed.severity, Severity::Low, "a small table");
    assert_eq!(mixed.message.contains("fails"), !fails.is_empty(), "{mixed:#?}");
    assert!(mixed.message.contains(fails), "{mixed:#?}");
    if !fails.is_empty() {
        assert!(
            db.client.simple_query(&format!("select {fails} from ml.t")).await.is_err(),
            "{fails}"
        );
    }
    let large = request_of(Superpower::HybridSchema, &[("table_bytes_min", 1e5)]);
    let analysis = analyse(&db, &large).await;
    assert_eq!(found(&analysis, MIXED).severity, Severity::Medium, "{analysis:#?}");

    let contract = r#"{"type": "object", "properties": {"k": {}}}"#;
    let mut judged = only(MIXED);
    judged.scope.checks.push("hybrid-schema/schema-drift".to_owned());
    judged.contracts = vec![registered("ml.t.data", contract)];
    assert!(
        finding(&analyse(&db, &judged).await, MIXED).is_none(),
        "the contract says what it may be"
    );
}

#[rstest]
#[case::read("select payload from ml.features where id = 1", Some("by 97 % of the calls"))]
#[case::compared(
    "select id from ml.features where payload like '%x'",
    Some("by 97 % of the calls")
)]
#[case::not_read("select score from ml.features where id = 1", None)]
#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_most_calls_read_is_hot_whatever_the_counters_have_seen(
    #[case] statement: &str,
    #[case] expected: Option<&str>,
) {
    let sql = "create table ml.features (id bigint primary key, score real, payload text);
        insert into ml.features
        select i, i, (select string_agg(md5((g * i)::text), '') from generate_series(1, 95) as g) || i
        from generate_series(1, 8000) as i;
        analyze ml.features";
    let list = format!(
        "sql,calls,mean_ms\n\"{statement}\",970,1\n\"select score from ml.features where id = 2\",30,1\n"
    );
    let Some(db) = tables("deb19", sql).await else { return };
    let mut request = request_of(Superpower::Toast, &[]);
    request.scope.checks = vec!["toast/hot-column-out-of-line".to_owned()];
    let before = analyse(&db, &request).await;
    assert!(finding(&before, "toast/hot-column-out-of-line").is_none(), "{before:#?}");
    request.workload = Some(workload(&db, list.leak()).await);
    let analysis = analyse(&db, &request).await;
    let message =
        finding(&analysis, "toast/hot-column-out-of-line").map(|one| one.message.as_str());
    assert_eq!(message.is_some(), expected.is_some(), "{analysis:#?}");
    assert!(expected.is_none_or(|text| message.is_some_and(|it| it.contains(text))), "{message:?}");
}
