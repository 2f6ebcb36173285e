//! Exclusive times, buffers and estimate factors.

use database_optimizer::explain::derive::{Derived, Direction, Unjudged, derive};
use database_optimizer::explain::{ParsedPlan, read};

use super::corpus::{blocks, members};

fn derived(text: &str) -> (ParsedPlan, Derived) {
    let plan = read(text).unwrap().remove(0);
    let derived = derive(&plan);
    (plan, derived)
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() <= other.abs() * 0.01 + 1e-9
}

#[test]
fn exclusive_times_of_a_plan_add_up_to_its_total() {
    let mut plans = 0;
    for member in members() {
        for format in ["text", "json"] {
            for (name, block) in blocks(&format!("{member}.{format}")) {
                for plan in read(&block.text).unwrap() {
                    let derived = derive(&plan);
                    let Some(total) = derived.nodes[0].total_ms else { continue };
                    let sum: f64 = derived.nodes.iter().filter_map(|node| node.exclusive_ms).sum();
                    assert!(near(sum, total), "{member} {name}: {sum} of {total}");
                    assert!(derived.nodes.iter().all(|node| node.exclusive_ms >= Some(0.0)));
                    plans += 1;
                }
            }
        }
    }
    assert!(plans > 50, "{plans}");
}

#[test]
fn a_common_table_expression_takes_its_time_from_its_reader() {
    let (_, derived) = derived(
        "Nested Loop  (cost=1.00..2.00 rows=1 width=4) (actual time=100.0..110.0 rows=1 loops=1)
  CTE big
    ->  Seq Scan on t  (cost=0.00..1.00 rows=1 width=4) (actual time=0.0..90.0 rows=1 loops=1)
  ->  CTE Scan on big a  (cost=0.00..1.00 rows=1 width=4) (actual time=0.0..95.0 rows=1 loops=1)
  ->  CTE Scan on big b  (cost=0.00..1.00 rows=1 width=4) (actual time=0.0..5.0 rows=1 loops=1)
",
    );
    let own: Vec<f64> = derived.nodes.iter().map(|node| node.exclusive_ms.unwrap()).collect();
    assert!(
        own.iter().zip([10.0, 90.0, 5.0, 5.0]).all(|(own, expected)| near(*own, expected)),
        "{own:?}"
    );
}

#[test]
fn readers_that_take_turns_each_leave_the_blocks_that_they_had_read() {
    let figures = "(cost=0.00..1.00 rows=1 width=4) (actual time=1.000..2.000 rows=1 loops=1)";
    let (_, derived) = derived(&format!(
        "Nested Loop  {figures}
  Buffers: shared hit=114
  CTE x
    ->  Seq Scan on t  {figures}
          Buffers: shared hit=114
  ->  CTE Scan on x  {figures}
        Buffers: shared hit=5
  ->  CTE Scan on x x_1  {figures}
        Buffers: shared hit=109
"
    ));
    let own = derived.nodes.iter().map(|node| node.exclusive_buffers.unwrap().shared_hit);
    assert_eq!(own.collect::<Vec<u64>>(), [0, 114, 0, 0]);
}

#[test]
fn an_init_plan_takes_its_time_from_the_node_that_reads_it() {
    for (label, reference) in
        [("InitPlan 1 (returns $0)", "$0"), ("InitPlan 1", "(InitPlan 1).col1")]
    {
        let (_, derived) = derived(&format!(
            "Aggregate  (cost=1.00..2.00 rows=1 width=4) (actual time=100.0..100.0 rows=1 loops=1)
  {label}
    ->  Aggregate  (cost=0.00..1.00 rows=1 width=4) (actual time=60.0..60.0 rows=1 loops=1)
          ->  Seq Scan on s  (cost=0.00..1.00 rows=1 width=4) (actual time=0.0..50.0 rows=1 loops=1)
  ->  Seq Scan on t  (cost=0.00..1.00 rows=1 width=4) (actual time=0.0..95.0 rows=1 loops=1)
        Filter: (a > {reference})
"
        ));
        let own: Vec<f64> = derived.nodes.iter().map(|node| node.exclusive_ms.unwrap()).collect();
        assert!(
            own.iter().zip([5.0, 10.0, 50.0, 35.0]).all(|(own, expected)| near(*own, expected)),
            "{own:?}"
        );
    }
}

#[test]
fn loops_count_and_workers_run_at_the_same_time() {
    let (_, derived) = derived("Gather  (cost=1.00..2.00 rows=1 width=4) (actual time=1.0..110.0 rows=30 loops=1)
  Workers Planned: 2
  Workers Launched: 2
  ->  Nested Loop  (cost=1.00..2.00 rows=1 width=4) (actual time=1.0..100.0 rows=10 loops=3)
        ->  Parallel Seq Scan on t  (cost=0.00..1.00 rows=1 width=4) (actual time=0.0..40.0 rows=10 loops=3)
        ->  Index Scan using i on u  (cost=0.00..1.00 rows=1 width=4) (actual time=0.5..1.0 rows=1 loops=150)
");
    let own: Vec<f64> = derived.nodes.iter().map(|node| node.exclusive_ms.unwrap()).collect();
    assert!(
        own.iter().zip([10.0, 10.0, 40.0, 50.0]).all(|(own, expected)| near(*own, expected)),
        "{own:?}"
    );
}

fn factor(text: &str, node: usize) -> (Option<f64>, Option<Direction>, Option<Unjudged>) {
    let (_, derived) = derived(text);
    let node = &derived.nodes[node];
    (node.estimate_factor, node.estimate_direction, node.estimate_unjudged)
}

#[test]
fn estimates_are_judged_for_each_loop_and_not_below_one_row() {
    let text = "Nested Loop  (cost=0.00..1.00 rows=1000 width=4) (actual rows=3000 loops=1)
  ->  Seq Scan on a  (cost=0.00..1.00 rows=1000 width=4) (actual rows=1000 loops=1)
  ->  Subquery Scan on b  (cost=0.00..1.00 rows=11111 width=4) (actual rows=3 loops=1000)
        ->  Seq Scan on c  (cost=0.00..1.00 rows=1 width=4) (actual rows=0.20 loops=5)
";
    assert_eq!(factor(text, 0), (Some(3.0), Some(Direction::Under), None));
    assert_eq!(factor(text, 1), (Some(1.0), None, None));
    assert_eq!(factor(text, 2), (Some(11111.0 / 3.0), Some(Direction::Over), None));
    assert_eq!(factor(text, 3), (Some(1.0), None, None));
}

#[test]
fn a_limit_shields_what_it_stops_until_a_sort_reads_all() {
    let text = "Limit  (cost=0.00..1.00 rows=5 width=4) (actual rows=5 loops=1)
  ->  Seq Scan on a  (cost=0.00..1.00 rows=100000 width=4) (actual rows=5 loops=1)
";
    assert_eq!(factor(text, 1), (None, None, Some(Unjudged::Limit)));
    let sorted = "Limit  (cost=0.00..1.00 rows=5 width=4) (actual rows=5 loops=1)
  ->  Sort  (cost=0.00..1.00 rows=100000 width=4) (actual rows=5 loops=1)
        ->  Seq Scan on a  (cost=0.00..1.00 rows=100000 width=4) (actual rows=50 loops=1)
";
    assert_eq!(factor(sorted, 1), (None, None, Some(Unjudged::Limit)));
    assert_eq!(factor(sorted, 2), (Some(2000.0), Some(Direction::Over), None));
    // More rows than estimated are an error even there.
    let under = text.replace("rows=100000", "rows=1");
    assert_eq!(factor(&under, 1), (Some(5.0), Some(Direction::Under), None));
}

#[test]
fn joins_that_stop_early_shield_their_sides() {
    let join = |kind: &str| {
        format!(
            "{kind}  (cost=0.00..1.00 rows=10 width=4) (actual rows=10 loops=1)
  ->  Seq Scan on a  (cost=0.00..1.00 rows=10000 width=4) (actual rows=10 loops=1)
  ->  Index Scan using i on b  (cost=0.00..1.00 rows=500 width=4) (actual rows=1 loops=10)
"
        )
    };
    assert_eq!(factor(&join("Nested Loop Semi Join"), 2).2, Some(Unjudged::FirstMatch));
    assert_eq!(factor(&join("Nested Loop Anti Join"), 2).2, Some(Unjudged::FirstMatch));
    assert_eq!(factor(&join("Nested Loop"), 2).0, Some(500.0));
    assert_eq!(factor(&join("Merge Join"), 1).2, Some(Unjudged::MergeJoin));
    assert_eq!(factor(&join("Merge Join"), 2).2, Some(Unjudged::MergeJoin));
    let never = "Append  (cost=0.00..1.00 rows=10 width=4) (actual rows=10 loops=1)
  ->  Seq Scan on a  (cost=0.00..1.00 rows=10000 width=4) (never executed)
";
    assert_eq!(factor(never, 1), (None, None, Some(Unjudged::NeverExecuted)));
}

#[test]
fn buffers_of_a_plan_add_up_to_those_of_its_root() {
    for member in members() {
        for (name, block) in blocks(&format!("{member}.json")) {
            for plan in read(&block.text)
                .unwrap()
                .into_iter()
                .filter(|plan| plan.nodes[0].buffers.is_some())
            {
                let all: u64 = derive(&plan)
                    .nodes
                    .iter()
                    .map(|node| node.exclusive_buffers.unwrap().shared_hit)
                    .sum();
                let root = plan.nodes[0].buffers.unwrap().shared_hit;
                assert!(
                    all >= root && all <= root + root / 20 + 40,
                    "{member} {name}: {all} of {root}"
                );
            }
        }
    }
}
