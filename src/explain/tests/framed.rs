//! Frames of clients, rows of languages, carriers of logs and lines that a mail wrapped: each gives the tree of the plain text.

use super::super::{ParsedPlan, StopReason, read};

/// A plan with a label, properties with several columns, an operator that begins as an arrow does, and times.
const PLAIN: [&str; 16] = [
    "Nested Loop  (cost=4.00..9.00 rows=2 width=8) (actual time=0.100..9.000 rows=2 loops=1)",
    "  Buffers: shared hit=9",
    "  CTE recent",
    "    ->  Seq Scan on events  (cost=0.00..4.00 rows=9 width=8) (actual time=0.010..4.000 rows=9 loops=1)",
    "          Filter: (((payload -> 'kind'::text) ->> 'name'::text) = 'opened'::text)",
    "          Rows Removed by Filter: 90",
    "          Buffers: shared hit=4",
    "  ->  CTE Scan on recent  (cost=0.00..1.00 rows=9 width=8) (actual time=0.020..4.100 rows=9 loops=1)",
    "        Storage: Memory  Maximum Storage: 17kB",
    "  ->  Hash  (cost=1.00..1.00 rows=1 width=8) (actual time=0.100..0.100 rows=1 loops=9)",
    "        Buckets: 1024  Batches: 1  Memory Usage: 9kB",
    "        ->  Seq Scan on users u  (cost=0.00..1.00 rows=1 width=8) (actual time=0.100..0.100 rows=1 loops=9)",
    "              Filter: (id = 1)",
    "              Rows Removed by Filter: 3",
    "Planning Time: 0.500 ms",
    "Execution Time: 9.500 ms",
];

fn one(text: &str) -> ParsedPlan {
    let mut plans = read(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(plans.len(), 1, "{text}");
    plans.remove(0)
}

fn is_plain(text: &str) {
    let (plan, expected) = (one(text), one(&PLAIN.join("\n")));
    assert_eq!(plan.nodes, expected.nodes, "{text}");
    assert_eq!((plan.planning_ms, plan.execution_ms), (Some(0.5), Some(9.5)), "{text}");
}

fn each(line: impl Fn(&str) -> String) -> String {
    PLAIN.iter().map(|text| line(text) + "\n").collect()
}

/// Like `psql` with border 2, whatever draws it.
fn boxed(name: &str, [top, middle, bottom]: [[char; 3]; 3], bar: char) -> String {
    let width = PLAIN.iter().map(|line| line.len()).max().unwrap_or_default();
    let dash = if bar == '|' { "-" } else { "─" };
    let rule = |[left, _, right]: [char; 3]| format!("{left}{}{right}\n", dash.repeat(width + 2));
    let rows = each(|line| format!("{bar} {line:width$} {bar}"));
    format!(
        "{}{bar} {name:^width$} {bar}\n{}{rows}{}(16 rows)\n",
        rule(top),
        rule(middle),
        rule(bottom)
    )
}

#[test]
fn a_frame_is_known_by_its_rules_whatever_its_column_is_called() {
    for name in ["QUERY PLAN", "explain_statement", "?column?", "Plan"] {
        is_plain(&boxed(name, [['+', '+', '+']; 3], '|'));
        is_plain(&boxed(name, [['┌', '─', '┐'], ['├', '─', '┤'], ['└', '─', '┘']], '│'));
        is_plain(
            &(boxed(name, [['+', '+', '+'], ['|', '-', '|'], ['+', '+', '+']], '|')
                + "EXPLAIN\nTime: 0.012s\n"),
        );
        let width = 110;
        is_plain(&format!(
            "{name:width$}|\n{}+\n{}",
            "-".repeat(width),
            each(|line| format!("{line:width$}|"))
        ));
        is_plain(&format!("| {name} |\n| --- |\n{}", each(|line| format!("| {line} |"))));
        is_plain(&format!(
            "{name:^width$}\n{}\n{}(16 rows)\n",
            "-".repeat(width),
            each(|line| format!(" {line}"))
        ));
    }
}

#[test]
fn rows_as_languages_print_them_are_lines() {
    let single = |line: &str| format!("'{}'", line.replace('\'', "\\'"));
    let double = |line: &str| format!("{line:?}");
    let joined = |row: &dyn Fn(&str) -> String| {
        PLAIN.iter().map(|line| row(line)).collect::<Vec<_>>().join(", ")
    };
    is_plain(&format!("[{}]", joined(&|line| format!("({},)", double(line)))));
    is_plain(&format!("[{}]", joined(&|line| single(line))));
    is_plain(&format!("[{}]", joined(&|line| format!("[{}]", double(line)))));
    is_plain(&each(|line| format!("({},)", single(line))));
    is_plain(&each(|line| format!("{{\"QUERY PLAN\"=>{}}}", double(line))));
    is_plain(each(|line| format!("  {{ 'QUERY PLAN': {} }},", single(line))).trim_start());
    is_plain(&each(|line| format!("'{}'", line.replace('\'', "''"))));
    is_plain(&each(|line| format!("\"{line}\",")));
    let numbered: Vec<String> =
        PLAIN.iter().zip(1..).map(|(line, number)| format!("{number},\"{line}\"")).collect();
    is_plain(&numbered.join("\n"));
}

#[test]
fn what_a_container_or_a_journal_puts_before_each_line_is_no_part_of_the_plan() {
    let entry =
        "2026-01-01 10:00:00.000 UTC [9] LOG:  duration: 9.5 ms  plan:\n\tQuery Text: select 1\n"
            .to_owned()
            + &each(|line| format!("\t{line}"));
    for before in [
        "db-1  | ",
        "2026-01-01T00:00:00.123456789Z ",
        "2026-01-01T00:00:00.123456789Z stderr F ",
        "Jan 01 10:00:00 host postgres[123]: ",
    ] {
        let carried: Vec<String> = entry.lines().map(|line| before.to_owned() + line).collect();
        is_plain(&carried.join("\n"));
    }
}

#[test]
fn quotations_blanks_and_arrows_of_other_programs_are_those_of_the_plan() {
    is_plain(&each(|line| format!(">{line}")));
    is_plain(&each(|line| format!("&gt; {line}")));
    is_plain(&(">  ```\n".replace("  ", " ") + &each(|line| format!("> {line}")) + "> ```\n"));
    is_plain(&each(|line| line.replace(' ', "\u{2003}")));
    is_plain(&each(|line| format!("\u{200b}{}", line.replace(' ', "\u{202f}"))));
    is_plain(&each(|line| {
        if line.trim_start().starts_with("->") {
            line.replacen("->", "→", 1)
        } else {
            line.to_owned()
        }
    }));
    is_plain(&PLAIN.join("\r"));
    is_plain(&PLAIN.join("<br>\n"));
    is_plain(&format!("/*\n{}*/\n", each(|line| format!(" * {line}"))));
    is_plain(&format!("<details>\n\n```\n{}```\n</details>\n", each(ToOwned::to_owned)));
}

#[test]
fn a_mail_wraps_between_any_two_words() {
    for width in 44..100 {
        let mut wrapped = String::new();
        for line in PLAIN {
            let mut rest = line;
            while rest.len() > width {
                let own = rest.len() - rest.trim_start().len();
                let Some(at) = rest[..=width].rfind(' ').filter(|at| *at > own + 2) else { break };
                wrapped += &rest[..at];
                wrapped.push('\n');
                rest = &rest[at + 1..];
            }
            wrapped += rest;
            wrapped.push('\n');
        }
        is_plain(&wrapped);
    }
}

#[test]
fn indentation_of_another_width_gives_the_same_tree() {
    let halved = |line: &str| {
        let own = line.trim_start();
        format!("{}{own}", " ".repeat((line.len() - own.len()) / 2))
    };
    is_plain(&each(halved));
    let tabs = |line: &str| {
        let own = line.trim_start();
        let blanks = line.len() - own.len();
        format!("{}{}{own}", "\t".repeat(blanks / 4), " ".repeat(blanks % 4))
    };
    is_plain(&each(tabs));
}

#[test]
fn a_line_with_figures_that_cannot_be_read_is_no_node_without_figures() {
    let cut = each(|line| line.chars().take(60).collect::<String>() + "…");
    assert_eq!(read(&cut).unwrap_err().reason, StopReason::CutOff);
    let arrows = each(|line| line.replace("->", "=>"));
    let error = read(&arrows).unwrap_err();
    assert_eq!((error.line, error.reason), (4, StopReason::Expected("`->` before a node")));
}

#[test]
fn a_part_of_a_document_of_xml_is_a_plan() {
    let plan = one(
        "<Plan>\n  <Node-Type>Seq Scan</Node-Type>\n  <Relation-Name>t</Relation-Name>\n</Plan>\n",
    );
    assert_eq!(
        (plan.nodes[0].node_type.as_str(), plan.nodes[0].relation.as_deref()),
        ("Seq Scan", Some("t"))
    );
}
