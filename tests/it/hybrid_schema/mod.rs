//! What advice about schemas trips over in the field, each on real servers: planted faults that must be found and
//! corrected, healthy twins and half-truths that must raise nothing.

mod filling;
mod keys;

use database_optimizer::analysis;
use database_optimizer::model::{Analysis, GapReason, Number, ReportedFinding, Superpower};
use database_optimizer::pg::Target;
use rstest::rstest;

use crate::support::advice::{
    all_hold, declined_reason, evidence, evidence_number, finding, found, only_advice,
};
use crate::support::{TABLES_FROM_100_KB, TestDb, analyse, request_of, tables};

const KEYLESS: &str = "hybrid-schema/missing-primary-key";
const PADDED: &str = "hybrid-schema/padded-columns";
const TEXT: &str = "hybrid-schema/text-json";
const DEEP: &str = "hybrid-schema/deep-nesting";

async fn seen(member: &str, sql: &str) -> Option<(TestDb, Analysis)> {
    let db = tables(member, sql).await?;
    let analysis = analyse(&db, &request_of(Superpower::HybridSchema, TABLES_FROM_100_KB)).await;
    Some((db, analysis))
}

/// Plant a fault, find it, and hold every recommendation to its word.
async fn planted(member: &str, sql: &str, check: &str) -> Option<(Analysis, ReportedFinding)> {
    let (mut db, analysis) = seen(member, sql).await?;
    let found = found(&analysis, check).clone();
    all_hold(&mut db, &analysis, &request_of(Superpower::HybridSchema, TABLES_FROM_100_KB)).await;
    Some((analysis, found))
}

// Padding.

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_padding_that_is_told_is_what_another_order_saves(
    #[values("pg15", "deb19")] member: &str,
) {
    let columns = "seen boolean not null, id bigint not null primary key, kind smallint, at timestamptz,
        note text, amount numeric not null, kept boolean, score float8, ref uuid, small int, name varchar(20)";
    let fill = "insert into ml.t (id, seen, kind, at, note, amount, kept, score, ref, small, name)
        select i, i % 2 = 0, nullif(i % 4, 0), now(), repeat('x', i % 23), i * 1.5, nullif(i % 3, 0) = 1, i / 7.0,
            gen_random_uuid(), i, md5(i::text)::varchar(20) from generate_series(1, 30000) as i;
        analyze ml.t";
    let sql = format!("create table ml.t ({columns});\n{fill}");
    let Some((db, analysis)) = seen(member, &sql).await else { return };
    let found = found(&analysis, PADDED);
    // From 16 on, files are made longer than they are filled.
    let size =
        |table: &str| format!("select count(distinct (ctid::text::point)[0])::text from {table}");
    let now: f64 = db.text(&size("ml.t")).await.parse().unwrap();
    let Number::Name(order) = evidence(found, "column_order") else { panic!("{found:#?}") };
    db.run(&format!("create table ml.reordered as select {order} from ml.t")).await;
    let best: f64 = db.text(&size("ml.reordered")).await.parse().unwrap();
    let told = evidence_number(found, "row_bytes_reordered") + 4.0;
    let told = told / (evidence_number(found, "row_bytes") + 4.0);
    // What is reported is the least that is saved, whatever the lengths of the texts.
    let measured = best / now;
    assert!(measured <= told + 0.01 && measured > told - 0.06, "{member}: {measured} {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn order_is_no_matter_where_rounding_or_text_takes_the_gain() {
    let sql = "create table ml.rounded (a int not null, b bigint not null primary key);
        insert into ml.rounded select i, i from generate_series(1, 30000) as i;
        create table ml.texts (a text, b boolean, c text, d smallint, id bigint primary key);
        insert into ml.texts select repeat('x', i % 50), true, repeat('y', i % 70), 1, i
            from generate_series(1, 30000) as i;
        create table ml.small (a boolean, id bigint primary key, b boolean, c bigint, d boolean, e bigint);
        insert into ml.small select true, i, true, i, true, i from generate_series(1, 300) as i;
        analyze";
    let Some((_, analysis)) = seen("pg17", sql).await else { return };
    assert!(finding(&analysis, PADDED).is_none(), "{analysis:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_never_analyzed_leave_a_gap_that_analyze_lifts() {
    let sql = "create table ml.t (a boolean, id bigint primary key, b boolean, c bigint, d boolean, e bigint)
            with (autovacuum_enabled = off);
        insert into ml.t select true, i, true, i, true, i from generate_series(1, 30000) as i";
    let Some((db, analysis)) = seen("pg17", sql).await else { return };
    let gap = analysis.gaps.iter().find(|gap| gap.observation == "layouts").unwrap();
    assert_eq!(gap.lift.as_deref(), Some("ANALYZE ml.t;"));
    db.run(gap.lift.as_deref().unwrap()).await;
    let analysis = analyse(&db, &request_of(Superpower::HybridSchema, TABLES_FROM_100_KB)).await;
    found(&analysis, PADDED);
    assert!(analysis.gaps.iter().all(|gap| gap.observation == "workload"), "{analysis:#?}");
}

// Documents as text.

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_column_of_text_documents_is_converted_with_its_default_and_settings(
    #[values("pg15", "pg16", "pg17", "pg18", "deb19")] member: &str,
) {
    let sql = "create table ml.t (id bigint primary key, \"Doc\" json not null default json_build_object('a', 1));
        alter table ml.t alter column \"Doc\" set storage external;
        alter table ml.t alter column \"Doc\" set compression pglz;
        comment on column ml.t.\"Doc\" is 'as sent';
        insert into ml.t select i, ('{\"a\": ' || i || ', \"bb\": [1, \"x\"]}')::json
            from generate_series(1, 2000) as i;
        analyze ml.t";
    let Some((analysis, _)) = planted(member, sql, TEXT).await else { return };
    assert!(!only_advice(&analysis, TEXT).undo.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_come_back_otherwise_have_no_exact_undo() {
    let sql = "create table ml.t (id bigint primary key, doc json);
        insert into ml.t select i, ('{\"b\":1,\"a\":' || i || '}')::json from generate_series(1, 2000) as i;
        analyze ml.t";
    let Some((_, analysis)) = seen("pg17", sql).await else { return };
    let recommendation = only_advice(&analysis, TEXT);
    assert!(recommendation.undo.is_empty());
    assert!(recommendation.caveats.iter().any(|caveat| caveat.contains("no exact undo")));
}

#[rstest]
#[case::key_twice(r#"{"a": 1, "a": 2}"#)]
#[case::escaped_nul(r#"{"a": "\u0000"}"#)]
#[case::number_beyond_numeric("1e200000")]
#[tokio::test(flavor = "multi_thread")]
async fn documents_that_jsonb_would_not_keep_stay_text(#[case] document: &str) {
    let sql = format!(
        "create table ml.t (id bigint primary key, doc json);
        insert into ml.t select i, case i when 77 then '{document}' else '{{}}' end::json
            from generate_series(1, 1000) as i;
        analyze ml.t"
    );
    let Some((_, analysis)) = seen("pg16", &sql).await else { return };
    assert!(finding(&analysis, TEXT).is_none(), "{analysis:#?}");
    assert_eq!(declined_reason(&analysis, TEXT), "jsonb would not keep every document");
}

#[rstest]
#[case::view("create view ml.v as select doc from ml.t")]
#[case::check("alter table ml.t add check (json_typeof(doc) = 'object')")]
#[case::index("create index on ml.t ((doc ->> 'a'))")]
#[case::generated("alter table ml.t add column a text generated always as (doc ->> 'a') stored")]
#[case::policy("create policy p on ml.t using (doc ->> 'a' <> '')")]
#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_others_depend_on_is_named_and_not_converted(#[case] dependent: &str) {
    let sql = format!(
        "create table ml.t (id bigint primary key, doc json);
        insert into ml.t select i, '{{\"a\": 1}}' from generate_series(1, 1000) as i;
        {dependent};
        analyze ml.t"
    );
    for member in ["pg15", "deb19"] {
        let Some((_, analysis)) = seen(member, &sql).await else { continue };
        assert!(found(&analysis, TEXT).recommendations.is_empty(), "{analysis:#?}");
        assert_eq!(declined_reason(&analysis, TEXT), "its type cannot be changed alone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partitioned_table_is_converted_as_a_whole() {
    let sql = "create table ml.t (id bigint, at date, doc json, primary key (id, at)) partition by range (at);
        create table ml.t1 partition of ml.t for values from ('2026-01-01') to ('2026-02-01');
        create table ml.t2 partition of ml.t for values from ('2026-02-01') to ('2026-03-01');
        insert into ml.t select i, date '2026-01-01' + i % 59, '{\"a\": 1}' from generate_series(1, 5000) as i;
        analyze ml.t";
    for member in ["pg15", "deb19"] {
        let Some((analysis, found)) = planted(member, sql, TEXT).await else { continue };
        assert_eq!(found.object.to_string(), "ml.t.doc");
        assert_eq!(analysis.findings.len(), 1, "{analysis:#?}");
    }
}

#[rstest]
#[case::default("alter table ml.t2 alter column doc set default '{}'")]
#[case::storage("alter table ml.t2 alter column doc set storage external")]
#[tokio::test(flavor = "multi_thread")]
async fn partitions_with_settings_of_their_own_are_not_all_made_alike(#[case] own: &str) {
    let sql = format!(
        "create table ml.t (id bigint primary key, doc json) partition by range (id);
        create table ml.t1 partition of ml.t for values from (0) to (5000);
        create table ml.t2 partition of ml.t for values from (5000) to (6000);
        {own};
        insert into ml.t select i, '{{\"a\": 1}}' from generate_series(1, 5500) as i;
        analyze ml.t"
    );
    for member in ["pg15", "deb19"] {
        let Some((_, analysis)) = seen(member, &sql).await else { continue };
        assert!(found(&analysis, TEXT).recommendations.is_empty(), "{analysis:#?}");
        assert_eq!(declined_reason(&analysis, TEXT), "its type cannot be changed alone");
    }
}

// Nesting.

#[rstest]
#[case::in_objects(r#"{"a": {"b": {"c": {"d": 1}}}}"#, "a.b.c.d")]
#[case::in_arrays("[[[[1]]]]", "[][][][]")]
#[case::in_both(r#"{"items": [{"tags": ["x"]}]}"#, "items[].tags[]")]
#[tokio::test(flavor = "multi_thread")]
async fn documents_are_deep_in_objects_and_in_arrays(#[case] document: &str, #[case] path: &str) {
    let sql = format!(
        "create domain ml.doc as jsonb;
        create table ml.t (id bigint primary key, doc ml.doc);
        insert into ml.t select i, '{document}' from generate_series(1, 500) as i;
        analyze ml.t"
    );
    for member in ["pg15", "deb19"] {
        let Some((_, analysis)) = seen(member, &sql).await else { continue };
        let found = found(&analysis, DEEP);
        assert_eq!(found.object.to_string(), "ml.t.doc");
        assert_eq!(*evidence(found, "deepest_path"), Number::Name(path.to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_every_odd_kind_are_counted_and_none_is_deep() {
    let sql = "create table ml.t (id bigint primary key, doc jsonb, twice jsonb generated always as (doc) stored);
        insert into ml.t select i, case i % 7
                when 0 then '{}' when 1 then '[]' when 2 then '7' when 3 then '\"text\"' when 4 then null
                when 5 then jsonb_build_object(repeat('k', 70), 1, 'a\"b', 2, 'naïve', 3)
                else jsonb_build_object('key' || i, 1)
            end
            from generate_series(1, 3000) as i;
        insert into ml.t select 0, jsonb_build_object('wide', repeat('x', 1000000));
        analyze ml.t";
    let Some((_, analysis)) = seen("pg17", sql).await else { return };
    assert!(finding(&analysis, DEEP).is_none(), "{analysis:#?}");
    assert!(analysis.gaps.iter().all(|gap| gap.observation == "workload"), "{analysis:#?}");
}

// What cannot be seen.

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_our_role_may_not_read_are_a_gap_with_its_grant() {
    let sql = "create table ml.t (id bigint primary key, doc jsonb, other jsonb);
        insert into ml.t select i, '{\"a\": {\"b\": {\"c\": {\"d\": 1}}}}', '{}' from generate_series(1, 500) as i;
        analyze ml.t";
    let Some(db) = tables("pg17", sql).await else { return };
    let role = format!("reader_{}", db.name);
    db.run(&format!(
        "create role {role} login; grant usage on schema ml to {role}; grant select (id, other) on ml.t to {role}"
    ))
    .await;
    let target = Target::open("test", &db.dsn_as(&role), None).unwrap();
    let request = request_of(Superpower::HybridSchema, TABLES_FROM_100_KB);
    let analysis = analysis::analyse(&target, &request).await.unwrap();
    let gap = analysis.gaps.iter().find(|gap| gap.reason == GapReason::MissingPrivilege).unwrap();
    assert_eq!(
        gap.lift,
        Some(format!("GRANT USAGE ON SCHEMA ml TO {role}; GRANT SELECT (doc) ON ml.t TO {role};"))
    );
    assert!(finding(&analysis, DEEP).is_none());
    db.run(gap.lift.as_ref().unwrap()).await;
    let analysis = analysis::analyse(&target, &request).await.unwrap();
    found(&analysis, DEEP);
    drop(target);
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_of_schemas_costs_three_round_trips() {
    let sql = "create table ml.t (id bigint primary key, doc jsonb);
        insert into ml.t select i, '{\"a\": 1}' from generate_series(1, 500) as i";
    let Some((_, analysis)) = seen("pg18", sql).await else { return };
    assert_eq!(analysis.cost.round_trips, 3);
}

#[rstest]
#[case::an_index("create index events_user_id_idx on ml.events using gin (doc)")]
#[case::a_function(
    "create function ml.events_user_id_from_document(integer) returns integer language sql as 'select 1'"
)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_called_as_what_would_be_made_keeps_its_name(#[case] other: &str) {
    let sql = format!(
        "create table ml.users (id bigint primary key);
        create table ml.events (id bigint primary key, doc jsonb);
        {other};
        insert into ml.events select i, jsonb_build_object('user_id', i) from generate_series(1, 3000) as i;
        analyze"
    );
    let check = "hybrid-schema/business-key-in-document";
    for member in ["pg15", "deb19"] {
        let Some((_, analysis)) = seen(member, &sql).await else { continue };
        assert!(found(&analysis, check).recommendations.is_empty(), "{analysis:#?}");
        assert_eq!(declined_reason(&analysis, check), "no name is left for it");
    }
}

#[rstest]
#[case::a_column_has_it("alter table ml.events add column \"userId\" bigint")]
#[case::not_every_document_has_it("update ml.events set doc = '{}' where id % 10 = 0")]
#[case::it_is_null_at_times("update ml.events set doc = '{\"user_id\": null}' where id = 7")]
#[case::hardly_any_value_differs("update ml.events set doc = '{\"user_id\": 1}'")]
#[case::nobody_knows_it("update ml.events set doc = jsonb_build_object('request_id', id)")]
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_none_of_the_business_where(#[case] healthy: &str) {
    let sql = format!(
        "create table ml.users (id bigint primary key);
        create table ml.events (id bigint primary key, doc jsonb);
        insert into ml.events select i, jsonb_build_object('user_id', i) from generate_series(1, 1500) as i;
        {healthy};
        vacuum analyze ml.events"
    );
    let check = "hybrid-schema/business-key-in-document";
    let Some((_, analysis)) = seen("pg18", &sql).await else { return };
    assert!(finding(&analysis, check).is_none(), "{analysis:#?}");
}

// What a sample cannot promise.

#[rstest]
#[case::twice("insert into ml.events values (17, 'again')")]
#[case::null("insert into ml.events values (null, 'nobody')")]
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_fails_in_one_row_of_many_is_refuted_and_not_recommended(#[case] row: &str) {
    let sql = format!(
        "create table ml.events (event_id bigint, kind text);
        insert into ml.events select i, 'x' from generate_series(1, 200000) as i;
        analyze ml.events;
        {row}"
    );
    let Some((analysis, _)) = planted("pg17", &sql, KEYLESS).await else { return };
    assert_eq!(only_advice(&analysis, KEYLESS).action, "add_identity_key");
    assert!(
        declined_reason(&analysis, KEYLESS).contains("refuted adopt_primary_key"),
        "{analysis:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_document_of_many_that_jsonb_refuses_is_found_before_the_statement_fails() {
    let sql = "create table ml.t (id bigint primary key, doc json);
        insert into ml.t select i, '{\"a\": 1}' from generate_series(1, 60000) as i;
        insert into ml.t values (0, '{\"a\": \"\\u0000\"}');
        analyze ml.t";
    let Some((_, analysis)) = seen("pg17", sql).await else { return };
    for found in &analysis.findings {
        assert!(found.recommendations.is_empty(), "{analysis:#?}");
    }
}
