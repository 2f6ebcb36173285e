//! How pages and clients show a plan: kinds that were met in public threads, in names of our own.

use super::super::{ParsedPlan, StopReason, read};

fn plan(text: &str) -> ParsedPlan {
    let mut plans = read(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(plans.len(), 1, "{text}");
    plans.remove(0)
}

const PLAN: &str = "Limit  (cost=0.10..8.30 rows=1 width=8) (actual time=0.010..6.100 rows=2 loops=1)
  ->  Seq Scan on items_kept i  (cost=0.00..8.10 rows=1 width=8) (actual time=0.009..6.000 rows=2 loops=1)
        Filter: ((size > 3) AND (tags && '{a,b}'::text[]) AND (name = 'x'::text) AND (\"Kind\" < 9))
        Rows Removed by Filter: 30
Planning Time: 0.100 ms
Execution Time: 6.200 ms
";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[test]
fn references_of_a_page_are_resolved_by_name_and_by_number() {
    let whole = escaped(PLAN);
    let numbered = whole.replace('\'', "&#39;").replace("&gt;", "&#x3E;").replace("&lt;", "&#60;");
    let apostrophes =
        whole.replace('\'', "&#x27;").replace("        Filter", "&#160;       Filter");
    for page in [whole, numbered, apostrophes] {
        assert_eq!(plan(&page), plan(PLAN), "{page}");
        assert_eq!(plan(&format!("<pre>{page}</pre>")), plan(PLAN), "{page}");
    }
    // Without an arrow only the condition says that the page escaped it.
    let scan = "Index Scan using i on t  (cost=0.10..8.30 rows=1 width=8)\n  Index Cond: (a &amp;&amp; &#39;{1}&#39;::integer[])\n";
    assert_eq!(plan(scan).nodes[0].condition("index_cond"), Some("(a && '{1}'::integer[])"));
}

#[test]
fn references_of_a_literal_are_its_own() {
    let own = PLAN.replace("'x'::text", "'&gt;&#39;&amp;x'::text");
    let filter = plan(&own).nodes[1].condition("filter").unwrap().to_owned();
    assert!(filter.contains("(name = '&gt;&#39;&amp;x'::text)"), "{filter}");
}

#[test]
fn a_line_of_blanks_between_tags_is_blank() {
    assert_eq!(plan(&format!("<pre>\n \n{}   \n</pre>\n", escaped(PLAN))), plan(PLAN));
    assert_eq!(plan(&escaped(PLAN).replace('\n', "<br>\n \n")), plan(PLAN));
}

#[test]
fn signs_behind_a_backslash_are_those_that_markdown_would_take_for_its_own() {
    let cell = |line: &str| {
        let mut cell = line.replace("->", "-&gt;");
        for sign in ['(', ')', '[', ']', '_', '*', '|'] {
            cell = cell.replace(sign, &format!("\\{sign}"));
        }
        format!("| {cell} |")
    };
    let rows = PLAN.lines().map(cell).collect::<Vec<_>>().join("\n");
    let table = format!("| QUERY PLAN |\n| :--- |\n{rows}\n");
    assert_eq!(plan(&table), plan(PLAN), "{table}");
    // Copied without its header.
    assert_eq!(plan(&rows), plan(PLAN), "{rows}");
}

#[test]
fn the_backslashes_of_a_pattern_are_its_own() {
    let pattern = PLAN.replace("(name = 'x'::text)", "(name ~ '\\(a\\_b\\)'::text)");
    let filter = plan(&pattern).nodes[1].condition("filter").unwrap().to_owned();
    assert!(filter.contains("(name ~ '\\(a\\_b\\)'::text)"), "{filter}");
}

#[test]
fn messages_by_which_a_function_printed_a_plan_are_its_lines() {
    // Lines that a change adds have a sign before them, too.
    for level in ["NOTICE:  ", "INFO:  ", "+"] {
        let messages = format!("{level}{}\n", PLAN.trim_end().replace('\n', &format!("\n{level}")));
        assert_eq!(plan(&messages), plan(PLAN), "{messages}");
    }
    // Where other lines are between them, the level is no name of a node.
    let mixed = "NOTICE:  Seq Scan on t  (cost=0.00..8.10 rows=1 width=8)\nDO\n";
    assert_eq!(read(mixed).unwrap_err().reason, StopReason::NoPlan);
}

#[test]
fn rows_are_read_below_the_call_that_printed_them() {
    let lines = || PLAN.lines();
    let quote = |line: &str| format!("\"{}\"", line.replace('"', "\\\""));
    let object = |line: &str| {
        let quote = if line.contains('\'') && line.contains('"') { '`' } else { '"' };
        format!("  {{ 'QUERY PLAN': {quote}{line}{quote} }},\n")
    };
    let objects = lines().map(object).collect::<Vec<_>>().concat();
    let strings: Vec<String> = lines().map(quote).collect();
    let tuples = lines().map(|line| format!("({},), ", quote(line))).collect::<Vec<_>>().concat();
    let one = quote(PLAN.trim_end()).replace('\n', "\\n");
    for call in ["", "> show(plan)\n"] {
        for rows in [
            format!("[\n{objects}]\n"),
            format!("[{}]\n", strings.join(", ")),
            format!("[{tuples}]\n"),
            format!("{one}\n"),
        ] {
            let text = format!("{call}{rows}");
            assert_eq!(plan(&text), plan(PLAN), "{text}");
        }
    }
}

#[test]
fn a_quote_before_the_first_line_alone_was_copied_with_it() {
    assert_eq!(plan(&format!("\"{PLAN}")), plan(PLAN));
    assert_eq!(plan(&format!("/*\n\"{PLAN}*/\n")), plan(PLAN));
}

#[test]
fn quotes_behind_what_all_lines_are_indented_by_are_no_part_of_them() {
    let text = "    Limit  (cost=8.2..8.3 rows=1 width=8)\n\
                \x20   \"  Output: a, b\"\n\
                \x20     ->  Seq Scan on t  (cost=0.4..8.1 rows=1 width=8)\n\
                \x20   \"        Output: a, b\"\n";
    let plan = plan(text);
    assert_eq!(plan.nodes[1].parent, Some(0));
    for node in &plan.nodes {
        assert_eq!(node.output, ["a", "b"], "{plan:?}");
    }
}

#[test]
fn a_document_within_another_is_found_wherever_it_stands() {
    let document = "[{\"Plan\": {\"Node Type\": \"Seq Scan\", \"Relation Name\": \"t\", \"Filter\": \"(a = 1)\"}, \"Planning Time\": 0.1}]";
    let own = plan(document);
    for around in [
        format!("{{\"engine\": \"x\", \"plan\": {document}, \"ms\": 12}}\n"),
        format!(
            "The tool answers:\n\n```json\n{{\n  \"rows\": [{{\"QUERY PLAN\": {document}}}]\n}}\n```\n"
        ),
        format!("{{\"result\": {}}}\n", document.trim_matches(['[', ']'])),
    ] {
        assert_eq!(plan(&around), own, "{around}");
    }
    assert!(read("{\"x\": {\"Plan\": {\"Node").is_err());
}
