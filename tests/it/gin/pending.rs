//! The length of pending lists, with pgstattuple and without, and why it cannot be read where it cannot.

use std::collections::BTreeMap;

use database_optimizer::model::observation::{Pending, PendingReader};
use database_optimizer::model::{Gap, GapReason, Observation};
use database_optimizer::pg::Target;
use rstest::rstest;

use super::{gin, gin_of};
use crate::support::{TestDb, server};

/// Classes of every kind, plain, partial and on an expression, each with a list of its own length.
const CLASSES: &str = "create extension pg_trgm;
create table ml.t (id int, d jsonb, a int[], \"Text\" text, v tsvector, j jsonb) with (autovacuum_enabled = false);
create index ops on ml.t using gin (d);
create index arrays on ml.t using gin (a);
create index \"Trigrams of t\" on ml.t using gin (\"Text\" gin_trgm_ops);
create index search on ml.t using gin (v);
create index paths on ml.t using gin (j jsonb_path_ops);
create index few on ml.t using gin ((j -> 'few') jsonb_path_ops);
create index partial on ml.t using gin ((d -> 'x') jsonb_path_ops) where id % 2 = 0;
create index tags on ml.t using gin (string_to_array(d ->> 'u', 'a'));
create table ml.p (v tsvector, a int[]) with (autovacuum_enabled = false);
create index pair on ml.p using gin (v, a) with (gin_pending_list_limit = 64);
insert into ml.t
select i, jsonb_build_object('k', i % 1000, 'u', md5(i::text), 'x', jsonb_build_object('y', i % 10)),
    array[i % 100, i], md5(i::text), to_tsvector('simple', md5((i % 1000)::text)), jsonb_build_object('k', i % 7, 'few', i % 2)
from generate_series(1, 8000) as i;
vacuum analyze ml.t;
insert into ml.t
select i, jsonb_build_object('k', i % 1000, 'u', md5(i::text), 'x', jsonb_build_object('y', i % 10)),
    array[i % 100, i], md5(i::text), to_tsvector('simple', md5((i % 1000)::text)), jsonb_build_object('k', i % 7, 'few', i % 2)
from generate_series(1, 1500) as i;
insert into ml.p select to_tsvector('simple', md5((i % 1000)::text)), array[i % 100, i] from generate_series(1, 1500) as i";

fn lists(
    seen: &(database_optimizer::model::observation::Gin, BTreeMap<i64, String>),
) -> BTreeMap<String, Observation<Pending>> {
    let (gin, names) = seen;
    let lists = gin.pending.get().unwrap();
    lists.iter().map(|list| (names[&list.oid].clone(), list.pending.clone())).collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_tells_the_pages_of_a_pending_list_as_pgstatginindex_does(
    #[values("pg14", "pg15", "pg16", "pg17", "pg18", "deb15", "deb17", "deb18", "deb19")]
    member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::filled(server, CLASSES).await;
    let planned = lists(&gin(db.dsn()).await);
    db.run("create extension pgstattuple").await;
    let read = lists(&gin(db.dsn()).await);
    assert_eq!(read.len(), 9);
    let mut exact = 0;
    for (name, pending) in &read {
        let Observation::Seen(pending) = pending else { panic!("{member}: {name}: {pending:?}") };
        let Observation::Seen(plan) = &planned[name] else {
            panic!("{member}: {name}: {:?}", planned[name])
        };
        let readers = (pending.read_by, plan.read_by);
        assert_eq!(readers, (PendingReader::Pgstatginindex, PendingReader::Explain));
        let off = (plan.pages - pending.pages).abs();
        assert!(
            off <= plan.margin_pages && plan.margin_pages <= 1,
            "{member}: {name}: {plan:?} {pending:?}"
        );
        exact += usize::from(plan.margin_pages == 0);
        assert!(plan.tuples.is_none() && pending.tuples.is_some());
    }
    // Where there are few keys, or no one knows how many, a page stays in doubt.
    assert!(exact >= 4, "{member}: {planned:?}");
    let Observation::Seen(longest) = &read["Trigrams of t"] else { panic!() };
    assert!(longest.pages > 50, "{longest:?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_cannot_be_read_is_a_gap_that_says_why(
    #[values("pg14", "deb17", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let sql = "create table ml.open (d jsonb);
create index open_d on ml.open using gin (d);
create table ml.locked (d jsonb);
create index locked_d on ml.locked using gin (d);
-- To write these as SQL the server would wait for the lock.
create index locked_expression on ml.locked using gin ((d -> 'a'));
create index locked_part on ml.locked using gin (d) where d ? 'a';
create table ml.broken (d jsonb);
create index broken_d on ml.broken using gin (d);
create table ml.twin (d jsonb);
create index twin_ops on ml.twin using gin (d);
create index twin_path on ml.twin using gin (d jsonb_path_ops);
update pg_index set indisvalid = false where indexrelid = 'ml.broken_d'::regclass";
    let db = TestDb::filled(server, sql).await;
    db.run("begin; lock table ml.locked in access exclusive mode").await;
    let seen = lists(&gin(db.dsn()).await);
    let gap = |name: &str| -> Option<Gap> {
        match &seen[name] {
            Observation::Unseen(gap) => Some(gap.clone()),
            Observation::Seen(_) => None,
        }
    };
    assert_eq!(gap("open_d"), None, "an empty table has an empty list");
    for locked in ["locked_d", "locked_expression", "locked_part"] {
        assert_eq!(gap(locked).unwrap().reason, GapReason::Locked, "{locked}");
    }
    assert_eq!(gap("broken_d").unwrap().reason, GapReason::NotVisibleInSql);
    // The planner takes one of both, and says nothing of the other.
    let twins = [gap("twin_ops"), gap("twin_path")];
    assert_eq!(twins.iter().flatten().count(), 1, "{twins:?}");
    let told = twins.into_iter().flatten().next().unwrap();
    assert_eq!(told.lift.as_deref(), Some("CREATE EXTENSION pgstattuple;"));
    db.run("rollback").await;

    let role = format!("poor_{}", db.name);
    db.run(&format!("create role {role} login")).await;
    let seen = lists(&gin(db.dsn_as(&role)).await);
    let Observation::Unseen(gap) = &seen["open_d"] else { panic!("{seen:?}") };
    assert_eq!(gap.reason, GapReason::MissingPrivilege);
    let mut gaps = [gap.clone()];
    Gap::name_role(&mut gaps, Some(&role));
    assert_eq!(gaps[0].lift, Some(format!("GRANT SELECT ON ml.open TO {role};")));
    db.run(&format!("drop role {role}")).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_expression_that_fails_is_planned_and_never_run(
    #[values("pg14", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let sql = "create function ml.fails(jsonb) returns text[] language plpgsql immutable as
'begin raise exception ''never''; end';
create table ml.t (d jsonb);
create index t_fails on ml.t using gin (ml.fails(d))";
    let db = TestDb::filled(server, sql).await;
    let target = Target::open("test", &db.dsn(), None).unwrap();
    let seen = lists(&gin_of(&target).await);
    let Observation::Unseen(gap) = &seen["t_fails"] else { panic!("{seen:?}") };
    assert_eq!(gap.reason, GapReason::ForeignCode);

    let seen = lists(&gin_of(&target.trusting_code(true)).await);
    assert!(
        matches!(&seen["t_fails"], Observation::Seen(pending) if pending.pages == 0),
        "{seen:?}"
    );
}
