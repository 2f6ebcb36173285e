//! Codes for long keys, on real servers: what they save, where they save nothing, what they must not break, and that
//! documents come back as they were.

mod trials;

use database_optimizer::model::{Analysis, Severity, Superpower};
use rstest::rstest;

use crate::support::advice::{
    advice, all_hold, declined_reason, evidence_number, finding, found, only_advice,
};
use crate::support::{TestDb, analyse, request_of, tables};

const LONG: &str = "hybrid-schema/long-keys";

/// Thresholds small enough for tables that are made in no time.
const SMALL: &[(&str, f64)] = &[("table_bytes_min", 1e5), ("key_instances_max", 10_000.0)];

/// A table whose names take more than its values.
const FEATURES: &str = "create table ml.features (id bigint primary key, data jsonb not null, note text);
    insert into ml.features select i, jsonb_build_object(
            'user_identifier', i, 'session_identifier', i % 977, 'average_basket_value', i % 89,
            'history_of_orders', jsonb_build_array(jsonb_build_object('ordered_quantity', i % 5), null, 7)
        ), 'n' || i
        from generate_series(1, 6000) as i;
    vacuum (analyze) ml.features";

async fn looked_at(member: &str, sql: &str) -> Option<(TestDb, Analysis)> {
    let db = tables(member, sql).await?;
    let analysis = looked_again(&db).await;
    Some((db, analysis))
}

async fn looked_again(db: &TestDb) -> Analysis {
    analyse(db, &request_of(Superpower::HybridSchema, SMALL)).await
}

async fn number_of(db: &TestDb, sql: &str) -> f64 {
    db.text(sql).await.parse().unwrap()
}

// What is recommended.

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn documents_of_every_odd_kind_get_codes_and_come_back_as_they_were(
    #[values("pg15", "pg16", "pg17", "pg18", "deb15", "deb19")] member: &str,
) {
    let sql = r#"create table ml."Odd "" t%s $1" ("select" bigint primary key, "Da'ta" jsonb, "weiß" text default 'x');
        create function ml.touched() returns trigger language plpgsql as 'begin perform 1; return new; end';
        create trigger touched before update on ml."Odd "" t%s $1" for each row execute function ml.touched();
        insert into ml."Odd "" t%s $1" select i, case i % 12
                when 0 then 'null' when 1 then '[]' when 2 then '{}' when 3 then '"a string"' when 4 then null
                when 5 then '[{"a ''quoted'' \"key\"": 1.50}, [[{"back\\slash and more": null}]], "user_identifier"]'
                else jsonb_build_object('größe_der_bestellung', i, 'dotted.key.of.it', i % 7, '100%s %% of it', i,
                    '$dbopt$ and $$', jsonb_build_object('user_identifier', i, 'select', jsonb_build_array(i, null)),
                    '', 1, 'ab', 2, 'ключ', 3, 'tab	and
newline', 4)
            end
            from generate_series(1, 6000) as i;
        vacuum (analyze) ml."Odd "" t%s $1""#;
    let Some((mut db, analysis)) = looked_at(member, sql).await else { return };
    let recommendation = only_advice(&analysis, LONG);
    assert_eq!(recommendation.action, "shorten_keys");
    assert_eq!(found(&analysis, LONG).severity, Severity::Medium);
    all_hold(&mut db, &analysis, &request_of(Superpower::HybridSchema, SMALL)).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_view_has_the_long_keys_before_and_after_the_update_and_the_dictionary_tells_the_codes(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some((db, analysis)) = looked_at(member, FEATURES).await else { return };
    db.run("create table ml.before as select * from ml.features").await;
    let statements = &only_advice(&analysis, LONG).statements;
    let (update, first) = (statements.len() - 2, &statements[..statements.len() - 2]);
    for statement in first {
        db.run(&statement.sql).await;
    }
    let differs =
        "select count(*)::text from (table ml.before except table ml.features_data_long) as x";
    assert_eq!(db.text(differs).await, "0");
    // Half of it, as if it had been stopped.
    db.run("update ml.features set data = ml.features_data_shorten(data) where id % 2 = 0").await;
    assert_eq!(db.text(differs).await, "0");
    db.run(&statements[update].sql).await;
    assert_eq!(db.text(differs).await, "0");
    let written = "select sum(xmin::text::bigint)::text from ml.features";
    let once = db.text(written).await;
    db.run(&statements[update].sql).await;
    assert_eq!(db.text(written).await, once, "rows that have their codes are written again");
    assert_eq!(
        db.text("select data::text from ml.features where id = 7").await,
        r#"{"abv": 7, "hoo": [{"oqu": 2}, null, 7], "sid": 7, "uid": 7}"#
    );
    let codes =
        "select string_agg(code || ' ' || key, ', ' order by code) from ml.features_data_keys";
    assert_eq!(
        db.text(codes).await,
        "abv average_basket_value, hoo history_of_orders, oqu ordered_quantity, sid session_identifier, uid user_identifier"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_holds_a_code_already_stops_the_change_before_it_begins() {
    for member in ["pg15", "deb19"] {
        let Some((db, analysis)) = looked_at(member, FEATURES).await else { continue };
        db.run(r#"insert into ml.features values (0, '[1, {"deep": [{"uid": 1}]}]')"#).await;
        let first = &only_advice(&analysis, LONG).statements[0];
        let refused = db.client.simple_query(&first.sql).await.unwrap_err();
        let message = refused.as_db_error().unwrap().message().to_owned();
        assert!(message.contains("one of the codes as a key already"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_one_document_of_many_holds_as_a_key_is_seen_before_the_statements_fail() {
    let sql = FEATURES.replace("6000", "20000").replace(
        "vacuum",
        r#"update ml.features set data = '[{"deep": [{"uid": 1}]}]' where id = 9999;
        vacuum"#,
    );
    for member in ["pg15", "deb19"] {
        let Some((_, analysis)) = looked_at(member, &sql).await else { continue };
        assert!(found(&analysis, LONG).recommendations.is_empty(), "{analysis:#?}");
        assert_eq!(declined_reason(&analysis, LONG), "an experiment refuted shorten_keys");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_is_lost_where_a_key_and_its_code_stand_side_by_side() {
    let Some((db, analysis)) = looked_at("pg17", FEATURES).await else { return };
    let recommendation = only_advice(&analysis, LONG);
    for statement in &recommendation.statements[1..] {
        db.run(&statement.sql).await;
    }
    // Written by an application that is half way there.
    for function in ["shorten", "lengthen"] {
        let both = format!(
            r#"select ml.features_data_{function}('{{"user_identifier": 1, "uid": 2}}')::text"#
        );
        assert_eq!(db.text(&both).await, r#"{"uid": 2, "user_identifier": 1}"#);
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_to_be_saved_is_saved_once_the_file_is_written_anew(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some((db, analysis)) = looked_at(member, FEATURES).await else { return };
    db.run("vacuum (full) ml.features").await;
    let size = "select pg_relation_size('ml.features')::text";
    let before = number_of(&db, size).await;
    for statement in &only_advice(&analysis, LONG).statements {
        db.run(&statement.sql).await;
    }
    db.run("vacuum (full) ml.features").await;
    let saved = 1.0 - number_of(&db, size).await / before;
    let told = evidence_number(found(&analysis, LONG), "saving_ratio");
    // What is reported is the least: rows end at a multiple of 8.
    assert!((-0.01..0.05).contains(&(saved - told)), "{member}: told {told}, saved {saved}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_long_again_in_spite_of_a_dictionary_get_no_second_one() {
    let Some((mut db, analysis)) = looked_at("pg17", FEATURES).await else { return };
    for statement in &only_advice(&analysis, LONG).statements {
        db.run(&statement.sql).await;
    }
    db.run("update ml.features set data = ml.features_data_lengthen(data)").await;
    db.run("drop view ml.features_data_long").await;
    db.run("vacuum (full, analyze) ml.features").await;
    db.settle().await;
    let analysis = looked_again(&db).await;
    assert!(found(&analysis, LONG).recommendations.is_empty(), "{analysis:#?}");
    assert_eq!(declined_reason(&analysis, LONG), "a dictionary exists");
}

// What is left alone.

#[rstest]
#[case::compressed(
    "(select jsonb_object_agg('a_feature_of_the_model_' || g, 'the same words everywhere') from generate_series(1, 60) as g)",
    Some("its documents are stored compressed")
)]
#[case::no_longer_compressed(
    "(select jsonb_object_agg('a_key_of_the_model_' || g, 'the same words in every document')
        from generate_series(1, 40) as g)",
    Some("its documents are stored compressed")
)]
#[case::wide_values(
    "jsonb_build_object('user_identifier', i, 'event_name', md5(i::text) || md5((-i)::text), 'txt',
        (select string_agg(md5((i * g)::text), '') from generate_series(1, 20) as g))",
    Some("codes would save too little")
)]
#[case::maps_of_identifiers(
    "jsonb_build_object('seen', (select jsonb_object_agg('visitor-' || (i * 31 + g), g) from generate_series(1, 12) as g))",
    Some("its keys are data")
)]
#[case::maps_of_numbers(
    "(select jsonb_object_agg(20000 + (i * g) % 120, g) from generate_series(1, 12) as g)",
    Some("its keys are data")
)]
#[case::short_keys(
    "jsonb_build_object('uid', i, 'sid', i, 'a', i, 'b', 1, 'abc', 1, 'def', 1)",
    None
)]
#[case::few_instances("jsonb_build_object('user_identifier', i)", None)]
#[case::no_objects("to_jsonb(array['some text', repeat('x', i % 50)])", None)]
#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_codes_do_nothing_for_is_left_alone(
    #[case] document: &str,
    #[case] reason: Option<&str>,
) {
    let sql = format!(
        "create table ml.t (id bigint primary key, doc jsonb);
        insert into ml.t select i, {document} from generate_series(1, 8000) as i;
        vacuum (analyze) ml.t"
    );
    for member in ["pg15", "deb19"] {
        let Some((_, analysis)) = looked_at(member, &sql).await else { continue };
        assert!(finding(&analysis, LONG).is_none(), "{member}: {analysis:#?}");
        let said = analysis.declined.iter().find(|declined| declined.check == LONG);
        assert_eq!(said.map(|declined| declined.reason.as_str()), reason, "{member}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_table_raises_nothing_however_long_its_keys_are() {
    let sql = FEATURES.replace("6000", "900");
    let Some((_, analysis)) = looked_at("pg17", &sql).await else { return };
    assert!(analysis.findings.is_empty() && analysis.declined.is_empty(), "{analysis:#?}");
}

#[rstest]
#[case::view("create view ml.v as select data from ml.features", "others depend on the column")]
#[case::index("create index on ml.features using gin (data)", "others depend on the column")]
#[case::expression(
    "create index on ml.features ((data ->> 'user_identifier'))",
    "others depend on the column"
)]
#[case::check(
    "alter table ml.features add check (data ? 'user_identifier')",
    "others depend on the column"
)]
#[case::generated(
    "alter table ml.features add column u text generated always as (data ->> 'user_identifier') stored",
    "others depend on the column"
)]
#[case::policy(
    "create policy p on ml.features using (data ->> 'user_identifier' <> '')",
    "others depend on the column"
)]
#[case::inherited("create table ml.child () inherits (ml.features)", "inheritance")]
#[case::row_type("create table ml.other (id bigint primary key, f ml.features)", "inheritance")]
#[case::domain(
    "create domain ml.document as jsonb;\nalter table ml.features alter column data type ml.document",
    "a domain"
)]
#[case::rule(
    "create rule r as on update to ml.features do instead nothing",
    "rows cannot be updated"
)]
#[case::trigger_on_rows_that_change(
    "create function ml.f() returns trigger language plpgsql as 'begin new.id := new.id; return new; end';
    create trigger g before update on ml.features for each row when (old.* is distinct from new.*)
        execute function ml.f()",
    "rows cannot be updated"
)]
#[case::a_view_of_its_name(
    "create view ml.features_data_long as select 1 as one",
    "no name is left for the dictionary"
)]
#[case::a_function_of_its_name(
    "create function ml.features_data_shorten(jsonb) returns jsonb language sql as 'select $1'",
    "no name is left for the dictionary"
)]
#[case::text(
    "alter table ml.features alter column data type json",
    "its documents are stored as text"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_column_whose_documents_must_not_be_changed_alone_gets_no_statements(
    #[case] dependent: &str,
    #[case] reason: &str,
) {
    let sql = FEATURES.replace("vacuum", &format!("{dependent};\nvacuum"));
    for member in ["pg15", "deb19"] {
        let Some((_, analysis)) = looked_at(member, &sql).await else { continue };
        assert!(finding(&analysis, LONG).is_none_or(|found| advice(&analysis, found).is_empty()));
        assert_eq!(declined_reason(&analysis, LONG), reason, "{member}: {analysis:#?}");
    }
}

#[rstest]
#[case::partitioned(
    "create table ml.p (id bigint, data jsonb) partition by range (id);
    create table ml.p1 partition of ml.p for values from (0) to (3000);
    create table ml.p2 partition of ml.p for values from (3000) to (9000);
    insert into ml.p select id, data from ml.features;
    drop table ml.features;
    vacuum (analyze) ml.p",
    "partitioned"
)]
#[case::materialized_view(
    "create materialized view ml.m as select id, data from ml.features;
    vacuum (analyze) ml.m",
    "a materialized view"
)]
#[case::generated(
    "create table ml.g (id bigint primary key, data jsonb generated always as ((
        '{\"user_identifier\": ' || id::text || ', \"session_identifier\": 1, \"history_of_orders\": 2}')::jsonb) stored);
    insert into ml.g select id from ml.features;
    drop table ml.features;
    vacuum (analyze) ml.g",
    "generated"
)]
#[tokio::test(flavor = "multi_thread")]
async fn documents_that_are_stored_otherwise_are_named_and_told_why_no_statement_is_recommended(
    #[case] made: &str,
    #[case] reason: &str,
) {
    let sql = format!("{FEATURES};\n{made}");
    for member in ["pg15", "deb19"] {
        let Some((_, analysis)) = looked_at(member, &sql).await else { continue };
        let declined = analysis.declined.iter().find(|d| d.check == LONG && d.reason == reason);
        let object = &declined.unwrap_or_else(|| panic!("{member}: {analysis:#?}")).object;
        let named = analysis.findings.iter().find(|f| f.check == LONG && f.object == *object);
        assert!(named.is_some_and(|found| found.recommendations.is_empty()), "{analysis:#?}");
    }
}
