//! Trees made at random, printed as text and as JSON, and what people do to text before they paste it.

use database_optimizer::explain::{ParsedPlan, PlanFormat, read};
use proptest::prelude::*;

/// A node of a tree that is printed.
#[derive(Debug, Clone)]
struct Printed {
    table: String,
    rows: u32,
    loops: u32,
    filter: Option<String>,
    children: Vec<Printed>,
    /// What the last of the children is, where it is a subplan.
    has_subplan: bool,
}

fn tree() -> impl Strategy<Value = Printed> {
    let leaf = node(Just(Vec::new()));
    leaf.prop_recursive(6, 40, 4, |inner| node(prop::collection::vec(inner, 0..4)))
}

fn node(children: impl Strategy<Value = Vec<Printed>>) -> impl Strategy<Value = Printed> {
    let filter = prop::option::of("[a-z]{1,8} (=|<|~~) '[a-z ,():>-]{0,60}'::text");
    let table = "[a-z][a-z0-9_]{0,12}|[A-Z][a-z ]{0,8}x";
    (table, 1..1_000_000_u32, 0..50_u32, filter, children, any::<bool>()).prop_map(
        |(table, rows, loops, filter, children, has_subplan)| {
            let has_subplan = has_subplan && !children.is_empty();
            Printed { table, rows, loops, filter, children, has_subplan }
        },
    )
}

fn quoted(name: &str) -> String {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain { name.to_owned() } else { format!("\"{name}\"") }
}

impl Printed {
    fn kind(&self) -> &'static str {
        if self.children.is_empty() { "Seq Scan" } else { "Append" }
    }

    /// The number of the child that is a subplan.
    fn subplan(&self) -> Option<usize> {
        self.has_subplan.then(|| self.children.len() - 1)
    }

    /// Its lines, where its arrow stands in a column; the root has none.
    fn text(&self, column: Option<usize>, lines: &mut Vec<String>) {
        let (arrow, properties) = match column {
            None => (String::new(), 2),
            Some(column) => (format!("{}->  ", " ".repeat(column)), column + 6),
        };
        let on = if self.children.is_empty() {
            format!(" on {}", quoted(&self.table))
        } else {
            String::new()
        };
        let actual = match self.loops {
            0 => "(never executed)".to_owned(),
            loops => format!("(actual time=0.010..1.500 rows={}.50 loops={loops})", self.rows / 2),
        };
        let rows = self.rows;
        lines.push(format!(
            "{arrow}{}{on}  (cost=0.00..12.50 rows={rows} width=4) {actual}",
            self.kind()
        ));
        if let Some(filter) = &self.filter {
            lines.push(format!("{}Filter: ({filter})", " ".repeat(properties)));
        }
        for (at, child) in self.children.iter().enumerate() {
            if self.subplan() == Some(at) {
                lines.push(format!("{}SubPlan 1", " ".repeat(properties)));
                child.text(Some(properties + 2), lines);
            } else {
                child.text(Some(properties), lines);
            }
        }
    }

    fn json(&self, relationship: Option<&str>) -> serde_json::Value {
        let child = |(at, child): (usize, &Self)| {
            let is_subplan = self.subplan() == Some(at);
            child.json(Some(if is_subplan { "SubPlan" } else { "Member" }))
        };
        let mut node = serde_json::json!({
            "Node Type": self.kind(), "Startup Cost": 0.0, "Total Cost": 12.5, "Plan Rows": self.rows, "Plan Width": 4,
            "Actual Startup Time": 0.01, "Actual Total Time": 1.5, "Actual Loops": self.loops,
            "Actual Rows": f64::from(self.rows / 2) + 0.5,
            "Plans": self.children.iter().enumerate().map(child).collect::<Vec<_>>(),
        });
        if let Some(relationship) = relationship {
            node["Parent Relationship"] = relationship.into();
        }
        if relationship == Some("SubPlan") {
            node["Subplan Name"] = "SubPlan 1".into();
        }
        if self.children.is_empty() {
            node["Relation Name"] = self.table.clone().into();
            node["Alias"] = self.table.clone().into();
        }
        if let Some(filter) = &self.filter {
            node["Filter"] = format!("({filter})").into();
        }
        node
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        self.text(None, &mut lines);
        lines.push("Planning Time: 0.200 ms".to_owned());
        lines.push("Execution Time: 2.000 ms".to_owned());
        lines
    }

    fn plan(&self) -> ParsedPlan {
        let document = serde_json::json!([{
            "Plan": self.json(None), "Planning Time": 0.2, "Triggers": [], "Execution Time": 2.0,
        }]);
        let mut plans = read(&document.to_string()).unwrap();
        plans[0].format = PlanFormat::Text;
        plans.remove(0)
    }
}

/// Each line in as many lines as a terminal of this width needs.
fn wrapped(lines: &[String], width: usize) -> String {
    let mut text = String::new();
    for line in lines {
        let signs: Vec<char> = line.chars().collect();
        for part in signs.chunks(width) {
            text.extend(part);
            text.push('\n');
        }
    }
    text
}

fn framed(lines: &[String]) -> String {
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap().max(10);
    let rule = format!("+-{}-+\n", "-".repeat(width));
    let mut text = format!("{rule}| {:^width$} |\n{rule}", "QUERY PLAN");
    for line in lines {
        text += &format!("| {line:width$} |\n");
    }
    text + &rule + &format!("({} rows)\n", lines.len())
}

/// As a page shows it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// As a client exports it for Markdown.
fn markdown(line: &str) -> String {
    line.chars().flat_map(|c| "()_*[]".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

/// As JavaScript prints a string.
fn literal(line: &str) -> String {
    let quote = match (line.contains('\''), line.contains('"')) {
        (false, _) => '\'',
        (true, false) => '"',
        _ => '`',
    };
    format!("{quote}{line}{quote}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn text_and_json_of_a_tree_are_read_alike(tree in tree()) {
        prop_assert_eq!(read(&tree.lines().join("\n")).unwrap(), vec![tree.plan()]);
    }

    #[test]
    fn what_is_around_a_plan_does_not_change_it(tree in tree(), offset in 0..9_usize, windows: bool, kind in 0..10_u8) {
        let blank = " ".repeat(offset);
        let lines = tree.lines();
        let end = if windows { "\r\n" } else { "\n" };
        let each = |before: &str| lines.iter().map(|line| format!("{before}{line}{end}")).collect::<String>();
        let pasted = match kind {
            0 => each(&blank),
            1 => format!("Hello,{end}{end}this is slow:{end}{end}{}{end}Regards{end}", each(&blank)),
            2 => each(&format!("> {blank}")),
            3 => format!("```{end}{}```{end}", each(&blank)),
            4 => framed(&lines),
            // Blanks at a line's end are no part of the plan, and a line may have nothing else.
            5 => format!("<pre>{end} {end}{}</pre>", escaped(&each(&blank))),
            6 => each("NOTICE:  "),
            7 => lines.iter().map(|line| format!("| {} |{end}", markdown(line))).collect(),
            8 => format!("[{end}{}]", lines.iter().map(|line| format!("  {{ 'QUERY PLAN': {} }},{end}", literal(line))).collect::<String>()),
            _ => format!("LOG:  duration: 3.5 ms  plan:{end}#011Query Text: SELECT 1{end}{}", each("#011")),
        };
        let mut plan = tree.plan();
        if kind == 9 {
            (plan.duration_ms, plan.statement) = (Some(3.5), Some("SELECT 1".to_owned()));
        }
        prop_assert_eq!(read(&pasted).unwrap(), vec![plan]);
    }

    #[test]
    fn a_terminal_that_wraps_does_not_change_the_tree(tree in tree(), width in 60..140_usize) {
        let lines = tree.lines();
        // A line that is cut inside its indentation or its arrow is no line of a plan any more.
        prop_assume!(lines.iter().all(|line| line.find(|c| c != ' ').unwrap() + 30 < width));
        let read = read(&wrapped(&lines, width)).unwrap();
        let shape = |plan: &ParsedPlan| plan.nodes.iter().map(|n| (n.parent, n.plan_rows, n.actual_rows, n.relation.clone())).collect::<Vec<_>>();
        prop_assert_eq!(shape(&read[0]), shape(&tree.plan()));
    }
}
