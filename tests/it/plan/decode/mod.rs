//! Plans that are sent as text.

mod estimates;
mod scans;
mod served;

use database_optimizer::analysis::{DecodeError, PlanText, Request, decode};
use database_optimizer::model::Superpower;

use super::{decoded, ids, text};
use crate::support::request_of;

/// A nested loop over a scan that was expected to return 20 rows, with a sort on disk above it.
const PLAN: &str = "Sort  (cost=900.00..901.00 rows=20 width=8) (actual time=900.0..950.0 rows=20000 loops=1)
  Sort Key: o.note
  Sort Method: external merge  Disk: 4096kB
  Buffers: shared hit=60000 read=200, temp read=512 written=512
  ->  Nested Loop  (cost=0.29..890.00 rows=20 width=8) (actual time=0.1..700.0 rows=20000 loops=1)
        Buffers: shared hit=60000 read=200
        ->  Seq Scan on places p  (cost=0.00..800.00 rows=20 width=8) (actual time=0.1..20.0 rows=20000 loops=1)
              Filter: ((city = 5) AND (country = 'secret'::text))
              Rows Removed by Filter: 80000
              Buffers: shared hit=300 read=200
        ->  Index Scan using orders_pkey on orders o  (cost=0.29..4.30 rows=1 width=8) (actual time=0.03..0.03 rows=1 loops=20000)
              Index Cond: (id = p.id)
              Buffers: shared hit=59700
Planning Time: 0.400 ms
Execution Time: 960.000 ms
";

#[tokio::test]
async fn causes_are_found_at_the_deepest_node_and_ranked_by_the_time_at_stake() {
    let plan = decoded(PLAN, &[]).await;
    let found = ids(&plan);
    assert_eq!(found, [("plan/row-misestimate", 2), ("plan/disk-sort", 0)], "{plan:#?}");
    let one = decode(request_of(Superpower::Plan, &[]), PlanText { findings_max: 1, ..text(PLAN) });
    let one = one.await.unwrap().plans()[0].clone();
    assert_eq!(one.findings.len(), 1);
    assert!(one.gaps.iter().any(|gap| gap.observation == "plan.findings"), "{one:?}");
}

#[tokio::test]
async fn a_foreign_key_is_blamed_where_each_check_takes_longer_than_a_lookup() {
    let delete = |name: &str, ms: f64| {
        format!(
            "Delete on parent  (cost=0.29..35.00 rows=0 width=0) (actual time=5.0..5.0 rows=0 loops=1)
  ->  Seq Scan on parent  (cost=0.29..35.00 rows=1000 width=6) (actual time=0.1..1.0 rows=1000 loops=1)
Trigger {name}: time={ms:.3} calls=1000
Execution Time: {:.3} ms
",
            ms + 5.0
        )
    };
    let key = "RI_ConstraintTrigger_a_16414 for constraint child_parent_id_fkey on parent";
    let unindexed = decoded(&delete(key, 6500.0), &[]).await;
    assert_eq!(ids(&unindexed), [("plan/slow-trigger", 0)]);
    assert!(unindexed.findings[0].message.contains("referencing table"), "{unindexed:#?}");
    let indexed = decoded(&delete(key, 134.0), &[]).await;
    assert_eq!(ids(&indexed), []);
    assert!(indexed.declined.iter().any(|d| d.check == "plan/slow-trigger"), "{indexed:?}");
    // The code of a trigger of one's own takes what it takes.
    assert_eq!(ids(&decoded(&delete("audit", 134.0), &[]).await), [("plan/slow-trigger", 0)]);
}

#[tokio::test]
async fn a_cte_that_keeps_a_condition_out_is_blamed_once_and_not_for_keeping_its_rows() {
    let scan = |alias: &str, removed: u64| {
        format!(
            "  ->  CTE Scan on m {alias}  (cost=0.00..27000.00 rows=6000 width=40) (actual time=1.0..900.0 rows=3 loops=1)
        Filter: (car_id = 77)
        Rows Removed by Filter: {removed}
        Storage: Disk  Maximum Storage: 75000kB
"
        )
    };
    let plan = format!(
        "Nested Loop  (cost=20000.00..80000.00 rows=30 width=80) (actual time=2.0..2000.0 rows=3 loops=1)
  CTE m
    ->  Seq Scan on trip  (cost=0.00..20000.00 rows=1200000 width=40) (actual time=0.1..200.0 rows=1200000 loops=1)
{}{}Execution Time: 2001.000 ms
",
        scan("a", 1_199_997),
        scan("b", 1_199_990)
    );
    assert_eq!(ids(&decoded(&plan, &[]).await), [("plan/materialized-cte", 2)], "{plan}");
}

#[tokio::test]
async fn memory_that_was_neither_measured_nor_is_known_is_a_lower_bound() {
    let groups = |output: &str| {
        format!(
            "HashAggregate  (cost=0.00..900.00 rows=200000 width=40) (actual time=0.1..500.0 rows=200000 loops=1)
{output}  Group Key: t.id
  Batches: 65  Memory Usage: 2000kB  Disk Usage: 40000kB
  ->  Seq Scan on s.t  (cost=0.00..800.00 rows=1200000 width=8) (actual time=0.1..100.0 rows=1200000 loops=1)
Execution Time: 501.000 ms
"
        )
    };
    for (output, known) in [
        ("  Output: t.id, count(*)\n", true),
        ("  Output: t.id, sum(t.km)\n", true),
        ("  Output: t.id, string_agg(t.state, ','::text)\n", false),
        ("", false),
    ] {
        let plan = decoded(&groups(output), &[]).await;
        assert_eq!(ids(&plan), [("plan/hash-batches", 0)]);
        let message = &plan.findings[0].message;
        assert_eq!(message.contains(" holds it"), known, "{message}");
        assert_eq!(message.contains(" or more"), !known, "{message}");
    }
}

#[tokio::test]
async fn a_plan_that_was_not_executed_leaves_one_gap_and_no_finding() {
    let plan = decoded("Seq Scan on t  (cost=0.00..90000.00 rows=1 width=8)\n", &[]).await;
    assert_eq!(plan.findings, []);
    assert_eq!(plan.gaps.len(), 1, "{:?}", plan.gaps);
    assert!(plan.gaps[0].lift.as_deref().unwrap().contains("ANALYZE"));
}

#[tokio::test]
async fn checks_of_catalogs_judge_no_plan() {
    let mut request = Request::new(Some(Superpower::Plan));
    request.scope.checks.push("plan/unused-index".to_owned());
    let refused = decode(request, text(PLAN)).await.unwrap_err();
    assert!(matches!(refused, DecodeError::NotOfPlans { .. }), "{refused}");
}

/// Nested loops, each the outer side of the next, whose inner sides return other rows than expected.
fn loops(levels: usize) -> String {
    let figures = |ms: usize| {
        format!("(cost=0.00..9.00 rows=1 width=8) (actual time=0.01..{ms} rows=5000 loops=1)")
    };
    let nested = |level: usize| {
        let arrow =
            if level == 0 { String::new() } else { format!("{}->  ", " ".repeat(6 * level - 4)) };
        format!("{arrow}Nested Loop  {}\n", figures(9 + levels - level))
    };
    let scan = |level: usize| {
        let blanks = " ".repeat(6 * level + 2);
        format!(
            "{blanks}->  Seq Scan on t{level}  (cost=0.00..1.00 rows=1 width=8) (actual time=0.001..0.002 rows=100 loops=5000)\n\
             {blanks}      Filter: (id = x.id)\n"
        )
    };
    let base = format!("{}->  Seq Scan on x  {}\n", " ".repeat(6 * levels - 4), figures(5));
    let down: String = (0..levels).map(nested).collect();
    let up: String = (0..levels).rev().map(scan).collect();
    format!("{down}{base}{up}")
}

#[tokio::test]
async fn a_deep_plan_of_wrong_estimates_is_judged_to_a_depth_that_is_named() {
    for (levels, is_judged) in [(400, true), (600, false)] {
        let request = request_of(Superpower::Plan, &[]);
        let decoded = decode(request, text(&loops(levels))).await.unwrap();
        let plan = &decoded.plans()[0];
        assert_eq!(!plan.findings.is_empty(), is_judged, "{levels}: {:#?}", plan.findings);
        let is_said = plan.gaps.iter().any(|gap| gap.detail.contains("judged up to 500"));
        assert_eq!(is_said, !is_judged, "{levels}: {:#?}", plan.gaps);
    }
}
