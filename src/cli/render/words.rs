//! Numbers and names as a person reads them.

use indicatif::{HumanBytes, HumanCount};

use crate::model::{
    Analysis, Declined, Evidence, Expected, Lock, Number, Proof, ProofMethod, Recommendation,
    Severity, Statement, Superpower, Unit, Verdict, percent,
};

/// `2.1 GiB`, `61.0 ms`, `84 %`, `12,000`.
pub(super) fn quantity(value: f64, unit: Unit) -> String {
    let whole = value.max(0.0).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and below 2^53"
    )]
    let count = whole as u64;
    match unit {
        Unit::Bytes => HumanBytes(count).to_string(),
        Unit::Ms if value < 10.0 => format!("{value:.2} ms"),
        Unit::Ms => format!("{value:.0} ms"),
        Unit::S => format!("{value:.1} s"),
        Unit::Ratio if value <= 1.0 => percent(value),
        Unit::Ratio => times(value),
        Unit::Rows => format!("{} rows", HumanCount(count)),
        Unit::Count | Unit::Name => HumanCount(count).to_string(),
    }
}

/// `4.0 times`.
fn times(value: f64) -> String {
    format!("{value:.1} times")
}

/// `toast_bytes 2.1 GiB`. What is called times is never printed as a percentage.
pub(super) fn evidence(evidence: &Evidence) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    let value = match &evidence.value {
        Number::Fraction(value) if evidence.name.ends_with("_times") => times(*value),
        Number::Whole(value) => quantity(*value as f64, evidence.unit),
        Number::Fraction(value) => quantity(*value, evidence.unit),
        Number::Name(name) => name.clone(),
    };
    format!("{} {value}", evidence.name)
}

/// `read_column_ms 61 ms → 18 ms (-70 %)`; of what was nothing before there is no share.
pub(super) fn expected(expected: &Expected) -> String {
    let [before, after] =
        [expected.before, expected.after].map(|value| quantity(value, expected.unit));
    let change = format!(" ({:+.0} %)", expected.change_ratio * 100.0);
    let change = if expected.before > 0.0 { change.as_str() } else { "" };
    format!("{} {before} → {after}{change}", expected.metric)
}

/// What stands behind a recommendation, in a few words.
pub(super) fn proof(proof: &Proof) -> String {
    let verdict = match (proof.verdict, proof.method) {
        (Verdict::Confirmed, ProofMethod::FullScan) => "Verified by a full scan",
        (Verdict::Confirmed, ProofMethod::Observation) => "Verified on the server",
        (Verdict::Confirmed, ProofMethod::SampledCopy) => "Confirmed by experiment",
        (Verdict::Refuted, _) => "Refuted",
        (Verdict::Inconclusive, _) => "Tested without a clear result",
        (Verdict::NotRun, _) => "Not tested",
    };
    match &proof.reason {
        Some(reason) => format!("{verdict}: {reason}"),
        None => verdict.to_owned(),
    }
}

/// What the words of confidence and proof mean.
pub(super) const LEGEND: [&str; 2] = [
    "Confidence: how likely the finding is true, by the grade of its evidence.",
    "Tested advice was run on a copy of your rows (--prove full); the rest rests on statistics and rules.",
];

/// What a statement costs the others: `ACCESS EXCLUSIVE lock: blocks reads and writes, briefly`.
pub(super) fn cost(statement: &Statement) -> String {
    let mut cost = match statement.lock {
        Lock::None => "locks no table".to_owned(),
        lock => format!("{} lock: blocks {}", lock.as_sql(), statement.blocks),
    };
    if statement.rewrites {
        cost.push_str("; rewrites the table");
    }
    if !statement.transactional {
        cost.push_str("; not inside a transaction block");
    }
    cost
}

/// The superpower's name in prose; what it was asked as where there is none.
pub(super) fn superpower(analysis: &Analysis) -> &str {
    analysis.superpower.parse::<Superpower>().map_or("all superpowers", Superpower::title)
}

/// `no gap`, `1 gap`, `3 gaps`.
pub(super) fn count(count: usize, one: &str) -> String {
    match count {
        0 => format!("no {one}"),
        1 => format!("1 {one}"),
        _ => format!("{count} {one}s"),
    }
}

/// `2 findings (1 high, 1 low), 1 recommendation, 0 declined, 3 gaps; 4 tables looked into, 310 under 10.00 MiB`.
pub(super) fn totals(analysis: &Analysis) -> String {
    let tables = analysis.tables.map(|tables| {
        format!(
            "; {} looked into, {} under {}",
            tables_of(tables.looked_into),
            tables.under_limit,
            HumanBytes(tables.limit_bytes)
        )
    });
    format!(
        "{}{}, {}, {} declined, {}{}",
        count(analysis.findings.len(), "finding"),
        by_severity(analysis),
        count(analysis.recommendations.len(), "recommendation"),
        analysis.declined.len(),
        count(analysis.gaps.len(), "gap"),
        tables.unwrap_or_default(),
    )
}

/// ` (1 high, 3 low)`; nothing where there is no finding.
fn by_severity(analysis: &Analysis) -> String {
    let severities =
        [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];
    let counted = severities.into_iter().filter_map(|severity| {
        let count = analysis.findings.iter().filter(|found| found.severity == severity).count();
        (count > 0).then(|| format!("{count} {severity}"))
    });
    let counted = counted.collect::<Vec<_>>().join(", ");
    if counted.is_empty() { counted } else { format!(" ({counted})") }
}

/// Why the variants are not advised: each reason once with its variants counted, or each in full.
pub(super) fn reasons(declined: &[&Declined], verbose: bool) -> String {
    if verbose || declined.len() == 1 {
        let each = declined.iter().map(|one| format!("{}: {}", one.reason, one.detail));
        return each.collect::<Vec<_>>().join("; ");
    }
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for one in declined {
        match reasons.iter_mut().find(|(reason, _)| *reason == one.reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((&one.reason, 1)),
        }
    }
    let counted = reasons.into_iter().map(|(reason, count)| match count {
        1 => reason.to_owned(),
        _ => format!("{reason} ({count} variants)"),
    });
    counted.collect::<Vec<_>>().join("; ")
}

fn tables_of(number: u64) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), "table")
}

/// What looking cost the target.
pub(super) fn visit(analysis: &Analysis) -> String {
    let cost = &analysis.cost;
    format!(
        "{} round trip{}, {:.0} ms, {} read",
        cost.round_trips,
        if cost.round_trips == 1 { "" } else { "s" },
        cost.target_ms,
        HumanBytes(cost.bytes_read)
    )
}

/// The recommendation of that id.
pub(super) fn recommendation<'a>(analysis: &'a Analysis, id: &str) -> Option<&'a Recommendation> {
    analysis.recommendations.iter().find(|recommendation| recommendation.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_read_them() {
        for (value, unit, text) in [
            (2_254_857_830.0, Unit::Bytes, "2.10 GiB"),
            (1.234, Unit::Ms, "1.23 ms"),
            (61.04, Unit::Ms, "61 ms"),
            (0.8412, Unit::Ratio, "84 %"),
            (0.0, Unit::Ratio, "0 %"),
            (0.004, Unit::Ratio, "0.4 %"),
            (0.9996, Unit::Ratio, "99.96 %"),
            (1.0, Unit::Ratio, "100 %"),
            (24.0, Unit::Ratio, "24.0 times"),
            (12_000.0, Unit::Rows, "12,000 rows"),
            (-0.4, Unit::Count, "0"),
        ] {
            assert_eq!(quantity(value, unit), text);
        }
    }
}
