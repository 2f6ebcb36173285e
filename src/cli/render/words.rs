//! Numbers and names as a person reads them.

use indicatif::{HumanBytes, HumanCount};

use crate::model::{
    Analysis, Evidence, Expected, Number, Proof, Recommendation, Statement, Superpower, Unit,
    Verdict,
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
        Unit::Ratio if value <= 1.0 => format!("{:.0} %", value * 100.0),
        Unit::Ratio => format!("{value:.1} times"),
        Unit::Rows => format!("{} rows", HumanCount(count)),
        Unit::Count | Unit::Name => HumanCount(count).to_string(),
    }
}

/// `toast_bytes 2.1 GiB`.
pub(super) fn evidence(evidence: &Evidence) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    let value = match &evidence.value {
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
    let verdict = match proof.verdict {
        Verdict::Confirmed => "confirmed by experiment",
        Verdict::Refuted => "refuted by experiment",
        Verdict::Inconclusive => "experiment inconclusive",
        Verdict::NotRun => "not tried out",
    };
    match &proof.reason {
        Some(reason) => format!("{verdict}: {reason}"),
        None => verdict.to_owned(),
    }
}

/// What a statement costs the others: `ACCESS EXCLUSIVE lock: blocks reads and writes, briefly`.
pub(super) fn cost(statement: &Statement) -> String {
    let mut cost = format!("{} lock: blocks {}", statement.lock.as_sql(), statement.blocks);
    if statement.rewrites {
        cost.push_str("; writes the table anew");
    }
    if !statement.transactional {
        cost.push_str("; not inside a transaction");
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

/// `2 findings, 1 recommendation, nothing declined, 3 gaps`.
pub(super) fn tally(analysis: &Analysis) -> String {
    format!(
        "{}, {}, {} declined, {}",
        count(analysis.findings.len(), "finding"),
        count(analysis.recommendations.len(), "recommendation"),
        analysis.declined.len(),
        count(analysis.gaps.len(), "gap"),
    )
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
            (24.0, Unit::Ratio, "24.0 times"),
            (12_000.0, Unit::Rows, "12,000 rows"),
            (-0.4, Unit::Count, "0"),
        ] {
            assert_eq!(quantity(value, unit), text);
        }
    }
}
