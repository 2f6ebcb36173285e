//! How plans arrive from other programs: kinds that were met in public threads, in names of our own.

use super::super::{ParsedPlan, StopReason, read};

fn plan(text: &str) -> ParsedPlan {
    let mut plans = read(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(plans.len(), 1, "{text}");
    plans.remove(0)
}

/// The kind of each node, and the number of its parent.
fn tree(plan: &ParsedPlan) -> Vec<(&str, Option<usize>)> {
    plan.nodes.iter().map(|node| (node.node_type.as_str(), node.parent)).collect()
}

#[test]
fn lines_are_unquoted_where_an_editor_quoted_those_with_a_comma_alone() {
    let plan = plan(
        "Limit  (cost=8.2..8.3 rows=1 width=8) (actual time=6.0..6.1 rows=0 loops=1)\n\
         \x20 ->  Sort  (cost=8.2..8.3 rows=1 width=8) (actual time=6.0..6.0 rows=0 loops=1)\n\
         \"        Sort Key: e.made_at, e.\"\"Id\"\"\"\n\
         \x20       Sort Method: quicksort  Memory: 25kB\n\
         \"        ->  Index Scan using e_i on e  (cost=0.4..8.1 rows=1 width=8) (actual time=5.9..5.9 rows=0 loops=1)\"\n\
         \"              Index Cond: (a = ANY ('{1,2}'::integer[]))\"\n\
         Planning Time: 0.9 ms\n",
    );
    assert_eq!(tree(&plan), [("Limit", None), ("Sort", Some(0)), ("Index Scan", Some(1))]);
    assert_eq!(plan.nodes[1].sort_key, ["e.made_at", "e.\"Id\""]);
    assert_eq!(plan.nodes[2].condition("index_cond"), Some("(a = ANY ('{1,2}'::integer[]))"));
    assert_eq!(plan.planning_ms, Some(0.9));
}

#[test]
fn blanks_around_quoted_lines_are_no_part_of_them() {
    let plan = plan(
        "  \"Limit  (cost=8.2..8.3 rows=1 width=8)\"       \n\
         \x20 \"  ->  Seq Scan on t  (cost=0.4..8.1 rows=1 width=8)\"       \n\
         \x20 \"        Filter: (a = ANY ('{1,2}'::integer[]))\"       \n",
    );
    assert_eq!(tree(&plan), [("Limit", None), ("Seq Scan", Some(0))]);
    assert_eq!(plan.nodes[1].condition("filter"), Some("(a = ANY ('{1,2}'::integer[]))"));
}

#[test]
fn a_document_below_a_header_keeps_its_quotes() {
    let json = "QUERY PLAN\n[\n  {\n    \"Plan\": {\n      \"Node Type\": \"Seq Scan\",\n      \"Plan Rows\": 3,\n      \
                \"Alias\": \"t\"\n    }\n  }\n]\n";
    assert_eq!(tree(&plan(json)), [("Seq Scan", None)]);
}

#[test]
fn properties_are_those_of_a_whole_line_of_a_node_wherever_they_stand() {
    let plan = plan(
        "HashAggregate  (cost=0.00..0.00 rows=0 width=0)\n\
         \x20 Group Key: remote.minute\n\
         \x20 ->  Custom Scan (Shards)  (cost=0.00..0.00 rows=0 width=0)\n\
         \x20   Task Count: 32\n\
         \x20   Tasks Shown: One of 32\n\
         \x20   ->  Task\n\
         \x20     Host: host=localhost port=5433\n\
         \x20     ->  Seq Scan on events_17 events  (cost=0.00..88.20 rows=418 width=5)\n\
         \x20       Filter: (kind = 'push'::text)\n\
         \x20                 Planning Time: 0.2 ms\n",
    );
    let expected =
        [("Aggregate", None), ("Custom Scan", Some(0)), ("Task", Some(1)), ("Seq Scan", Some(2))];
    assert_eq!(tree(&plan), expected);
    assert_eq!(plan.nodes[1].extra["Task Count"], 32);
    assert_eq!(plan.nodes[3].plan_rows, Some(418.0));
}

#[test]
fn a_plan_without_its_indentation_is_refused_for_that() {
    let flat = "Limit (cost=1.2..1.3 rows=7 width=4) (actual time=0.1..0.1 rows=7 loops=1)\n\
                -> Sort (cost=1.2..1.3 rows=7 width=4) (actual time=0.1..0.1 rows=7 loops=1)\n\
                Sort Key: id\n\
                -> Seq Scan on t (cost=0.0..1.1 rows=7 width=4) (actual time=0.0..0.0 rows=7 loops=1)\n";
    assert_eq!(read(flat).unwrap_err().reason, StopReason::LostIndentation);
    let cut = "Limit  (cost=1.2..1.3 rows=7 width=4)\n  ->  Sort  (cost=1.2..1.3 rows=7 width=4)\n";
    assert_eq!(read(cut).unwrap_err().reason, StopReason::CutOff);
    // Two lines need none.
    let two =
        "Limit (cost=1.2..1.3 rows=7 width=4)\n-> Seq Scan on t (cost=0.0..1.1 rows=7 width=4)\n";
    assert_eq!(tree(&plan(two)), [("Limit", None), ("Seq Scan", Some(0))]);
}

/// Pages make one blank of several between words, and leave those at the beginning of lines.
#[test]
fn a_plan_whose_figures_stand_one_blank_apart_is_read_by_its_indentation() {
    let page = "Limit (cost=1.2..1.3 rows=7 width=4) (actual time=0.1..0.1 rows=7 loops=1)\n\
                \x20 -> Sort (cost=1.2..1.3 rows=7 width=4) (actual time=0.1..0.1 rows=7 loops=1)\n\
                \x20       Sort Key: id\n\
                \x20       -> Seq Scan on t (cost=0.0..1.1 rows=7 width=4) (actual time=0.0..0.0 rows=7 loops=1)\n";
    let expected = [("Limit", None), ("Sort", Some(0)), ("Seq Scan", Some(1))];
    let read = plan(page);
    assert_eq!(tree(&read), expected);
    assert_eq!(read.nodes[1].sort_key, ["id"]);
}

#[test]
fn a_plan_in_a_comment_of_a_logged_statement_is_part_of_the_statement() {
    let entry = |text: &str| {
        format!(
            "2026-11-29 19:31:12.119 UTC [9] LOG:  duration: 0.970 ms  plan:\n\
             \tQuery Text: {text}\n\
             \tAggregate  (cost=4.0..4.1 rows=1 width=8) (actual time=0.9..0.9 rows=1 loops=1)\n\
             \t  ->  Seq Scan on ev  (cost=0.0..4.0 rows=1 width=0) (actual time=0.9..0.9 rows=0 loops=1)\n\
             \t        Filter: (note = 'x'::text)\n"
        )
    };
    let commented =
        "select count(*) /*\n\tSeq Scan on old  (cost=0.00..1.00 rows=1 width=4)\n\t*/ from ev";
    let twice = entry(commented) + &entry("select 1");
    let plans = read(&twice).unwrap();
    let statements: Vec<_> = plans.iter().map(|plan| plan.statement.as_deref()).collect();
    let whole = "select count(*) /*\nSeq Scan on old  (cost=0.00..1.00 rows=1 width=4)\n*/ from ev";
    assert_eq!(statements, [Some(whole), Some("select 1")]);
    assert_eq!(tree(&plans[0]), [("Aggregate", None), ("Seq Scan", Some(0))]);
}

#[test]
fn many_first_lines_in_a_comment_are_looked_through_once() {
    let many = "\tHash Join (cost=0.0..4.0 rows=1 width=0)\n".repeat(100_000);
    let root = "\tSeq Scan on t  (cost=0.0..4.0 rows=1 width=0)\n";
    let text =
        format!("LOG:  duration: 0.970 ms  plan:\n\tQuery Text: select /*\n{many}\t*/ 1\n{root}");
    let plan = plan(&text);
    assert_eq!(tree(&plan), [("Seq Scan", None)]);
    assert_eq!(plan.nodes[0].relation.as_deref(), Some("t"));
}

#[test]
fn what_other_servers_say_of_their_part_is_none_of_the_statement() {
    let plan = plan(
        "Custom Scan (Shards)  (cost=0.0..0.0 rows=9 width=0) (actual time=25.1..26.1 rows=9 loops=1)\n\
         \x20 ->  Part\n\
         \x20       Duration: 410.39 ms\n\
         \x20       ->  Seq Scan on t  (cost=0.0..6.4 rows=8 width=8) (actual time=0.1..5.4 rows=8 loops=1)\n\
         \x20             Filter: (a = '00'::text)\n\
         \x20           Planning:\n\
         \x20             Buffers: shared hit=15\n\
         \x20           Planning Time: 0.1 ms\n\
         \x20           Execution Time: 5.9 ms\n\
         \x20 Task Count: 1\n\
         \x20 Data received: 16 MB\n\
         Planning Time: 20.1 ms\n\
         Execution Time: 26.2 ms\n",
    );
    assert_eq!(tree(&plan), [("Custom Scan", None), ("Part", Some(0)), ("Seq Scan", Some(1))]);
    assert_eq!((plan.planning_ms, plan.execution_ms), (Some(20.1), Some(26.2)));
    let scan = &plan.nodes[2];
    assert_eq!((scan.condition("filter"), scan.buffers), (Some("(a = '00'::text)"), None));
    assert_eq!(plan.nodes[0].extra["Task Count"], 1);
    assert_eq!(plan.nodes[0].extra["Data received"], "16 MB");
}

#[test]
fn a_plan_of_another_kind_of_server_is_refused() {
    let text = "-> Nested loop inner join (cost=108.50 rows=20) (actual time=0.25..12.3 rows=1450 loops=1)\n\
                \x20   -> Table scan on o (cost=50.25 rows=200) (actual time=0.10..3.5 rows=2000 loops=1)\n";
    assert!(matches!(read(text).unwrap_err().reason, StopReason::Expected(_)));
}

/// A plan of a book: indented, its lines broken at blanks with that, and its arrows where the page had room.
const BOOK: &str = "   Hash Join (cost=33.93..92.04 rows=498 width=15) (actual
   time=1.351..189.308 rows=100 loops=1)
   Hash Cond: (p.author = u.pk)
     -> Index Scan using posts_date on posts p (cost=0.43..55.92
   rows=996 width=12) (actual time=0.029..0.254 rows=1000 loops=1)
              Index Cond: (made = (CURRENT_DATE - 5))
     -> Hash (cost=21.00..21.00 rows=1000 width=19) (actual
   time=0.345..0.345 rows=1000 loops=1)
           -> Seq Scan on users u (cost=0.00..21.00 rows=1000 width=19)
   (actual time=0.006..0.151 rows=1000 loops=1)
   Planning Time: 0.393 ms
   Execution Time: 189.439 ms
";

#[test]
fn a_plan_of_a_book_is_read_with_what_all_its_lines_are_indented_by() {
    let plan = plan(BOOK);
    let expected =
        [("Hash Join", None), ("Index Scan", Some(0)), ("Hash", Some(0)), ("Seq Scan", Some(2))];
    assert_eq!(tree(&plan), expected);
    assert_eq!((plan.nodes[1].actual_rows, plan.execution_ms), (Some(1000.0), Some(189.439)));
}

#[test]
fn an_arrow_in_a_column_of_its_own_is_named_by_its_line() {
    // The other side of the join stands below its first side, which reads no node.
    let error = read(&BOOK.replace("     -> Hash (", "      -> Hash (")).unwrap_err();
    assert_eq!((error.line, error.reason), (7, StopReason::IrregularIndentation));
    // Nothing below the Hash: here the plan was cut.
    let whole: Vec<&str> = BOOK.lines().collect();
    let error = read(&whole[..8].join("\n")).unwrap_err();
    assert_eq!((error.line, error.reason), (8, StopReason::CutOff));
}
