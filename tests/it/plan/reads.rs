//! What is said of a node that reads from outside of shared buffers, and has something else wrong too.

use super::{decoded, ids};

const LOW_BUFFER_HIT: (&str, u32) = ("plan/low-buffer-hit", 0);

/// A scan that takes 900 ms of 1,000 and reads 60,000 blocks, with what is below it; the reads are timed where these are
/// milliseconds.
fn scan(title: &str, lines: &str, read_ms: Option<f64>, below: &str) -> String {
    let timed = read_ms.map_or_else(String::new, |ms| format!("  I/O Timings: shared read={ms}\n"));
    format!(
        "{title}  (cost=10.00..9000.00 rows=50000 width=8) (actual time=1.0..900.0 rows=50000 loops=1)
{lines}  Buffers: shared hit=100 read=60000
{timed}{below}Execution Time: 1000.000 ms
"
    )
}

#[tokio::test]
async fn a_lossy_bitmap_takes_what_the_reads_do_not() {
    let lossy = "  Recheck Cond: (place < 50)\n  Rows Removed by Index Recheck: 900000\n  Heap Blocks: exact=100 lossy=59900\n";
    let bitmap = "  ->  Bitmap Index Scan on orders_place  (cost=0.00..10.00 rows=50000 width=0) (actual time=9.0..9.0 rows=50000 loops=1)
        Index Cond: (place < 50)
        Buffers: shared hit=90
";
    let found = |read_ms| async move {
        let plan =
            decoded(&scan("Bitmap Heap Scan on orders o", lossy, read_ms, bitmap), &[]).await;
        ids(&plan).into_iter().map(|(check, node)| (check.to_owned(), node)).collect::<Vec<_>>()
    };
    let lossy_bitmap = || ("plan/lossy-bitmap".to_owned(), 0);
    let low_buffer_hit = || (LOW_BUFFER_HIT.0.to_owned(), 0);
    assert_eq!(found(None).await, [lossy_bitmap()]);
    assert_eq!(found(Some(880.0)).await, [low_buffer_hit()]);
    assert_eq!(found(Some(300.0)).await, [lossy_bitmap(), low_buffer_hit()]);
}

#[tokio::test]
async fn reads_that_another_finding_would_spare_are_not_blamed_again() {
    let fetches = "  Index Cond: (place < 50)\n  Heap Fetches: 50000\n";
    let discards = "  Index Cond: (place < 50)\n  Filter: (note = 'x'::text)\n  Rows Removed by Filter: 9000000\n";
    for (title, lines, check) in [
        ("Index Only Scan using orders_place on orders o", fetches, "plan/heap-fetches"),
        ("Index Scan using orders_place on orders o", discards, "plan/unselective-index-scan"),
    ] {
        for read_ms in [None, Some(880.0)] {
            let plan = scan(title, lines, read_ms, "");
            assert_eq!(ids(&decoded(&plan, &[]).await), [(check, 0)], "{plan}");
        }
    }
    let needed =
        scan("Index Scan using orders_place on orders o", "  Index Cond: (place < 50)\n", None, "");
    assert_eq!(ids(&decoded(&needed, &[]).await), [LOW_BUFFER_HIT]);
}

#[tokio::test]
async fn a_scan_that_hides_its_column_or_reads_with_other_partitions_is_blamed_once() {
    let hidden = "  Filter: (date_trunc('day'::text, made_at) = '2026-01-01 00:00:00'::timestamp without time zone)
  Rows Removed by Filter: 49991877
";
    let plan = scan("Seq Scan on orders o", hidden, None, "");
    assert_eq!(ids(&decoded(&plan, &[]).await), [("plan/unindexable-condition", 0)]);

    let append =
        "Append  (cost=0.00..900.00 rows=5 width=8) (actual time=1.0..980.0 rows=200 loops=1)
  Buffers: shared hit=20 read=60000
";
    let part = "  ->  Seq Scan on orders_1 o_1  (cost=0.00..300.00 rows=2 width=8) (actual time=1.0..320.0 rows=66 loops=1)
        Filter: (place = 5)
        Rows Removed by Filter: 500000
        Buffers: shared hit=5 read=20000
";
    let parts = ["1", "2", "3"].map(|number| part.replace("_1", &format!("_{number}")));
    let partitions = format!("{append}{}Execution Time: 1000.000 ms\n", parts.concat());
    let found = decoded(&partitions, &[]).await;
    assert_eq!(
        ids(&found).iter().map(|(check, _)| *check).collect::<Vec<_>>(),
        ["plan/large-seq-scan"]
    );
}

#[tokio::test]
async fn a_bitmap_without_an_exact_block_is_no_lack_of_memory() {
    // As measured on 18.4: a BRIN index says ten rows for each block of its ranges, whatever the setting.
    let ranges = "  Recheck Cond: (place < 50)\n  Rows Removed by Index Recheck: 900000\n  Heap Blocks: lossy=59900\n";
    let bitmap = "  ->  Bitmap Index Scan on orders_place  (cost=0.00..10.00 rows=50000 width=0) (actual time=9.0..9.0 rows=599000 loops=1)
        Index Cond: (place < 50)
";
    let plan = scan("Bitmap Heap Scan on orders o", ranges, None, bitmap);
    let plan = decoded(&plan.replace("  Buffers: shared hit=100 read=60000\n", ""), &[]).await;
    assert_eq!(ids(&plan), []);
    let declined = plan.declined.iter().find(|declined| declined.check == "plan/lossy-bitmap");
    assert!(declined.is_some_and(|declined| declined.detail.contains("BRIN")), "{plan:#?}");
}

#[tokio::test]
async fn processes_read_at_the_same_time() {
    // Each of three processes waits 200 ms of 900.
    let plan = "Gather  (cost=10.00..9000.00 rows=50000 width=8) (actual time=1.0..905.0 rows=50000 loops=1)
  Workers Planned: 2
  Workers Launched: 2
  Buffers: shared hit=100 read=60000
  I/O Timings: shared read=600.000
  ->  Parallel Index Scan using orders_place on orders o  (cost=10.00..9000.00 rows=20000 width=8) (actual time=1.0..900.0 rows=16667 loops=3)
        Index Cond: (place < 50)
        Buffers: shared hit=100 read=60000
        I/O Timings: shared read=600.000
Execution Time: 1000.000 ms
";
    let plan = decoded(plan, &[]).await;
    assert_eq!(ids(&plan), [("plan/low-buffer-hit", 1)]);
    let share = plan.findings[0].evidence.iter().find(|one| one.name == "time_share").unwrap();
    assert_eq!(share.value.as_f64(), Some(0.2), "{plan:#?}");
}
