//! Scans that read or remove too many rows.

use super::super::{decoded, ids};

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
