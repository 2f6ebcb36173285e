//! A plan for people, readable at 60 columns: what took the time, where estimates are wrong, what was found.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Effects, Style};
use indicatif::HumanCount;

use super::{markdown, table, visible, words};
use crate::cli::options::OutputFormat;
use crate::model::{
    DecodedPlan, DecodedPlans, EstimateDirection, Object, PlanComparison, PlanNode, ReportedFinding,
};

/// Columns where standard output is no terminal.
const WIDTH: usize = 80;
/// Columns of the bar, of the time, and of the rows.
const BAR: usize = 8;
/// Levels of the tree that are indented: deeper ones stand in line.
const LEVELS_MAX: usize = 16;
/// Estimates that are wrong by more are marked.
const WRONG_FACTOR: f64 = 10.0;

/// The plans in that format, a line feed at the end.
pub(in crate::cli) fn plans(decoded: &DecodedPlans, format: OutputFormat) -> String {
    match format {
        OutputFormat::Table => {
            let width = table::width(WIDTH);
            let each: Vec<String> = decoded.plans().iter().map(|plan| tree(plan, width)).collect();
            visible::harmless(each.join("\n"))
        }
        OutputFormat::Json => {
            let json = serde_json::to_string_pretty(decoded);
            json.unwrap_or_else(|_| unreachable!("a plan is JSON")) + "\n"
        }
        OutputFormat::Markdown | OutputFormat::Sarif => {
            visible::harmless(decoded.plans().iter().map(markdown).collect())
        }
    }
}

fn tree(plan: &DecodedPlan, width: usize) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", summary(plan));
    let dim = Style::new().effects(Effects::DIMMED);
    let _ = writeln!(text, "{dim}{:<BAR$} {:>9} {:>19}{dim:#}", "", "time", "rows (expected)");
    for (node, level) in in_order(&plan.plan) {
        let _ = writeln!(text, "{}", line(plan, node, level, width));
    }
    for (number, finding) in plan.findings.iter().enumerate() {
        let _ = write!(text, "\n{}", found(number + 1, finding, width));
    }
    if plan.findings.is_empty() {
        let _ = writeln!(text, "\nNothing found that costs time");
    }
    notes(&mut text, plan, width);
    if let Some(comparison) = &plan.comparison {
        compared(&mut text, comparison, width);
    }
    text
}

/// `executed in 412 ms, planned in 0.9 ms; 99.8 % of blocks from shared buffers`.
fn summary(plan: &DecodedPlan) -> String {
    let ms = |ms: f64| words::quantity(ms, crate::model::Unit::Ms);
    let mut parts = Vec::new();
    // Without SUMMARY, and in logs, the root alone has the time; without TIMING, nothing has.
    let root = &plan.plan;
    parts.push(match plan.execution_ms.or(root.actual_total_ms) {
        Some(time) => format!("executed in {}", ms(time)),
        None if root.actual_loops.is_some() => "executed, without its time".to_owned(),
        None => "not executed: estimates alone".to_owned(),
    });
    parts.extend(plan.planning_ms.map(|time| format!("planned in {}", ms(time))));
    parts.extend(plan.summary.hit_ratio.map(|r| format!("{:.1} % of blocks cached", r * 100.0)));
    let temp = plan.summary.temp_bytes.filter(|bytes| *bytes > 0);
    parts.extend(temp.map(|bytes| format!("{} temporary", indicatif::HumanBytes(bytes))));
    parts.join(", ")
}

/// The nodes in the order of printing, with their levels.
fn in_order(root: &PlanNode) -> impl Iterator<Item = (&PlanNode, usize)> {
    let mut waiting = vec![(root, 0)];
    std::iter::from_fn(move || {
        let (node, level) = waiting.pop()?;
        waiting.extend(node.children.iter().rev().map(|child| (child, level + 1)));
        Some((node, level))
    })
}

/// A node of a plan, on its level: its time, its rows, and what it is.
fn line(plan: &DecodedPlan, node: &PlanNode, level: usize, width: usize) -> String {
    let total = plan.execution_ms.or(plan.plan.actual_total_ms);
    let share = node.exclusive_ms.zip(total).filter(|(_, total)| *total > 0.0);
    let share = share.map_or(0.0, |(own, total)| (own / total).clamp(0.0, 1.0));
    let time = match (node.exclusive_ms, node.total_cost) {
        _ if node.never_executed => "never".to_owned(),
        (Some(own), _) => words::quantity(own, crate::model::Unit::Ms),
        (None, Some(cost)) => format!("{cost:.0} cost"),
        (None, None) => String::new(),
    };
    let wrong = node.estimate_factor.is_some_and(|factor| factor >= WRONG_FACTOR);
    let number = plan.findings.iter().position(|finding| is_about(finding, node.id));
    let mark = number.map_or_else(String::new, |number| format!(" ◀ {}", number + 1));
    let indent = "  ".repeat(level.min(LEVELS_MAX));
    let rows = rows(node, wrong);
    let used = BAR + 1 + 9 + 1 + 19 + 1 + indent.len() + mark.chars().count();
    let title = fit(&title(node), width.saturating_sub(used).max(12));
    let style = |on: bool, color: AnsiColor| if on { color.on_default() } else { Style::new() };
    let (hot, off) = (style(share >= 0.25, AnsiColor::Red), style(wrong, AnsiColor::Yellow));
    let guilty = style(number.is_some(), AnsiColor::Red).bold();
    let guilty = if number.is_some() { guilty } else { Style::new() };
    format!(
        "{hot}{}{hot:#} {time:>9} {off}{rows:>19}{off:#} {indent}{guilty}{title}{mark}{guilty:#}",
        bar(share)
    )
}

/// `████▌   `.
fn bar(share: f64) -> String {
    const PARTS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "from 0 to 64"
    )]
    let eighths = (share * (BAR * 8) as f64).round() as usize;
    let full = "█".repeat(eighths / 8);
    let part = match eighths % 8 {
        0 => String::new(),
        part => PARTS[part].to_string(),
    };
    let used = eighths.div_ceil(8);
    format!("{full}{part}{}", " ".repeat(BAR.saturating_sub(used)))
}

/// `50,000 (588)`, in all loops together; marked where the estimate is far off.
fn rows(node: &PlanNode, wrong: bool) -> String {
    let expected = node.plan_rows.map(|rows| format!("({})", short(rows)));
    let mark = match node.estimate_direction {
        Some(EstimateDirection::Under) if wrong => "↑",
        Some(EstimateDirection::Over) if wrong => "↓",
        _ => "",
    };
    let actual = node.actual_rows.filter(|_| !node.never_executed).map(|rows| {
        let times = node.actual_loops.filter(|loops| *loops > 1);
        let times = times.map_or_else(String::new, |loops| format!("×{}", short(float(loops))));
        format!("{mark}{}{times}", short(rows))
    });
    actual.into_iter().chain(expected).collect::<Vec<_>>().join(" ")
}

fn float(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    {
        count as f64
    }
}

/// `588`, `12.3k`, `4.0M`.
fn short(number: f64) -> String {
    match number {
        n if n >= 1e9 => format!("{:.1}G", n / 1e9),
        n if n >= 1e6 => format!("{:.1}M", n / 1e6),
        n if n >= 1e4 => format!("{:.0}k", n / 1e3),
        n if n >= 10.0 || n.fract() == 0.0 => format!("{n:.0}"),
        n => format!("{n:.1}"),
    }
}

/// `Hash Join (Left)`, `Index Scan orders_pkey on orders o`.
fn title(node: &PlanNode) -> String {
    let mut title = match &node.join_type {
        Some(kind) if kind != "Inner" => format!("{} ({kind})", node.node_type),
        _ => node.node_type.clone(),
    };
    if let Some(index) = &node.index {
        let _ = write!(title, " {index}");
    }
    if let Some(relation) = &node.relation {
        let _ = write!(title, " on {relation}");
    }
    if let Some(alias) = node.alias.as_ref().filter(|alias| node.relation.as_ref() != Some(alias)) {
        let _ = write!(title, " {alias}");
    }
    printable(&title)
}

/// Names may hold what moves a cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '·' } else { c }).collect()
}

fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

fn is_about(finding: &ReportedFinding, id: u32) -> bool {
    matches!(&finding.object, Object::PlanNode { node, .. } if *node == id)
}

fn found(number: usize, finding: &ReportedFinding, width: usize) -> String {
    let style = table::style(finding.severity);
    let severity = finding.severity.as_str().to_uppercase();
    let head = format!("{number}. ");
    let body = format!("{severity} {}", printable(&finding.message));
    let lines = table::wrapped(&body, width - head.len());
    let mut text = String::new();
    for (position, line) in lines.iter().enumerate() {
        let lead = if position == 0 { head.clone() } else { " ".repeat(head.len()) };
        let line = match line.strip_prefix(severity.as_str()).filter(|_| position == 0) {
            Some(rest) => format!("{style}{severity}{style:#}{rest}"),
            None => line.clone(),
        };
        let _ = writeln!(text, "{lead}{line}");
    }
    let _ = writeln!(text, "   {}, node {}", finding.check, node_of(finding));
    text
}

fn node_of(finding: &ReportedFinding) -> String {
    match &finding.object {
        Object::PlanNode { node, .. } => HumanCount(u64::from(*node)).to_string(),
        object => object.to_string(),
    }
}

fn notes(text: &mut String, plan: &DecodedPlan, width: usize) {
    let bold = Style::new().bold();
    let mut section = |title: &str, items: Vec<String>| {
        if !items.is_empty() {
            let _ = writeln!(text, "\n{bold}{title}{bold:#}");
            for line in items.iter().flat_map(|item| table::wrapped(item, width - 3)) {
                let _ = writeln!(text, "   {line}");
            }
        }
    };
    let declined = plan.declined.iter();
    let declined = declined.map(|d| format!("{}, {}: {}", d.object, d.check, d.reason));
    section("Not advised", declined.map(|line| printable(&line)).collect());
    let gaps = plan.gaps.iter().map(|gap| match &gap.lift {
        Some(lift) => format!("{}; to see it: {lift}", gap.detail),
        None => gap.detail.clone(),
    });
    section("Not seen", gaps.map(|line| printable(&line)).collect());
}

fn compared(text: &mut String, comparison: &PlanComparison, width: usize) {
    let bold = Style::new().bold();
    let ms = |ms: Option<f64>| {
        ms.map_or_else(|| "?".to_owned(), |ms| words::quantity(ms, crate::model::Unit::Ms))
    };
    let (before, after) = (ms(comparison.before_ms), ms(comparison.after_ms));
    let _ = writeln!(text, "\n{bold}Compared with before{bold:#}: {before} → {after}");
    if !comparison.join_order_after.is_empty() {
        let order = |names: &[String]| printable(&names.join(", "));
        let _ = writeln!(text, "   joined before: {}", order(&comparison.join_order_before));
        let _ = writeln!(text, "   joined now:    {}", order(&comparison.join_order_after));
    }
    for change in &comparison.changes {
        let side = |what: &Option<String>, time| match what {
            Some(what) => format!("{what} {}", ms(time)),
            None => "absent".to_owned(),
        };
        let (before, after) =
            (side(&change.before, change.before_ms), side(&change.after, change.after_ms));
        let line = format!("{} ({}): {before} → {after}", change.about, change.kind);
        for line in table::wrapped(&printable(&line), width - 3) {
            let _ = writeln!(text, "   {line}");
        }
    }
}

/// For pull requests: what was found, one row each.
fn markdown(plan: &DecodedPlan) -> String {
    let mut text = "| node | severity | found | check |\n| --- | --- | --- | --- |\n".to_owned();
    for finding in &plan.findings {
        let message = markdown::cell(&finding.message);
        let (node, severity) = (node_of(finding), finding.severity);
        let _ = writeln!(text, "| {node} | {severity} | {message} | `{}` |", finding.check);
    }
    for gap in &plan.gaps {
        let _ = writeln!(text, "\nNot seen: {}", markdown::cell(&gap.detail));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{FINDINGS_MAX, PlanText, Request, decode};

    const PLAN: &str = "Sort  (cost=900.00..901.00 rows=20 width=8) (actual time=900.0..950.0 rows=20000 loops=1)
  Sort Key: o.note
  Sort Method: external merge  Disk: 4096kB
  ->  Seq Scan on orders_of_the_last_years_with_their_lines o  (cost=0.00..800.00 rows=20 width=8) (actual time=0.1..20.0 rows=20000 loops=1)
Execution Time: 960.000 ms
";

    #[tokio::test]
    async fn no_line_is_wider_than_the_terminal() {
        let plan = PLAN.to_owned();
        let text = PlanText { plan, before: None, partial: false, findings_max: FINDINGS_MAX };
        let decoded = decode(Request::new(None), text).await.unwrap();
        for width in [60, 80, 120] {
            let printed =
                anstream::adapter::strip_str(&tree(&decoded.plans()[0], width)).to_string();
            let widest = printed.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(width) && printed.contains("◀ 1"), "{width}: {printed}");
            assert_eq!(printed.contains("with_their_lines o"), width == 120, "{printed}");
            assert!(!printed.lines().any(|line| line.trim_start().starts_with('%')), "{printed}");
        }
    }
}
