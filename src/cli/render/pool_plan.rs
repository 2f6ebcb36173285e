//! A plan of pools behind an analysis.

use std::fmt::Write as _;

use serde_json::Value;

use super::{OutputFormat, analysis};
use crate::model::{Analysis, Number};
use crate::pool::{PoolPlan, Provenance, Waiting};

/// The analysis and the plan in that format, a line feed at the end. SARIF has no place for a plan.
pub(in crate::cli) fn planned(
    found: &Analysis,
    plan: &PoolPlan,
    format: OutputFormat,
    verbose: bool,
) -> String {
    let before = analysis(found, format, verbose);
    match format {
        OutputFormat::Sarif => before,
        OutputFormat::Json => json(found, plan),
        OutputFormat::Table => format!("{before}\n{}", text(plan)),
        OutputFormat::Markdown => format!("{before}\n## Pool plan\n\n```\n{}```\n", text(plan)),
    }
}

fn json(found: &Analysis, plan: &PoolPlan) -> String {
    let mut both = serde_json::to_value(found).unwrap_or_default();
    if let Value::Object(members) = &mut both {
        let plan = serde_json::to_value(plan).unwrap_or_default();
        members.insert("pool_plan".to_owned(), plan);
    }
    let json = serde_json::to_string_pretty(&both);
    json.unwrap_or_else(|_| unreachable!("an analysis is JSON")) + "\n"
}

fn text(plan: &PoolPlan) -> String {
    let mut text = String::from("Pool plan\n");
    let number = |number: Option<u32>| number.map_or("unknown".to_owned(), |n| n.to_string());
    let of = &plan.plan;
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "  useful connections of the server {}, of the service {}, processes {}",
        number(of.ceiling),
        number(of.budget),
        number(of.processes)
    );
    if let Some(pool) = of.pool {
        let _ = writeln!(
            text,
            "  each process: {} connections, timeout {} ms",
            pool.size, pool.timeout_ms
        );
    }
    for (name, waiting) in [("own pool", of.waiting), ("one shared pool", of.shared_waiting)] {
        let Some(Waiting { mean_wait_ms, p95_wait_ms, busy_ratio, .. }) = waiting else { continue };
        let _ = writeln!(
            text,
            "  {name}: {:.0} % busy, requests wait {mean_wait_ms:.1} ms on average, 95 % at most {p95_wait_ms:.1} ms",
            busy_ratio * 100.0
        );
    }
    let _ = writeln!(text, "  formula: {}", of.formula);
    for input in &of.inputs {
        let from = match input.provenance {
            Provenance::Given => "given",
            Provenance::Observed => "observed",
            Provenance::Policy => "threshold",
            Provenance::Default => "default",
        };
        let note = input.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
        let _ = writeln!(text, "    {} = {} ({from}{note})", input.name, value(&input.value));
    }
    let pgbouncer = &plan.pgbouncer;
    let verdict = serde_json::to_value(pgbouncer.decision.verdict).unwrap_or_default();
    let verdict = verdict.as_str().unwrap_or_default().replace('_', " ");
    let _ = writeln!(text, "  PgBouncer: {verdict}");
    for reason in &pgbouncer.decision.reasons {
        let _ = writeln!(text, "    {reason}");
    }
    for defect in &pgbouncer.known_defects {
        let _ = writeln!(text, "    {} repairs: {}", defect.fixed_in, defect.fault);
    }
    for gap in &of.gaps {
        let lift = gap.lift.as_deref().map(|lift| format!("; {lift}")).unwrap_or_default();
        let _ = writeln!(text, "  unknown: {}: {}{lift}", gap.observation, gap.detail);
    }
    let code = plan.code.iter().flat_map(|code| [&code.asyncpg, &code.sqlalchemy]);
    for code in code.chain(&pgbouncer.ini) {
        let _ = write!(text, "\n{code}");
    }
    text
}

fn value(number: &Number) -> String {
    match number {
        Number::Whole(whole) => whole.to_string(),
        Number::Fraction(fraction) => fraction.to_string(),
        Number::Name(name) => name.clone(),
    }
}
