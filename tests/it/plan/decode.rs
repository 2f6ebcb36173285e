//! Plans that are sent as text.

use axum::http::StatusCode;
use database_optimizer::analysis::{DecodeError, PlanText, Request, decode};
use database_optimizer::model::{DecodedPlan, Object, Superpower};
use serde_json::json;

use crate::support::{Service, request_of};

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

fn text(plan: &str) -> PlanText {
    PlanText { plan: plan.to_owned(), before: None, partial: false, findings_max: 5 }
}

pub(super) async fn decoded(plan: &str, policy: &[(&str, f64)]) -> DecodedPlan {
    let decoded = decode(request_of(Superpower::Plan, policy), text(plan)).await.unwrap();
    decoded.plans()[0].clone()
}

pub(super) fn ids(plan: &DecodedPlan) -> Vec<(&str, u32)> {
    let node = |object: &Object| match object {
        Object::PlanNode { node, .. } => *node,
        other => panic!("{other:?}"),
    };
    plan.findings.iter().map(|found| (found.check.as_str(), node(&found.object))).collect()
}

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
async fn rows_that_a_limit_or_a_semijoin_cuts_short_say_nothing_of_the_estimate() {
    let limited = "Limit  (cost=0.00..1.00 rows=5 width=8) (actual time=0.1..500.0 rows=5 loops=1)
  ->  Nested Loop  (cost=0.00..9000.00 rows=100000 width=8) (actual time=0.1..500.0 rows=5 loops=1)
        ->  Seq Scan on a  (cost=0.00..800.00 rows=100000 width=8) (actual time=0.1..20.0 rows=5 loops=1)
        ->  Index Scan using b_pkey on b  (cost=0.29..4.30 rows=1 width=8) (actual time=90.0..90.0 rows=1 loops=5)
              Index Cond: (id = a.id)
Execution Time: 501.000 ms
";
    let semi = "Nested Loop Semi Join  (cost=0.00..9000.00 rows=1000 width=8) (actual time=0.1..500.0 rows=1000 loops=1)
  ->  Seq Scan on a  (cost=0.00..800.00 rows=1000 width=8) (actual time=0.1..20.0 rows=1000 loops=1)
  ->  Index Only Scan using b_id on b  (cost=0.29..4.30 rows=11111 width=8) (actual time=0.4..0.4 rows=1 loops=1000)
        Index Cond: (id = a.id)
        Heap Fetches: 0
Execution Time: 501.000 ms
";
    for plan in [limited, semi] {
        assert_eq!(ids(&decoded(plan, &[]).await), [], "{plan}");
    }
}

/// A nested loop over so many rows where 20 were expected, its inner side below it.
fn nested(rows: u64, join: &str, inner: &str) -> String {
    format!(
        "Nested Loop  (cost=0.29..890.00 rows=20 width=8) (actual time=0.1..700.0 rows={rows} loops=1)
{join}  ->  Seq Scan on places p  (cost=0.00..800.00 rows=20 width=8) (actual time=0.1..20.0 rows={rows} loops=1)
        Filter: ((city = 5) AND (country = 'x'::text))
        Rows Removed by Filter: 80000
{inner}Execution Time: 701.000 ms
"
    )
}

#[tokio::test]
async fn a_nested_loop_is_blamed_only_where_another_join_is_possible_and_likely_to_be_faster() {
    let lookup = |rows: u64| {
        format!(
            "  ->  Index Scan using orders_pkey on orders o  (cost=0.29..4.30 rows=1 width=8) (actual time=0.03..0.03 rows=1 loops={rows})
        Index Cond: (id = p.id)
"
        )
    };
    let found = [("plan/row-misestimate", 1)];
    assert_eq!(ids(&decoded(&nested(20_000, "", &lookup(20_000)), &[]).await), found);
    // Rows that an index finds a few hundred times are found faster than by reading all of them.
    assert_eq!(ids(&decoded(&nested(400, "", &lookup(400)), &[]).await), []);

    let scan = |removed: &str| {
        format!(
            "  ->  Seq Scan on orders o  (cost=0.00..4.30 rows=1 width=8) (actual time=0.03..0.03 rows=1 loops=20000)
{removed}"
        )
    };
    let lateral = "  ->  Limit  (cost=0.29..4.30 rows=1 width=8) (actual time=0.03..0.03 rows=1 loops=20000)
        ->  Index Scan using orders_place on orders o  (cost=0.29..4.30 rows=9 width=8) (actual time=0.03..0.03 rows=1 loops=20000)
              Index Cond: (place = p.id)
";
    let function = "  ->  Function Scan on jsonb_array_elements x  (cost=0.00..1.00 rows=100 width=32) (actual time=0.03..0.03 rows=4 loops=20000)
";
    let range = "  Join Filter: (o.price > p.price)\n";
    for (join, inner) in [("", lateral), ("", function), (range, &scan("")), ("", &scan(""))] {
        let plan = nested(20_000, join, inner);
        assert_eq!(ids(&decoded(&plan, &[]).await), [], "{plan}");
    }
    // What takes the time is said all the same, where nearly all pairs of rows are compared in vain.
    let compared = format!("{range}  Rows Removed by Join Filter: 3000000\n");
    let plan = decoded(&nested(20_000, &compared, &scan("")), &[]).await;
    let declined = plan.declined.iter().find(|one| one.check == "plan/large-nested-loop");
    assert!(declined.unwrap().detail.contains("pairs of rows and keeps 20,000"), "{plan:#?}");
    // A join by equality, and a scan whose few rows could be kept.
    let equal = "  Join Filter: (o.price = p.price)\n";
    let removed = "        Filter: (note = 'x'::text)\n        Rows Removed by Filter: 900\n";
    for (join, inner) in [(equal, scan("")), (range, scan(removed))] {
        let plan = decoded(&nested(20_000, join, &inner), &[]).await;
        assert!(ids(&plan).contains(&("plan/row-misestimate", 1)), "{plan:#?}");
    }
}

#[tokio::test]
async fn an_index_scan_that_discards_nearly_all_it_fetches_is_found_with_its_partitions() {
    let scan = |table: &str, removed: u64, filter: &str| {
        format!(
            "Index Scan using {table}_pkey on {table}  (cost=0.29..900.00 rows=5 width=8) (actual time=0.1..300.0 rows=5 loops=1)
  Filter: {filter}
  Rows Removed by Filter: {removed}
Execution Time: 601.000 ms
"
        )
    };
    let one = decoded(&scan("t", 50_000, "(note = 'x'::text)"), &[]).await;
    assert_eq!(ids(&one), [("plan/unselective-index-scan", 0)]);
    assert!(one.declined.iter().any(|d| d.check == "plan/missing-index"), "{one:?}");
    for (removed, filter) in [(9_000, "(note = 'x'::text)"), (50_000, "(note <> 'x'::text)")] {
        assert_eq!(ids(&decoded(&scan("t", removed, filter), &[]).await), [], "{filter}");
    }
    let part = |table: &str, removed: u64| {
        let scan = scan(table, removed, "(note = 'x'::text)");
        let lines: Vec<String> = scan.lines().take(3).map(|l| format!("      {l}\n")).collect();
        lines.concat().replacen("      Index", "  ->  Index", 1)
    };
    let plan = format!(
        "Append  (cost=0.29..1800.00 rows=10 width=8) (actual time=0.1..600.0 rows=10 loops=1)
{}{}Execution Time: 601.000 ms
",
        part("t_1", 7_000),
        part("t_2", 6_000)
    );
    assert_eq!(ids(&decoded(&plan, &[]).await), [("plan/unselective-index-scan", 1)], "{plan}");
}

/// A scan of a table by the rows that were expected and that came, its filter and the rows that this removed.
fn seq_scan((expected, came): (u64, u64), (filter, removed): (&str, u64)) -> String {
    format!(
        "Seq Scan on t  (cost=0.00..90000.00 rows={expected} width=8) (actual time=0.1..2000.0 rows={came} loops=1)
  Filter: {filter}
  Rows Removed by Filter: {removed}
Execution Time: 2001.000 ms
"
    )
}

#[tokio::test]
async fn a_large_scan_is_found_by_the_rows_it_removes_and_not_by_its_name() {
    let scan = |returned, removed| seq_scan((returned, returned), ("(id = 5)", removed));
    assert_eq!(ids(&decoded(&scan(1, 2_000_000), &[]).await), [("plan/large-seq-scan", 0)]);
    assert_eq!(ids(&decoded(&scan(1_500_000, 500_000), &[]).await), []);
    assert_eq!(ids(&decoded(&scan(1, 900_000), &[]).await), []);
    let lower = decoded(&scan(1, 900_000), &[("seq_scan_rows_max", 500_000.0)]).await;
    assert_eq!(ids(&lower), [("plan/large-seq-scan", 0)]);
    assert!(lower.declined.iter().any(|d| d.check == "plan/missing-index"), "{lower:?}");
}

#[tokio::test]
async fn a_table_that_is_read_for_any_value_of_a_parameter_is_blamed_on_the_generic_plan() {
    let scan = |expected, filter| seq_scan((expected, 1_200), (filter, 2_000_000));
    let generic = decoded(&scan(700_000, "(state = $1)"), &[]).await;
    assert_eq!(ids(&generic), [("plan/generic-plan", 0)]);
    assert!(!generic.declined.iter().any(|d| d.check == "plan/missing-index"), "{generic:?}");
    // With the estimate right or a literal, it is the scan.
    for (expected, filter) in [(1_500, "(state = $1)"), (700_000, "(state = 'rare'::text)")] {
        assert_eq!(ids(&decoded(&scan(expected, filter), &[]).await), [("plan/large-seq-scan", 0)]);
    }
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
async fn partitions_without_wanted_rows_are_found_only_where_a_condition_may_hide_their_key() {
    let part = |number: u32, rows: u64, filter: &str| {
        format!(
            "  ->  Seq Scan on visit_p{number} visit_{number}  (cost=0.00..900.00 rows=250 width=8) (actual time=0.1..50.0 rows={rows} loops=1)
        Filter: {filter}
        Rows Removed by Filter: 50000
"
        )
    };
    let append = |filter: &str| {
        let parts: String = (1..=6).map(|n| part(n, u64::from(n == 3) * 250, filter)).collect();
        format!(
            "Append  (cost=0.00..5400.00 rows=1500 width=8) (actual time=0.1..300.0 rows=250 loops=1)
{parts}Execution Time: 301.000 ms
"
        )
    };
    let hidden =
        append("(to_char((day)::timestamp with time zone, 'YYYY-MM'::text) = '2024-03'::text)");
    assert_eq!(ids(&decoded(&hidden, &[]).await)[0], ("plan/unpruned-partitions", 0));
    // The server would have pruned by the key itself, so this is another column.
    for filter in
        ["(who = 17)", "((who = 17) AND (what IS NOT NULL))", "(who = ANY ('{17,18}'::integer[]))"]
    {
        assert_eq!(ids(&decoded(&append(filter), &[]).await), [], "{filter}");
    }
    let off = append("(who = 17)") + "Settings: enable_partition_pruning = 'off'\n";
    assert_eq!(ids(&decoded(&off, &[]).await), [("plan/unpruned-partitions", 0)]);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_plan_is_decoded_over_http_and_compared_with_an_earlier_one() {
    let service = Service::start().await;
    let reply = service.with("POST", "/v1/plan/decode", json!({"plan": PLAN})).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    let plan = reply.json();
    assert_eq!(plan["format"], "text");
    assert_eq!(plan["source"], "pasted");
    assert_eq!(plan["plan"]["children"][0]["children"][1]["id"], 3);
    assert_eq!(plan["plan"]["children"][0]["children"][0]["estimate_factor"], 1000.0);
    assert_eq!(plan["summary"]["temp_bytes"], 512 * 8192);

    let two = service.with("POST", "/v1/plan/decode", json!({"plan": format!("{PLAN}\n{PLAN}")}));
    assert_eq!(two.await.json()["plans"].as_array().map(Vec::len), Some(2));

    let after = PLAN.replace("Nested Loop", "Hash Join");
    let body = json!({"plan": after, "before": PLAN});
    let compared = service.with("POST", "/v1/plan/decode", body).await.json();
    let change = &compared["comparison"]["changes"][0];
    assert_eq!(change["about"], "o, p", "{compared:#}");
    assert_eq!((&change["before"], &change["after"]), (&json!("Nested Loop"), &json!("Hash Join")));

    let other = "Seq Scan on lines l  (cost=0.00..18.50 rows=850 width=72)";
    let body = json!({"plan": other, "before": PLAN});
    let compared = service.with("POST", "/v1/plan/decode", body).await.json();
    assert_eq!(compared.get("comparison"), None, "{compared:#}");
    let gaps = compared["gaps"].as_array().unwrap();
    let gap = gaps.iter().find(|gap| gap["observation"] == "plan.comparison").unwrap();
    assert_eq!(gap["lift"], "send two plans of one statement");

    let number = service.with("POST", "/v1/plan/decode", json!({"plan": PLAN, "before": 5})).await;
    assert_eq!(number.json()["errors"][0]["pointer"], "/before", "{number:?}");

    let value = json!([{"Plan": {"Node Type": "Result", "Startup Cost": 0.0, "Total Cost": 0.01, "Plan Rows": 1, "Plan Width": 4}}]);
    let as_it_is = service.with("POST", "/v1/plan/decode", json!({"plan": value})).await;
    assert_eq!(as_it_is.json()["format"], "json", "{as_it_is:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_a_problem_with_its_place_and_without_its_text() {
    let service = Service::start().await;
    let cut = "[{\"Plan\": {\"Node Type\": \"Seq Scan\",\n \"Filter\": \"secret";
    let reply = service.with("POST", "/v1/plan/decode", json!({"plan": cut})).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply.problem(), "unreadable-plan");
    assert!(reply.text.contains("line 2, column") && !reply.text.contains("secret"), "{reply:?}");
    for body in [
        json!({"plan": 5}),
        json!({"plan": PLAN, "nothing": 1}),
        json!({"plan": PLAN, "findings_max": 0}),
        json!({}),
    ] {
        let reply = service.with("POST", "/v1/plan/decode", body).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{reply:?}");
    }
    let path = "/v1/plan/decode?refresh=true";
    let reply = service.with("POST", path, json!({"plan": PLAN})).await;
    assert_eq!(reply.problem(), "invalid-request");
}

#[tokio::test]
async fn the_time_that_an_estimate_costs_is_counted_once() {
    // The estimate of a join led to the loop: no statistics improve it, so the loop is blamed.
    let of_join = "Nested Loop  (cost=0.29..890.00 rows=20 width=8) (actual time=0.1..700.0 rows=20000 loops=1)
  ->  Hash Join  (cost=0.00..800.00 rows=20 width=8) (actual time=0.1..20.0 rows=20000 loops=1)
        Hash Cond: (p.x = v.x)
        ->  Seq Scan on places p  (cost=0.00..8.00 rows=200 width=8) (actual time=0.1..2.0 rows=200 loops=1)
        ->  Hash  (cost=0.00..8.00 rows=200 width=8) (actual time=0.1..2.0 rows=200 loops=1)
              ->  Seq Scan on visits v  (cost=0.00..8.00 rows=200 width=8) (actual time=0.1..2.0 rows=200 loops=1)
  ->  Index Scan using orders_pkey on orders o  (cost=0.29..4.30 rows=1 width=8) (actual time=0.03..0.03 rows=1 loops=20000)
        Index Cond: (id = p.id)
Execution Time: 701.000 ms
";
    assert_eq!(ids(&decoded(of_join, &[]).await), [("plan/large-nested-loop", 0)]);
    // A hash table that is larger than the other side would have been the other side.
    let spilled = |rows: u64| {
        format!(
            "Hash Join  (cost=1.00..900.00 rows=20 width=8) (actual time=400.0..900.0 rows=20 loops=1)
  Hash Cond: (a.id = b.id)
  Buffers: shared hit=100, temp read=900 written=900
  ->  Seq Scan on a  (cost=0.00..400.00 rows={rows} width=8) (actual time=0.1..50.0 rows={rows} loops=1)
        Buffers: shared hit=50
  ->  Hash  (cost=400.00..400.00 rows=100 width=8) (actual time=300.0..300.0 rows=500000 loops=1)
        Buckets: 4096 (originally 1024)  Batches: 16 (originally 1)  Memory Usage: 3841kB
        Buffers: shared hit=50, temp written=900
        ->  Seq Scan on b  (cost=0.00..400.00 rows=100 width=8) (actual time=0.1..90.0 rows=500000 loops=1)
              Filter: ((x = 1) AND (y = 1))
              Buffers: shared hit=50
Execution Time: 901.000 ms
"
        )
    };
    assert_eq!(ids(&decoded(&spilled(2000), &[]).await), [("plan/row-misestimate", 3)]);
    assert_eq!(ids(&decoded(&spilled(900_000), &[]).await), [("plan/hash-batches", 2)]);
    // Both sides of one loop are wrong: the worse estimate counts its time.
    let both = "Nested Loop  (cost=0.29..890.00 rows=20 width=8) (actual time=0.1..700.0 rows=20000 loops=1)
  Join Filter: (p.x = o.x)
  ->  Seq Scan on places p  (cost=0.00..800.00 rows=20 width=8) (actual time=0.1..20.0 rows=20000 loops=1)
        Filter: (a = 5)
  ->  Index Scan using orders_pkey on orders o  (cost=0.29..4.30 rows=1 width=8) (actual time=0.03..0.03 rows=30 loops=20000)
        Index Cond: (id = p.id)
Execution Time: 701.000 ms
";
    let plan = decoded(both, &[]).await;
    assert_eq!(ids(&plan), [("plan/row-misestimate", 1)]);
    assert!(plan.declined.iter().any(|one| one.reason.contains("counted with")), "{plan:#?}");
}
