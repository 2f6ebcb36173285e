//! What a visit costs, what it sees with how much privilege, and that it leaves nothing behind.

use std::time::{Duration, Instant};

use database_optimizer::analysis::{self, Request};
use database_optimizer::checks::{self, Requirement};
use database_optimizer::model::{Analysis, Gap, GapReason, ReportedFinding, Superpower, Topic};
use database_optimizer::observe;
use database_optimizer::pg::{self, Target};
use rstest::rstest;

use crate::support::proxy::Proxy;
use crate::support::{TestDb, analyse, request, request_of, server};

const FEATURES: &str = "create schema ml;
create table ml.features (id bigint, payload text);
insert into ml.features
select i, (select string_agg(md5(g::text), '') from generate_series(1, 95) as g) || i
from generate_series(1, 12000) as i;
analyze ml.features";

async fn features(member: &str) -> Option<TestDb> {
    let mut db = TestDb::create(server(member)?).await;
    db.run(FEATURES).await;
    db.settle().await;
    Some(db)
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_visit_costs_three_round_trips_and_says_so(
    #[values("pg14", "pg15", "pg16", "pg17", "pg18", "deb15", "deb17", "deb18", "deb19")]
    member: &str,
) {
    let Some(db) = features(member).await else { return };
    let proxy = Proxy::start(db.server.port, Duration::from_millis(50)).await;
    let dsn = format!("postgresql://postgres@127.0.0.1:{}/{}?sslmode=disable", proxy.port, db.name);
    let target = Target::open("test", &dsn.into(), None).unwrap();
    target.session().await.unwrap().finish();
    let login = proxy.round_trips();

    let analysis = analysis::analyse(&target, &request(&[])).await.unwrap();

    assert_eq!(analysis.cost.round_trips, 3);
    assert!(proxy.round_trips() - login <= 3, "{} round trips", proxy.round_trips() - login);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_only_connect_sees_catalogs_and_is_told_the_grant(
    #[values("pg15", "pg16", "deb19")] member: &str,
) {
    let Some(db) = features(member).await else { return };
    let role = format!("connect_{}", db.name);
    db.run(&format!("create role {role} login")).await;
    let target = Target::open("test", &db.dsn_as(&role), None).unwrap();

    let analysis = analysis::analyse(&target, &request(&[])).await.unwrap();
    let capabilities = analysis::capabilities(&target).await.unwrap();

    let gap = analysis.gaps.iter().find(|gap| gap.reason == GapReason::MissingPrivilege).unwrap();
    assert_eq!(
        gap.lift,
        Some(format!("GRANT USAGE ON SCHEMA ml TO {role}; GRANT SELECT ON ml.features TO {role};"))
    );
    assert_eq!(capabilities.privileges.tier, "connect");
    for listed in &capabilities.checks {
        let check = checks::find(&listed.check).unwrap();
        let sampled = [Topic::STORED_VALUES, Topic::DOCUMENTS];
        let reads_rows = check.needs.iter().any(|topic| sampled.contains(topic))
            || check.requires.contains(&Requirement::ColumnStatistics);
        let sees_sessions = check.needs.contains(&Topic::SESSIONS);
        let lacks_lz4 = check.requires.contains(&Requirement::Lz4) && !db.server.has_lz4;
        let expected = !reads_rows && !lacks_lz4 && !sees_sessions;
        assert_eq!(listed.ready, expected, "{listed:?}");
    }
    let by_catalog = capabilities.checks.iter().filter(|listed| listed.ready);
    assert!(by_catalog.count() > 0, "the catalog alone tells what has no primary key");
    drop(target);
    db.run(&format!("drop role {role}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_security_is_a_gap_and_not_a_smaller_sample() {
    let Some(mut db) = features("pg17").await else { return };
    let role = format!("reader_{}", db.name);
    db.run(&format!(
        "create role {role} login; grant usage on schema ml to {role}; grant select on ml.features to {role};
        alter table ml.features enable row level security"
    ))
    .await;
    db.settle().await;
    let target = Target::open("test", &db.dsn_as(&role), None).unwrap();

    let analysis = analysis::analyse(&target, &request(&[])).await.unwrap();

    let gap = analysis.gaps.iter().find(|gap| gap.detail.contains("row security"));
    assert!(gap.is_some(), "{:#?}", analysis.gaps);
    drop(target);
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_whole_transactions_does_not_end_a_visit() {
    let Some(server) = server("pg18") else { return };
    let db = TestDb::create(server).await;
    let limited = "&options=-c%20transaction_timeout%3D250ms";
    let dsn = format!("{}?sslmode=disable{limited}", server.dsn(&db.name));
    let target = Target::open("test", &dsn.into(), None).unwrap();
    let sleep = "select pg_catalog.pg_sleep(0.5)::text";
    let question = || pg::Question::new("sleep", sleep.to_owned());

    let mut session = target.session().await.unwrap();
    let answers = session.query_finally(&[question()], |_, _| Ok(())).await.unwrap();
    assert_eq!(answers, [Ok(())]);
    session.finish();
    let trial = target.trial().await.unwrap();
    assert_eq!(trial.rows(sleep).await.unwrap().len(), 1);
    trial.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_table_is_a_gap_and_the_others_are_seen() {
    let Some(mut db) = features("pg16").await else { return };
    db.run("create table ml.other as select * from ml.features").await;
    db.run("analyze ml.other").await;
    db.settle().await;
    db.run("begin; lock table ml.features in access exclusive mode").await;

    let analysis = analyse(&db, &request(&[])).await;

    let locked = analysis.gaps.iter().find(|gap| gap.reason == GapReason::Locked).unwrap();
    assert!(locked.detail.contains("`ml.features`"), "{locked:?}");
    assert!(locked.lift.is_some(), "{locked:?}");
    let other = analysis.findings.iter().any(|finding| finding.message.contains("`ml.other"));
    assert!(other, "{:#?}", analysis.findings);
}

/// Its default, and its indexes on expressions, are what the server locks a table for to write them as SQL.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_table_loses_itself_alone_and_is_named(#[values("pg14", "deb18")] member: &str) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    for table in ["first", "second", "third"] {
        db.run(&format!(
            "create table public.{table} (id int not null, data jsonb default '{{}}');
            insert into public.{table} select i, '{{\"a\": 1}}' from generate_series(1, 12000) as i;
            create index on public.{table} ((data ->> 'a')); analyze public.{table}"
        ))
        .await;
    }
    db.run("create view public.seen as select data ->> 'a' as a from public.second").await;
    db.settle().await;
    let request = Request::new(Some(Superpower::HybridSchema));
    let keyless = |analysis: &Analysis| {
        let found = analysis.findings.iter().filter(|f| f.check.ends_with("missing-primary-key"));
        found.map(|found| found.message.clone()).collect::<Vec<_>>()
    };
    let unlocked = analyse(&db, &request).await;
    let before = keyless(&unlocked);
    assert_eq!(before.len(), 3, "{before:?}");
    db.run("begin; lock table public.second in access exclusive mode").await;

    let analysis = analyse(&db, &request).await;

    let named =
        |gap: &&Gap| gap.reason == GapReason::Locked && gap.detail.contains("public.second");
    assert!(analysis.gaps.iter().any(|gap| named(&gap)), "{:#?}", analysis.gaps);
    let of_others = |gap: &&Gap| gap.detail.contains("first") || gap.detail.contains("third");
    let of_others = |analysis: &Analysis| -> Vec<Gap> {
        analysis.gaps.iter().filter(of_others).cloned().collect()
    };
    assert_eq!(of_others(&analysis), of_others(&unlocked));
    assert!(analysis.is_passing, "the next one may see it");
    let left: Vec<_> = before.into_iter().filter(|m| !m.contains("second")).collect();
    assert_eq!(keyless(&analysis), left);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analysis_counts_no_read_among_those_of_the_workload() {
    for member in ["pg15", "pg17"] {
        let Some(mut db) = features(member).await else { continue };
        let fetched = "select coalesce(sum(pg_stat_get_tuples_fetched(i.indexrelid)), 0)::text
            from pg_class as c join pg_index as i on i.indrelid = c.reltoastrelid
            where c.oid = 'ml.features'::regclass";
        let before = db.text(fetched).await;
        for _ in 0..3 {
            analyse(&db, &request(&[])).await;
        }
        db.settle().await;
        assert_eq!(db.text(fetched).await, before, "{member}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analysis_that_nobody_waits_for_is_cancelled_on_the_server() {
    let Some(db) = features("pg17").await else { return };
    db.run("begin; lock table ml.features in access exclusive mode").await;
    let target = Target::open("test", &db.dsn(), None).unwrap();
    let asked = request(&[]);
    let analysis = analysis::analyse(&target, &asked);
    // Long enough to wait for the lock, not long enough to be answered.
    let _ = tokio::time::timeout(Duration::from_millis(250), analysis).await;

    let active = format!(
        "select count(*)::text from pg_stat_activity
        where application_name = 'dbopt' and datname = '{}' and state <> 'idle'",
        db.name
    );
    let deadline = Instant::now() + Duration::from_secs(5);
    while db.text(&active).await != "0" {
        assert!(Instant::now() < deadline, "a query of ours still runs");
        // Inside a transaction, what was seen of other sessions is kept.
        db.run("select pg_stat_clear_snapshot()").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_answering_at_login_is_told_from_one_that_is_not_there() {
    let Some(db) = features("pg17").await else { return };
    let gone =
        Target::open("test", &"postgresql://u@127.0.0.1:1/d".to_owned().into(), None).unwrap();
    let error = gone.session().await.err().unwrap();
    assert!(matches!(error, pg::Error::Unreachable { .. }), "{error:?}");

    let missing = db.server.dsn("no_such_database");
    let missing = Target::open("test", &missing.into(), None).unwrap();
    let error = missing.session().await.err().unwrap();
    assert!(matches!(error, pg::Error::NoSuchDatabase { .. }), "{error:?}");

    let stranger = Target::open("test", &db.dsn_as("nobody_like_this"), None).unwrap();
    let error = stranger.session().await.err().unwrap();
    assert!(matches!(error, pg::Error::LoginRefused { .. }), "{error:?}");
    assert!(!error.to_string().contains("nobody_like_this"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_must_be_quoted_are_quoted_in_everything_we_run() {
    for member in ["pg15", "deb19"] {
        let Some(server) = server(member) else { continue };
        let mut db = TestDb::create(server).await;
        db.run(
            r#"create schema "S'chema; drop";
            create table "S'chema; drop"."sel""ect %s $dbopt$" (id bigint, "Über, wide" text, "order" int);
            insert into "S'chema; drop"."sel""ect %s $dbopt$"
            select i, (select string_agg(md5(g::text), '') from generate_series(1, 95) as g) || i, i
            from generate_series(1, 12000) as i"#,
        )
        .await;
        db.run(r#"analyze "S'chema; drop"."sel""ect %s $dbopt$""#).await;
        for _ in 0..3 {
            db.run(
                r#"select sum(hashtext("Über, wide")) from "S'chema; drop"."sel""ect %s $dbopt$""#,
            )
            .await;
        }
        db.settle().await;
        let analysis = analyse(&db, &request(&[])).await;
        let checks: Vec<&str> =
            analysis.findings.iter().map(|finding| finding.check.as_str()).collect();
        assert!(
            checks.contains(&"toast/hot-column-out-of-line"),
            "{member}: {checks:?} {:?}",
            analysis.gaps
        );
        for recommendation in &analysis.recommendations {
            for statement in recommendation.statements.iter().chain(&recommendation.undo) {
                db.run(&statement.sql).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_has_nothing_to_say_and_no_gap() {
    let Some(server) = server("pg18") else { return };
    let db = TestDb::create(server).await;
    let analysis = analyse(&db, &request(&[])).await;
    assert_eq!((analysis.findings.len(), analysis.gaps.len()), (0, 0), "{analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_view_of_a_locked_table_has_no_name_and_the_others_keep_theirs(
    #[values("pg14", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    db.run("create table t (d jsonb); create view of_t as select d from t").await;
    db.run("create table u (d jsonb); create view of_u as select d from u").await;
    db.run("begin; lock table t in access exclusive mode").await;
    let target = Target::open("test", &db.dsn(), None).unwrap();
    let mut session = target.session().await.unwrap();
    let names = observe::names(&mut session).await.unwrap();
    db.run("rollback").await;
    let names: Vec<&str> =
        names.get().unwrap().relations.iter().map(|relation| &*relation.name).collect();
    assert_eq!(names, ["t", "u", "of_u"]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_table_with_a_conditional_trigger_hides_no_other(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    db.run(
        "create table keyless as select i from generate_series(1, 20000) as i;
        create table watched as select i, jsonb_build_object('a', i) as d from generate_series(1, 20000) as i;
        create trigger same before update on watched for each row
            when (old.* is not distinct from new.*) execute function suppress_redundant_updates_trigger();
        analyze",
    )
    .await;
    db.run("begin; lock table watched in access exclusive mode").await;
    let request = request_of(Superpower::HybridSchema, &[("table_bytes_min", 0.0)]);
    let analysis = analyse(&db, &request).await;
    db.run("rollback").await;
    let about = |table: &str| {
        let named =
            |found: &&ReportedFinding| found.object.to_string() == format!("public.{table}");
        analysis.findings.iter().find(named).map(|found| &*found.check)
    };
    assert_eq!(about("keyless"), Some("hybrid-schema/missing-primary-key"), "{analysis:#?}");
    assert!(analysis.gaps.iter().all(|gap| gap.observation != "updates_refused"), "{analysis:#?}");
}
