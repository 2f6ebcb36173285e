//! Servers that are slow, stand by, or hold ten thousand partitions.

use std::time::{Duration, Instant};

use database_optimizer::analysis::{self, Request};
use database_optimizer::model::{Analysis, GapReason, ProveMode, Verdict};
use database_optimizer::pg::Target;
use rstest::rstest;
use tokio::time::timeout;

use super::open;
use crate::support::advice::finding;
use crate::support::leftovers::until_hung_up;
use crate::support::proxy::Proxy;
use crate::support::{
    COLUMNS_FROM_100_KB, Own, TestDb, analyse, compressible_features, own_server, request, server,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_answering_is_given_up_and_is_welcome_again() {
    let Some(server) = server("deb18") else { return };
    let db = compressible_features(server).await;
    let proxy = Proxy::start(server.port, Duration::ZERO).await;
    let target =
        open(format!("postgresql://postgres@127.0.0.1:{}/{}?sslmode=disable", proxy.port, db.name));
    assert!(analysis::analyse(&target, &request(COLUMNS_FROM_100_KB)).await.is_ok());
    proxy.stall();
    // More callers than there are connections give up, one after the other and at the same time.
    for _ in 0..2 {
        let asked = request(COLUMNS_FROM_100_KB);
        let impatient = || timeout(Duration::from_millis(300), analysis::analyse(&target, &asked));
        let (one, two, three) = tokio::join!(impatient(), impatient(), impatient());
        assert!(one.is_err() && two.is_err() && three.is_err());
    }
    proxy.resume();
    let back =
        timeout(Duration::from_secs(10), analysis::analyse(&target, &request(COLUMNS_FROM_100_KB)))
            .await;
    assert!(matches!(back, Ok(Ok(_))), "{back:?}");
    drop(target);
    until_hung_up(&db).await;
}

// ---- too large ----------------------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_partitions_are_visited_in_bounded_time_and_answered_in_bounded_size() {
    let Some(server) = server("deb18") else { return };
    let mut db = TestDb::create(server).await;
    db.run(
        "create schema ml;
        create table ml.t (id int, payload text) partition by range (id)",
    )
    .await;
    db.run(
        "do $$ begin for i in 0..99 loop
            execute format('create table ml.t_%s partition of ml.t for values from (%s) to (%s)
                partition by range (id)', i, i * 1000, i * 1000 + 1000);
            for j in 0..99 loop
                execute format('create table ml.t_%s_%s partition of ml.t_%1$s for values from (%3$s) to (%4$s)',
                    i, j, i * 1000 + j * 10, i * 1000 + j * 10 + 10);
            end loop;
            commit;
        end loop; end $$",
    )
    .await;
    db.run(
        "insert into ml.t select i, repeat(md5(i::text), 100)
            || (select string_agg(md5((g * i)::text), '') from generate_series(1, 60) as g)
        from generate_series(0, 99999, 50) as i",
    )
    .await;
    db.settle().await;
    let began = Instant::now();
    let analysis = analyse(&db, &request(COLUMNS_FROM_100_KB)).await;
    let seconds = began.elapsed().as_secs_f64();
    let bytes = serde_json::to_vec(&analysis).unwrap().len();
    eprintln!("10,101 relations: {seconds:.1} s, {bytes} bytes answered, {:?}", analysis.cost);

    assert!(seconds < 20.0, "{seconds} s");
    assert!(bytes < 1_000_000, "{bytes} bytes");
    assert!(analysis.cost.bytes_read < 20_000_000, "{:?}", analysis.cost);
    let found = finding(&analysis, "toast/pglz-on-wide-values");
    let found = found.unwrap_or_else(|| panic!("{:?} {:?}", analysis.findings, analysis.gaps));
    assert_eq!(found.message, "`ml.t.payload` compresses its wide values with pglz");
    let methods = "select string_agg(distinct coalesce(nullif(attcompression::text, ''), '-'), ',')
        from pg_attribute where attname = 'payload'";
    for (statements, left) in [(true, "l"), (false, "-")] {
        let advised =
            analysis.recommendations.iter().find(|r| found.recommendations.contains(&r.id));
        let advised = advised.unwrap();
        let run = if statements { &advised.statements } else { &advised.undo };
        assert_eq!(run.len(), 1);
        db.run(&run[0].sql).await;
        assert_eq!(db.text(methods).await, left);
    }
}

// ---- standby ------------------------------------------------------------------------------------------------------

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_hot_standby_is_read_like_any_other_and_tried_out_only_on_a_lab(
    #[values("deb15", "deb18")] member: &str,
) {
    let Some(primary) = own_server(member, &Own { purpose: "primary", ..Own::default() }) else {
        return;
    };
    let db = compressible_features(primary).await;
    db.run("create unlogged table ml.fleeting as select * from ml.features").await;
    db.run("analyze ml.fleeting").await;
    let own = Own {
        purpose: "standby",
        primary: Some(primary),
        settings: &["hot_standby=on"],
        ..Own::default()
    };
    let standby = own_server(member, &own).unwrap();
    let dsn = standby.dsn(&db.name);
    let full = Request { prove: ProveMode::Full, ..request(COLUMNS_FROM_100_KB) };

    let alone = open(dsn.clone());
    let analysis = analysis::analyse(&alone, &full).await.unwrap();
    assert!(analysis.server.in_recovery);
    assert!(finding(&analysis, "toast/pglz-on-wide-values").is_some(), "{analysis:#?}");
    for recommendation in &analysis.recommendations {
        assert_eq!(recommendation.proof.verdict, Verdict::NotRun);
        assert!(recommendation.preconditions[0].contains("on the primary"), "{recommendation:?}");
        let reason = recommendation.proof.reason.as_deref().unwrap();
        assert!(reason.contains("hot standby"), "{reason}");
    }
    let unlogged = analysis.gaps.iter().find(|gap| gap.detail.contains("ml.fleeting"));
    assert!(unlogged.is_some(), "{:#?}", analysis.gaps);

    let lab = TestDb::create(primary).await;
    let with_lab = Target::open("test", &dsn.into(), Some(&lab.dsn())).unwrap();
    let analysis = analysis::analyse(&with_lab, &full).await.unwrap();
    assert!(declined_or_measured(&analysis), "{analysis:#?}");
    drop((alone, with_lab));
    until_hung_up(&lab).await;
}

fn declined_or_measured(analysis: &Analysis) -> bool {
    analysis.recommendations.iter().any(|r| r.proof.sample.is_some())
        || analysis.declined.iter().any(|declined| declined.detail.contains("on the lab database"))
}

// ---- privileges ---------------------------------------------------------------------------------------------------

#[rstest]
#[case::connect("", "connect", true)]
#[case::monitor("grant pg_monitor to $ROLE", "monitor", true)]
#[case::reader("grant pg_read_all_data to $ROLE", "connect", false)]
#[case::owner(
    "grant all on schema ml to $ROLE; alter table ml.features owner to $ROLE",
    "connect",
    false
)]
#[tokio::test(flavor = "multi_thread")]
async fn each_role_sees_what_it_may_and_is_told_the_grant_for_the_rest(
    #[case] grants: &str,
    #[case] tier: &str,
    #[case] blind: bool,
    #[values("deb15", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = compressible_features(server).await;
    let role = format!("role_{}", db.name);
    db.run(&format!("create role {role} login; {}", grants.replace("$ROLE", &role))).await;
    let target = open(db.dsn_as(&role));
    let capabilities = analysis::capabilities(&target).await.unwrap();
    assert_eq!(capabilities.privileges.tier, tier);

    let analysis = analysis::analyse(&target, &request(COLUMNS_FROM_100_KB)).await.unwrap();
    let gap = analysis.gaps.iter().find(|gap| gap.reason == GapReason::MissingPrivilege);
    assert_eq!(gap.is_some(), blind, "{analysis:#?}");
    assert_eq!(analysis.findings.is_empty(), blind, "{analysis:#?}");
    if let Some(gap) = gap {
        assert!(analysis.declined.is_empty(), "what was not seen is not judged: {analysis:#?}");
        db.run(gap.lift.as_ref().unwrap()).await;
        let lifted = analysis::analyse(&target, &request(COLUMNS_FROM_100_KB)).await.unwrap();
        assert!(!lifted.findings.is_empty(), "{lifted:#?}");
    }
    drop(target);
    until_hung_up(&db).await;
    db.run(&format!(
        "reassign owned by {role} to postgres; drop owned by {role}; drop role {role}"
    ))
    .await;
}
