//! Pasted plans, by example.

use database_optimizer::explain::{ParsedPlan, PlanFormat, StopReason, read};

fn one(text: &str) -> ParsedPlan {
    let mut plans = read(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(plans.len(), 1);
    plans.remove(0)
}

const JOIN: &str = "Hash Join  (cost=1.09..32.08 rows=32 width=224) (actual time=0.524..0.525 rows=0 loops=1)
  Hash Cond: (c.relnamespace = n.oid)
  ->  Seq Scan on pg_class c  (cost=0.00..29.84 rows=64 width=73) (actual time=0.026..0.397 rows=128 loops=1)
        Filter: (relkind = ANY ('{r,p}'::\"char\"[]))
        Rows Removed by Filter: 261
  ->  Hash  (cost=1.07..1.07 rows=2 width=68) (actual time=0.062..0.062 rows=2 loops=1)
        Buckets: 1024  Batches: 1  Memory Usage: 9kB
        ->  Seq Scan on pg_namespace n  (cost=0.00..1.07 rows=2 width=68) (actual time=0.032..0.038 rows=2 loops=1)
Planning Time: 0.636 ms
Execution Time: 0.616 ms
";

#[test]
fn a_mail_client_that_wraps_at_blanks_does_not_change_the_tree() {
    let mut mail = String::new();
    for line in JOIN.lines() {
        let mut column = 0;
        for word in line.split_inclusive(' ') {
            if column > 0 && column + word.trim_end().len() > 72 {
                mail = mail.trim_end().to_owned() + "\n";
                column = 0;
            }
            mail += word;
            column += word.len();
        }
        mail += "\n";
    }
    assert_ne!(mail, JOIN);
    assert_eq!(one(&mail), one(JOIN));
}

#[test]
fn a_bar_at_the_right_alone_is_no_part_of_the_plan() {
    let width = JOIN.lines().map(str::len).max().unwrap();
    let mut table = format!("{:width$}|\n{}+\n", "QUERY PLAN", "-".repeat(width));
    for line in JOIN.lines() {
        table += &format!("{line:width$}|\n");
    }
    assert_eq!(one(&table), one(JOIN));
}

#[test]
fn tags_of_a_page_and_signs_of_comments_are_no_part_of_the_plan() {
    let escaped = JOIN.replace('<', "&lt;").replace('>', "&gt;");
    for page in [
        format!("<pre>{escaped}</pre>\n"),
        format!("<pre><code class=\"sql\">{JOIN}</code></pre>"),
        format!("<pre>\n{escaped}\n</pre>"),
    ] {
        assert_eq!(one(&page), one(JOIN), "{page}");
    }
    let cell = |line: &str| {
        let own = line.trim_start();
        let blanks = "&nbsp;".repeat(line.len() - own.len());
        format!("  <tr valign=\"top\">\n    <td align=\"left\">{blanks}{own}</td>\n  </tr>\n")
    };
    let cells: String = escaped.lines().map(cell).collect();
    let head = "<table border=\"1\">\n  <tr>\n    <th align=\"center\">QUERY PLAN</th>\n  </tr>\n";
    let table = format!("{head}{cells}</table>\n<p>(10 rows)<br />\n</p>\n");
    assert_eq!(one(&table), one(JOIN), "{table}");
    for mark in ["-- ", "--", "# ", "* ", "// ", "  -- "] {
        let marked: String = JOIN.lines().map(|line| format!("{mark}{line}\n")).collect();
        assert_eq!(one(&marked), one(JOIN), "{marked}");
    }
}

#[test]
fn tags_within_a_condition_are_its_own() {
    let literal = JOIN
        .replace("'{r,p}'", "'</td><pre>'")
        .replace("(c.relnamespace", "('<td>' = c.relnamespace");
    assert_eq!(one(&literal).nodes.len(), 4);
    assert!(one(&literal).nodes[1].conditions[0].text.contains("'</td><pre>'"), "{literal}");
}

#[test]
fn a_plan_whose_first_line_cannot_be_read_is_not_one_of_the_nodes_below() {
    let mut lines = JOIN.lines();
    let first = lines.next().unwrap();
    let rest: Vec<&str> = lines.collect();
    let error = read(&format!("=== {first}\n{}\n", rest.join("\n"))).unwrap_err();
    assert_eq!(error.reason, StopReason::Expected("the line of the node above"));
    // A part that was pasted for itself is a plan.
    assert_eq!(one(&rest[1..4].join("\n")).nodes[0].node_type, "Seq Scan");
}

#[test]
fn cells_in_quotes_and_rows_as_json_are_lines() {
    let cell = |line: &str| format!("\"{}\"", line.replace('"', "\"\""));
    let csv: String = JOIN.lines().map(|line| cell(line) + "\n").collect();
    assert_eq!(one(&format!("QUERY PLAN\n{csv}")), one(JOIN));
    let rows: Vec<_> = JOIN.lines().map(|line| serde_json::json!({"QUERY PLAN": line})).collect();
    assert_eq!(one(&serde_json::to_string(&rows).unwrap()), one(JOIN));
}

#[test]
fn lines_of_a_csv_are_quoted_where_they_have_to_be() {
    let text = JOIN.replace("Filter: (relkind", "Filter: ((relname = 'a\n,b') AND (relkind");
    let cells: String = text
        .replace('"', "\"\"")
        .replace("        Filter: ((", "\"        Filter: ((")
        .replace("char\"\"[]))", "char\"\"[]))\"");
    assert!(cells.contains("\n\"        Filter: ((relname = 'a\n,b')"), "{cells}");
    assert_eq!(one(&format!("QUERY PLAN\n{cells}")), one(&text));
}

#[test]
fn colours_and_numbers_of_lines_are_no_part_of_the_plan() {
    let coloured: String =
        JOIN.lines().map(|line| format!("\u{1b}[1;32m{line}\u{1b}[0m\n")).collect();
    assert_eq!(one(&coloured), one(JOIN));
    for separator in ["\t", "  ", ": ", " | ", ". "] {
        let numbered = JOIN.lines().zip(1..).map(|(line, n)| format!("{n:>4}{separator}{line}\n"));
        assert_eq!(one(&numbered.collect::<String>()), one(JOIN), "{separator:?}");
    }
}

#[test]
fn a_subplan_belongs_to_the_node_at_whose_children_its_label_stands() {
    let figures = "(cost=0.00..1.00 rows=1 width=8) (actual time=1.000..2.000 rows=1 loops=1)";
    let plan = one(&format!(
        "Gather  {figures}
  Workers Planned: 2
  ->  Hash Join  {figures}
        Hash Cond: (a.id = b.id)
        ->  Seq Scan on a  {figures}
        ->  Hash  {figures}
              ->  Seq Scan on b  {figures}
        SubPlan 2
          ->  Index Scan using i on d  {figures}
                Index Cond: (id = a.id)
  SubPlan 1
    ->  Aggregate  {figures}
          ->  Seq Scan on c  {figures}
"
    ));
    let parents: Vec<Option<usize>> = plan.nodes.iter().map(|node| node.parent).collect();
    assert_eq!(parents, [None, Some(0), Some(1), Some(1), Some(3), Some(1), Some(0), Some(6)]);
    let name = |at: usize| plan.nodes[at].subplan_name.as_deref();
    assert_eq!((name(5), name(6)), (Some("SubPlan 2"), Some("SubPlan 1")));
}

#[test]
fn a_line_wrapped_at_a_blank_or_within_a_condition_reads_as_it_did() {
    let line = |condition: &str| {
        format!("Seq Scan on t  (cost=0.00..1.00 rows=1 width=4)\n  Filter: {condition}\n")
    };
    let whole = line("(((day >= '2026-02-01'::date) AND (day <= '2026-02-10'::date)) OR (a = 1))");
    for (at, with) in [("AND (day", "AND\n(day"), (") AND", ")\nAND"), (")) OR", "))\nOR")] {
        assert_eq!(one(&whole.replace(at, with)), one(&whole), "{with:?}");
    }
    // A terminal breaks anywhere, and loses nothing.
    assert_eq!(one(&whole.replace("::date))", "::date\n))")), one(&whole));
}

#[test]
fn plans_are_read_out_of_strings_of_json_and_of_a_csvlog() {
    let entry = format!("duration: 3.120 ms  plan:\nQuery Text: select 'a, \"b\"'\n{JOIN}");
    let carried = one(&format!("LOG:  {entry}"));
    let json = |value: serde_json::Value| value.to_string();
    let line = json(
        serde_json::json!({"timestamp": "2026-11-29 11:45:10.105 UTC", "pid": 7, "message": entry}),
    );
    assert_eq!(one(&format!("{line}\n{{\"message\": \"connection received\"}}\n")), carried);
    assert_eq!(one(&json(serde_json::json!(JOIN))), one(JOIN));
    assert_eq!(one(&json(serde_json::json!({"plan": JOIN}))), one(JOIN));
    let document = r#"[{"Plan": {"Node Type": "Seq Scan", "Relation Name": "t", "Plan Rows": 3}}]"#;
    assert_eq!(one(&json(serde_json::json!(document))), one(document));
    let record = |message: &str| {
        let message = message.replace('"', "\"\"");
        format!(
            "2026-11-29 11:45:10.105 UTC,\"app\",\"shop\",7,\"[local]\",6a.7,1,\"SELECT\",2026-11-29 11:45:10 UTC,1/2,0,LOG,00000,\"{message}\",,,,,,,,,\"psql\",\"client backend\",,0\n"
        )
    };
    let csvlog =
        format!("{}{}{}", record("connection received"), record(&entry), record("disconnection"));
    assert_eq!(one(&csvlog), carried);
    assert_eq!(read(&format!("{csvlog}{csvlog}")).unwrap().len(), 2);
}

#[test]
fn json_may_come_in_a_column_in_a_cell_and_sorted() {
    let node = r#"{"Node Type": "Seq Scan", "Relation Name": "t", "Plan Rows": 3}"#;
    let plain = one(&format!(r#"[{{"Plan": {node}}}]"#));
    assert_eq!(plain.nodes[0].relation.as_deref(), Some("t"));
    assert_eq!(one(&format!(r#"[{{"QUERY PLAN": [{{"Plan": {node}}}]}}]"#)), plain);
    assert_eq!(one(node), plain);
    let cell = format!("\"[\n  {{\n    \"\"Plan\"\": {}\n  }}\n]\"", node.replace('"', "\"\""));
    assert_eq!(one(&cell), plain);
    // jsonb sorts keys, so that nodes below come before what their parent is.
    let sorted = r#"[{"Plan": {"Plans": [{"Node Type": "Seq Scan"}], "Node Type": "Limit"}}]"#;
    let kinds: Vec<String> =
        one(sorted).nodes.into_iter().map(|node| node.node_type.into()).collect();
    assert_eq!(kinds, ["Limit", "Seq Scan"]);
}

#[test]
fn entries_of_auto_explain_give_the_statement_and_the_plan_in_each_format() {
    let text = "2026-11-29 01:00:00 UTC [7] LOG:  duration: 12.345 ms  plan:\n\
        \tQuery Text: SELECT *\n\t  FROM a -- Sort\n\t WHERE b = $1;\n\tQuery Parameters: $1 = '5'\n\
        \tSeq Scan on a  (cost=0.00..1.00 rows=1 width=4)\n\t  Filter: (b = 5)\n\
        2026-11-29 01:00:01 UTC [7] LOG:  checkpoint starting: time\n";
    let plan = one(text);
    assert_eq!(plan.statement.as_deref(), Some("SELECT *\n  FROM a -- Sort\n WHERE b = $1;"));
    assert_eq!(plan.parameters.as_deref(), Some("$1 = '5'"));
    assert_eq!(plan.duration_ms, Some(12.345));
    assert_eq!(plan.nodes[0].condition("filter"), Some("(b = 5)"));

    let yaml = "LOG:  duration: 1.0 ms  plan:\n\tQuery Text: \"SELECT 1\"\n\tPlan: \n\t  Node Type: \"Result\"\n\t  Plan Rows: 1\nLOG:  end\n";
    let xml = "LOG:  duration: 1.0 ms  plan:\n\t<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n\t  <Query-Text>SELECT 1</Query-Text>\n\t  <Plan>\n\t    <Node-Type>Result</Node-Type>\n\t    <Plan-Rows>1</Plan-Rows>\n\t  </Plan>\n\t</explain>\nLOG:  end\n";
    let json = "LOG:  duration: 1.0 ms  plan:\n\t{\n\t  \"Query Text\": \"SELECT 1\",\n\t  \"Plan\": {\n\t    \"Node Type\": \"Result\",\n\t    \"Plan Rows\": 1\n\t  }\n\t}\nLOG:  end\n";
    for (text, format) in
        [(yaml, PlanFormat::Yaml), (xml, PlanFormat::Xml), (json, PlanFormat::Json)]
    {
        let plan = one(text);
        assert_eq!((plan.format, plan.statement.as_deref()), (format, Some("SELECT 1")));
        assert_eq!(
            (plan.nodes[0].node_type.as_str(), plan.nodes[0].plan_rows),
            ("Result", Some(1.0))
        );
    }
}

#[test]
fn several_plans_in_one_text_are_several_plans() {
    let text = format!(
        "EXPLAIN ANALYZE SELECT 1;\n{JOIN}(10 rows)\n\nand now:\n\n{JOIN}\n[\n{{\"Plan\": {{\"Node Type\": \"Result\"}}}}\n]\n"
    );
    let sizes: Vec<usize> = read(&text).unwrap().iter().map(|plan| plan.nodes.len()).collect();
    assert_eq!(sizes, [4, 4, 1]);
}

#[test]
fn names_of_plugins_and_unknown_nodes_and_properties_are_kept() {
    let plan =
        one("Custom Scan (ChunkAppend) on public.metrics m  (cost=0.15..9.99 rows=3 width=8)
  Order: m.at DESC
  Startup Exclusion: true
  ->  Quantum Scan on \"Odd, name\" o  (cost=0.00..1.00 rows=1 width=4)
        Entanglement: 7
");
    let [root, child] = plan.nodes.as_slice() else { panic!("{plan:?}") };
    assert_eq!(
        (root.node_type.as_str(), root.provider.as_deref()),
        ("Custom Scan", Some("ChunkAppend"))
    );
    assert_eq!(
        (root.schema.as_deref(), root.relation.as_deref()),
        (Some("public"), Some("metrics"))
    );
    assert_eq!(root.extra["Order"], "m.at DESC");
    assert_eq!(root.extra["Startup Exclusion"], true);
    assert_eq!(
        (child.node_type.as_str(), child.relation.as_deref()),
        ("Quantum Scan", Some("Odd, name"))
    );
    assert_eq!(child.extra["Entanglement"], 7);
}

#[test]
fn plans_of_9_6_are_read() {
    let plan = one("Gather  (cost=1000.00..9000.00 rows=5 width=4) (actual time=0.300..90.000 rows=5 loops=1)
  Workers Planned: 2
  Workers Launched: 2
  ->  Sort  (cost=0.00..8000.00 rows=2 width=4) (actual time=80.000..81.000 rows=2 loops=3)
        Sort Key: a
        Sort Method: external merge  Disk: 752kB
        Worker 0:  Sort Method: external merge  Disk: 700kB
        Buffers: shared hit=10, temp read=5 written=6
        ->  Parallel Seq Scan on t  (cost=0.00..7000.00 rows=2 width=4) (actual time=10.000..70.000 rows=2 loops=3)
              Filter: (a = 1)
Planning time: 0.100 ms
Execution time: 91.000 ms
");
    assert_eq!((plan.planning_ms, plan.execution_ms), (Some(0.1), Some(91.0)));
    assert_eq!(plan.nodes[1].workers[0].sort.as_ref().unwrap().space_kb, Some(700));
    assert_eq!(plan.nodes[1].buffers.unwrap().temp_written, 6);
    assert!(plan.nodes[2].parallel_aware);
}

#[test]
fn what_is_no_plan_says_so() {
    for text in [
        "",
        "\n\n",
        "SELECT 1;",
        "[]",
        "{}",
        "[1, 2]",
        "<explain></explain>",
        "Dear Sort,\n\nhello: world\n",
    ] {
        let error = read(text).unwrap_err();
        assert_eq!(error.reason, StopReason::NoPlan, "{text}");
    }
}
