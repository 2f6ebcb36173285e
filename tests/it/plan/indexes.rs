//! What catalogs alone say of indexes: which are superfluous, and which something needs that no query shows.

use database_optimizer::model::{Analysis, GapReason, Superpower};
use rstest::rstest;

use crate::support::advice::{advice, all_hold, finding};
use crate::support::{TestDb, analyse, request_of, server};

const TABLE: &str = "create table public.t (id bigint primary key, a int not null, b int, c text);
insert into public.t select i, i % 100, i % 7, md5(i::text) from generate_series(1, 3000) as i";

async fn judged(member: &str, check: &str, more: &str) -> Option<(TestDb, Analysis)> {
    let mut db = TestDb::create(server(member)?).await;
    for statement in TABLE.split(";\n").chain(more.split(";\n")) {
        db.run(statement).await;
    }
    db.run("analyze").await;
    db.settle().await;
    let set = [("table_bytes_min", 0.0), ("unused_window_s_min", 0.0)];
    let mut request = request_of(Superpower::Plan, &set);
    request.scope.checks = vec![check.to_owned()];
    let analysis = analyse(&db, &request).await;
    all_hold(&mut db, &analysis, &request).await;
    Some((db, analysis))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_whose_table_is_locked_is_a_gap_and_the_others_are_judged() {
    let Some(server) = server("deb18") else { return };
    let db = TestDb::create(server).await;
    db.run(TABLE).await;
    db.run(
        "create index t_a on public.t (a); create index t_ab on public.t (a, b);
        create table public.locked (c text); create index locked_c on public.locked (lower(c))",
    )
    .await;
    db.run("analyze").await;
    db.run("begin; lock table public.locked in access exclusive mode").await;
    let request = request_of(Superpower::Plan, &[("table_bytes_min", 0.0)]);
    let analysis = analyse(&db, &request).await;
    db.run("rollback").await;
    assert!(finding(&analysis, "plan/redundant-index").is_some(), "{analysis:#?}");
    let gap = analysis.gaps.iter().find(|gap| gap.observation.contains("locked_c"));
    assert_eq!(gap.map(|gap| gap.reason), Some(GapReason::Locked), "{:#?}", analysis.gaps);
}

#[rstest]
#[case::replica_identity(
    "create unique index t_id on public.t (id);
alter table public.t replica identity using index t_id",
    "it is the table's replica identity"
)]
#[case::referred_to(
    "alter table public.t add constraint t_c unique (c, id);
create unique index t_ci on public.t (c, id);
create table public.r (c text, id bigint, foreign key (c, id) references public.t (c, id))",
    ""
)]
#[case::parameters_of_the_operator_class(
    "alter table public.t add g tsvector;
create index t_g1 on public.t using gist (g tsvector_ops (siglen = 100));
create index t_g2 on public.t using gist (g tsvector_ops (siglen = 400))",
    ""
)]
#[case::ranges_of_pages(
    "create index t_b1 on public.t using brin (id) with (pages_per_range = 8);
create index t_b2 on public.t using brin (id)",
    ""
)]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_with_the_same_keys_stays_where_it_is_needed_by_its_name_or_built_otherwise(
    #[case] more: &str,
    #[case] reason: &str,
    #[values("pg14", "deb19")] member: &str,
) {
    const CHECK: &str = "plan/redundant-index";
    let Some((_, analysis)) = judged(member, CHECK, more).await else { return };
    // A unique index without a constraint may go beside the one that a foreign key refers to.
    let expected = more.contains("t_ci").then_some("`public.t_ci`");
    let found = finding(&analysis, CHECK).map(|found| &*found.message);
    assert_eq!(found.is_some(), expected.is_some(), "{member}: {analysis:#?}");
    assert!(found.zip(expected).is_none_or(|(said, name)| said.starts_with(name)), "{found:?}");
    if !reason.is_empty() {
        let declined = analysis.declined.iter().map(|one| &*one.reason).collect::<Vec<_>>();
        assert!(declined.contains(&reason), "{member}: {analysis:#?}");
    }
}

/// Whichever is older: of the two only one holds all that the other does.
#[rstest]
#[case::the_shorter_is_older(
    "create index s1 on public.s (a, b); create index s2 on public.s (a, b) include (c)",
    &["`public.s1` holds nothing that is not in `public.s2`"]
)]
#[case::the_shorter_is_younger(
    "create index s1 on public.s (a) include (c, b); create index s2 on public.s (a) include (b)",
    &["`public.s2` holds nothing that is not in `public.s1`"]
)]
#[case::in_another_order(
    "create index s1 on public.s (a) include (c, b); create index s2 on public.s (a) include (b, c)",
    &["`public.s2` has the same keys as `public.s1`"]
)]
#[case::cluster_goes_by_the_younger(
    "create index s1 on public.s (a); create index s2 on public.s (a); alter table public.s cluster on s2",
    &["`public.s1` has the same keys as `public.s2`"]
)]
#[case::the_younger_has_statistics_of_its_own(
    "create index s1 on public.s ((a + b)); create index s2 on public.s ((a + b));
alter index public.s2 alter column 1 set statistics 500",
    &["`public.s1` has the same keys as `public.s2`"]
)]
#[case::each_includes_its_own(
    "create index s1 on public.s (a) include (c); create index s2 on public.s (a) include (b)",
    &[]
)]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_goes_where_another_has_its_keys_and_includes_what_it_does(
    #[case] indexes: &str,
    #[case] expected: &[&str],
    #[values("pg14", "deb19")] member: &str,
) {
    const CHECK: &str = "plan/redundant-index";
    let more = format!("create table public.s (a int, b int, c int);\n{indexes}");
    let Some((_, analysis)) = judged(member, CHECK, &more).await else { return };
    let found: Vec<&str> = analysis.findings.iter().map(|one| &*one.message).collect();
    assert_eq!(found.len(), expected.len(), "{member}: {analysis:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{member}: {found}");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_a_partition_is_covered_by_a_part_of_its_table_s(
    #[values("pg14", "deb19")] member: &str,
) {
    const CHECK: &str = "plan/redundant-index";
    let more = "create table public.p (id bigint, a int, b int) partition by range (id);
create table public.p1 partition of public.p for values from (0) to (10);
create index p_ab on public.p (a, b);
create index p1_a on public.p1 (a);
create index p1_b on public.p1 (b)";
    let Some((_, analysis)) = judged(member, CHECK, more).await else { return };
    let found: Vec<&str> = analysis.findings.iter().map(|one| &*one.message).collect();
    let [one] = found[..] else { panic!("{member}: {analysis:#?}") };
    assert!(one.starts_with("`public.p1_a` has the first keys of `public.p1_a_b_idx`"), "{one}");
}

#[rstest]
#[case::in_another_order("create index r_ba on public.r (b, a, payload)", true)]
#[case::not_first("create index r_p on public.r (payload, a, b)", false)]
#[case::one_of_two("create index r_a on public.r (a)", false)]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_by_which_a_foreign_key_finds_rows_is_not_unused(
    #[case] index: &str,
    #[case] is_needed: bool,
    #[values("pg14", "deb19")] member: &str,
) {
    const CHECK: &str = "plan/unused-index";
    let more = format!(
        "create table public.k (a int, b int, primary key (a, b));
create table public.r (a int, b int, payload text, foreign key (a, b) references public.k (a, b));
{index}"
    );
    let Some((_, analysis)) = judged(member, CHECK, &more).await else { return };
    let found = analysis.findings.iter().any(|one| one.message.starts_with("`public.r_"));
    assert_eq!(found, !is_needed, "{member}: {analysis:#?}");
    let declined = analysis
        .declined
        .iter()
        .any(|one| one.reason == "a foreign key of its table looks for rows by it");
    assert_eq!(declined, is_needed, "{member}: {analysis:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_whose_counters_alone_were_reset_a_moment_ago_is_not_unused() {
    const CHECK: &str = "plan/unused-index";
    let more = "create index t_a on public.t (a)";
    let Some((mut db, analysis)) = judged("deb19", CHECK, more).await else { return };
    assert!(finding(&analysis, CHECK).is_some(), "{analysis:#?}");
    db.run("select pg_stat_reset_single_table_counters('public.t_a'::regclass)").await;
    db.settle().await;
    let set = [("table_bytes_min", 0.0), ("unused_window_s_min", 3600.0)];
    let mut request = request_of(Superpower::Plan, &set);
    request.scope.checks = vec![CHECK.to_owned()];
    let analysis = analyse(&db, &request).await;
    assert!(finding(&analysis, CHECK).is_none(), "{analysis:#?}");
    let gap = analysis.gaps.iter().find(|gap| gap.observation == "index_counters");
    assert!(gap.is_some(), "{analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_index_of_a_partition_is_found_where_it_is_attached_and_rebuilt(
    #[values("pg14", "deb19")] member: &str,
) {
    const CHECK: &str = "plan/invalid-index";
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    for statement in "create table public.p (a int, b int) partition by range (a);
create table public.p1 partition of public.p for values from (0) to (1000);
insert into public.p select i, i % 7 from generate_series(1, 900) as i"
        .split(";\n")
    {
        db.run(statement).await;
    }
    let build = "create index concurrently p1_b on public.p1 ((1 / b))";
    assert!(db.session().await.batch_execute(build).await.is_err(), "a division by zero");
    for statement in "create index p_b on only public.p ((1 / b));
alter index public.p_b attach partition public.p1_b;
update public.p set b = 8 where b = 0;
analyze"
        .split(";\n")
    {
        db.run(statement).await;
    }
    db.settle().await;
    let mut request = request_of(Superpower::Plan, &[]);
    request.scope.checks = vec![CHECK.to_owned()];
    let analysis = analyse(&db, &request).await;
    let found = finding(&analysis, CHECK).unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    assert!(found.message.starts_with("`public.p1_b` is invalid"), "{}", found.message);
    let [rebuild] = advice(&analysis, found)[..] else { panic!("{member}: {analysis:#?}") };
    assert!(rebuild.caveats[0].contains("ATTACH PARTITION public.p1_b"), "{rebuild:?}");
    all_hold(&mut db, &analysis, &request).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_unique_index_is_rebuilt_once_its_keys_are_unique(
    #[values("pg14", "deb19")] member: &str,
) {
    let more = "create table public.u (id int);
insert into public.u values (1), (2);
create unique index u_id on public.u (id);
update pg_catalog.pg_index set indisvalid = false where indexrelid = 'public.u_id'::regclass";
    let Some((_, analysis)) = judged(member, "plan/invalid-index", more).await else { return };
    let rebuild = analysis.recommendations.iter().find(|one| one.title.starts_with("Rebuild"));
    let caveats = &rebuild.unwrap().caveats;
    assert!(caveats.iter().any(|one| one.contains("two rows have the same key")), "{caveats:?}");
    let drop = analysis.recommendations.iter().find(|one| one.title.starts_with("Drop")).unwrap();
    assert!(!drop.caveats.iter().any(|one| one.contains("two rows")), "{drop:?}");
}
