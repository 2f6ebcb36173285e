//! Columns that are filled from documents, and what must not break while they are.

use rstest::rstest;

use super::{planted, seen};
use crate::support::advice::{declined_reason, found, only_advice};

// Keys that become columns.

#[rstest]
#[case::numbers("i % 900", "bigint")]
#[case::uuids("gen_random_uuid()", "uuid")]
#[case::texts("'u-' || i % 900", "text")]
#[tokio::test(flavor = "multi_thread")]
async fn a_business_key_becomes_a_column_that_follows_its_document_and_refuses_no_write(
    #[case] value: &str,
    #[case] type_sql: &str,
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = format!(
        "create table ml.users (id bigint primary key);
        create table ml.\"Odd events\" (id bigint primary key, \"Doc\" jsonb not null);
        insert into ml.\"Odd events\" select i, jsonb_build_object('userId', {value}, 'x', i)
            from generate_series(1, 3000) as i;
        analyze"
    );
    let check = "hybrid-schema/business-key-in-document";
    let Some((db, analysis)) = seen(member, &sql).await else { return };
    let recommendation = only_advice(&analysis, check);
    assert!(recommendation.title.ends_with(&format!("user_id {type_sql}")), "{recommendation:#?}");
    for statement in &recommendation.statements {
        db.run(&statement.sql).await;
    }
    let differ = "select count(*)::text from ml.\"Odd events\"
        where user_id::text is distinct from \"Doc\" ->> 'userId'";
    assert_eq!(db.text(differ).await, "0");
    db.run(
        "insert into ml.\"Odd events\" values (0, '{\"userId\": {\"not\": [\"a key\"]}}');
        update ml.\"Odd events\" set \"Doc\" = '{}' where id = 1",
    )
    .await;
    let left = "select count(*)::text from ml.\"Odd events\" where id < 2 and user_id is null";
    assert_eq!(db.text(left).await, if type_sql == "text" { "1" } else { "2" });
    for statement in &recommendation.undo {
        db.run(&statement.sql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_is_no_time_leaves_nothing_and_breaks_no_write() {
    let sql = "create table ml.events (id bigint primary key, doc jsonb);
        insert into ml.events select i, jsonb_build_object('event_time', timestamptz '2026-11-22 10:00Z' + i * interval '1 s')
            from generate_series(1, 3000) as i;
        analyze ml.events";
    let check = "hybrid-schema/business-key-in-document";
    let Some((db, analysis)) = seen("pg17", sql).await else { return };
    for statement in &only_advice(&analysis, check).statements {
        db.run(&statement.sql).await;
    }
    db.run("insert into ml.events values (0, '{\"event_time\": \"2026-02-31T10:00:00Z\"}')").await;
    db.run("insert into ml.events values (-1, '{\"event_time\": \"2026-02-01T10:00:00\"}')").await;
    db.run("insert into ml.events values (-2, '{\"event_time\": \"2026-02-01T10:00:00+01:00\"}')")
        .await;
    let times = "select string_agg(event_time::text, ' ' order by id) from ml.events where id < 1";
    db.run("set timezone = 'UTC'").await;
    assert_eq!(db.text(times).await, "2026-02-01 09:00:00+00");
}

#[rstest]
#[case::always("before update on ml.events for each row execute function ml.touch()")]
#[case::where_a_row_changed(
    "before update on ml.events for each row when (old.* is distinct from new.*) execute function ml.touch()"
)]
#[case::in_a_language_that_is_not_read(
    "before update on ml.events for each row execute function moddatetime (touched)"
)]
#[case::that_passes_over_rows_that_stay_as_they_are(
    "before update on ml.events for each row execute function suppress_redundant_updates_trigger()"
)]
#[case::that_writes_documents("before insert on ml.events for each row execute function ml.fill()")]
#[tokio::test(flavor = "multi_thread")]
async fn a_table_whose_triggers_would_change_its_rows_is_not_filled(
    #[case] trigger: &str,
    #[values("", " partition by range (id)")] partitioned: &str,
) {
    let part = match partitioned {
        "" => "select",
        _ => "create table ml.part partition of ml.events default",
    };
    let sql = format!(
        "create extension moddatetime;
        create table ml.users (id bigint primary key);
        create table ml.events (id bigint primary key, touched timestamp, doc jsonb){partitioned};
        {part};
        insert into ml.events select i, now(), jsonb_build_object('user_id', i) from generate_series(1, 3000) as i;
        create function ml.touch() returns trigger language plpgsql as
            'begin new.touched := now(); return new; end';
        create function ml.fill() returns trigger language plpgsql as
            'begin new.doc := coalesce(new.doc, ''{{\"user_id\": 0}}''); return new; end';
        create trigger a {trigger};
        analyze"
    );
    let check = "hybrid-schema/business-key-in-document";
    for member in ["pg15", "pg17"] {
        let Some((_, analysis)) = seen(member, &sql).await else { continue };
        assert!(found(&analysis, check).recommendations.is_empty(), "{analysis:#?}");
        assert_eq!(declined_reason(&analysis, check), "rows cannot be filled");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_that_leaves_documents_alone_is_no_hindrance() {
    let sql = "create table ml.users (id bigint primary key);
        create table ml.events (id bigint primary key, made timestamptz, doc jsonb);
        create function ml.f() returns trigger language plpgsql as 'begin new.made := now(); return new; end';
        create trigger a before insert on ml.events for each row execute function ml.f();
        insert into ml.events (id, doc) select i, jsonb_build_object('user_id', i) from generate_series(1, 3000) as i;
        analyze";
    for member in ["pg15", "deb19"] {
        planted(member, sql, "hybrid-schema/business-key-in-document").await;
    }
}
