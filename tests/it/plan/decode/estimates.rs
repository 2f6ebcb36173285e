//! Estimates that are far off, and the time that they cost.

use super::super::{decoded, ids};

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
