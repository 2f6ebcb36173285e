//! From findings and proofs to an analysis: merge, rank, decline.

mod lifts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::ddl::ddl;
use crate::model::{
    Action, Analysis, Declined, Finding, Gap, Judgement, Measurement, Policy, Proof, ProofKey,
    Recommendation, RecommendationState, ReportedFinding, Scope, Severity, Snapshot, TableCounts,
    Tried, Unit, Verdict, finding_id, percent, recommendation_id,
};

/// What every analysis of one run has in common.
pub struct RunContext<'a> {
    /// The target's name.
    pub target: &'a str,
    /// The superpower asked for, or `all`.
    pub superpower: &'a str,
    /// What was seen.
    pub snapshot: &'a Snapshot,
    /// What was asked for.
    pub scope: &'a Scope,
    /// The thresholds that were judged by.
    pub policy: &'a Policy,
}

/// Put together what was found, proved and declined. What an experiment refuted is not recommended.
pub fn advise(
    run: &RunContext<'_>,
    judgement: Judgement,
    proofs: &BTreeMap<ProofKey, Proof>,
    tried: &[Tried],
) -> Analysis {
    let Judgement { mut findings, declined, gaps } = judgement;
    findings.retain(|finding| run.scope.severity_min.is_none_or(|least| finding.severity >= least));
    findings.sort_by(|a, b| {
        (b.severity, b.confidence)
            .cmp(&(a.severity, a.confidence))
            .then_with(|| (a.check, &a.object).cmp(&(b.check, &b.object)))
    });

    let mut draft = Draft { declined, ..Draft::default() };
    draft.declined.extend(tried.iter().filter_map(|tried| not_advised(run, &findings, tried)));
    let mut findings: Vec<ReportedFinding> =
        findings.into_iter().map(|finding| draft.report(run, finding, proofs)).collect();
    // What lost its remedies lost severity with them.
    findings.retain(|finding| run.scope.severity_min.is_none_or(|least| finding.severity >= least));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let left_out = run.snapshot.left_out.iter().cloned().chain(run.snapshot.server.too_new());
    let mut gaps: Vec<Gap> = gaps.into_iter().chain(left_out).collect();
    lifts::name_places(&mut gaps, run.snapshot);
    Analysis {
        target: run.target.to_owned(),
        superpower: run.superpower.to_owned(),
        observed_at: run.snapshot.observed_at,
        server: run.snapshot.server.clone(),
        cost: run.snapshot.cost,
        cache: None,
        tables: TableCounts::of(run.snapshot, run.scope, run.policy),
        findings,
        recommendations: draft.recommendations,
        declined: sorted(draft.declined),
        gaps: sorted(gaps),
        is_passing: false,
    }
}

#[derive(Default)]
struct Draft {
    recommendations: Vec<Recommendation>,
    positions: BTreeMap<String, usize>,
    declined: Vec<Declined>,
}

impl Draft {
    /// The finding as reported; its actions join the recommendations, each once.
    fn report(
        &mut self,
        run: &RunContext<'_>,
        finding: Finding,
        proofs: &BTreeMap<ProofKey, Proof>,
    ) -> ReportedFinding {
        let id = finding_id(run.target, finding.check, &finding.object);
        let mut ids = Vec::new();
        for proved in best_first(proved(run, &finding, proofs)) {
            if proved.proof.verdict == Verdict::Refuted {
                self.declined.push(refuted(&finding, &proved));
                continue;
            }
            let mut recommendation = recommendation(run, finding.check, proved);
            recommendation.findings.push(id.clone());
            ids.push(recommendation.id.clone());
            self.add(recommendation);
        }
        // With all its remedies refuted on the target's own rows, the problem is one in name.
        let severity = if ids.is_empty() && !finding.actions.is_empty() {
            Severity::Info
        } else {
            finding.severity
        };
        ReportedFinding::new(id, Finding { severity, ..finding }, ids)
    }

    /// Each once. Two checks may give the same advice, and only one of them know what it is to be measured by.
    fn add(&mut self, recommendation: Recommendation) {
        match self.positions.get(&recommendation.id) {
            None => {
                self.positions.insert(recommendation.id.clone(), self.recommendations.len());
                self.recommendations.push(recommendation);
            }
            Some(position) => {
                let known = &mut self.recommendations[*position];
                known.findings.extend(recommendation.findings);
                if known.proof.verdict == Verdict::NotRun {
                    known.expected = recommendation.expected;
                    known.proof = recommendation.proof;
                }
            }
        }
    }
}

/// An action with its proof.
struct Proved<'a> {
    id: String,
    action: &'a Action,
    proof: &'a Proof,
}

/// The actions of a finding that have a proof, or a reason why there is none.
fn proved<'a>(
    run: &RunContext<'_>,
    finding: &'a Finding,
    proofs: &'a BTreeMap<ProofKey, Proof>,
) -> Vec<Proved<'a>> {
    let proved = |action: &'a Action| {
        let recommendation = recommendation_id(run.target, action);
        let key = ProofKey { recommendation, check: finding.check };
        let proof = proofs.get(&key)?;
        Some(Proved { id: key.recommendation, action, proof })
    };
    finding.actions.iter().filter_map(proved).collect()
}

/// In the order of the check, which names what costs less first. What is dearer overtakes only where both were measured and
/// it is clearly faster.
fn best_first(actions: Vec<Proved<'_>>) -> Vec<Proved<'_>> {
    let mut ordered: Vec<Proved<'_>> = Vec::new();
    for action in actions {
        let slower = |other: &Proved<'_>| match (action.proof.call(), other.proof.call()) {
            (Some(call), Some(other)) => call.is_clearly_less_than(other),
            _ => false,
        };
        let position = ordered.iter().position(slower).unwrap_or(ordered.len());
        ordered.insert(position, action);
    }
    ordered
}

fn recommendation(
    run: &RunContext<'_>,
    check: &str,
    Proved { id, action, proof }: Proved<'_>,
) -> Recommendation {
    let mut ddl = ddl(action);
    if run.snapshot.server.in_recovery {
        let where_to = if action.is_of_server() {
            "run it on this standby: its primary has a configuration and slots of its own"
        } else {
            "run it on the primary: this server is a hot standby, and takes no change"
        };
        ddl.preconditions.insert(0, where_to.to_owned());
    }
    Recommendation {
        id,
        check: check.to_owned(),
        object: action.object().clone(),
        findings: Vec::new(),
        action: action.as_str().to_owned(),
        title: ddl.title,
        statements: ddl.statements,
        undo: ddl.undo,
        preconditions: ddl.preconditions,
        caveats: ddl.caveats,
        expected: proof.measurements.iter().map(Measurement::expected).collect(),
        proof: proof.clone(),
        state: RecommendationState::Open,
        last_seen: run.snapshot.observed_at,
    }
}

fn refuted(finding: &Finding, Proved { action, proof, .. }: &Proved<'_>) -> Declined {
    let what = [action.as_str(), action.alternative()].join(" ");
    Declined {
        check: finding.check.to_owned(),
        object: finding.object.clone(),
        reason: format!("an experiment refuted {}", what.trim_end()),
        detail: numbers(proof),
    }
}

/// An option that was measured beside the advised ones. One that is better for what it is good for is not advised
/// all the same: no check found that the table is used that way.
fn not_advised(run: &RunContext<'_>, findings: &[Finding], tried: &Tried) -> Option<Declined> {
    let ProofKey { recommendation, check } = &tried.beside;
    let names_it = |action: &Action| recommendation_id(run.target, action) == *recommendation;
    let finding = findings
        .iter()
        .find(|finding| finding.check == *check && finding.actions.iter().any(names_it))?;
    let reason = match tried.proof.verdict {
        Verdict::Refuted => format!("an experiment refuted {}", tried.option),
        _ => format!("measured, not needed by any finding: {}", tried.option),
    };
    Some(Declined {
        check: finding.check.to_owned(),
        object: finding.object.clone(),
        reason,
        detail: numbers(&tried.proof),
    })
}

fn numbers(proof: &Proof) -> String {
    let numbers: Vec<String> = proof.measurements.iter().map(number).collect();
    let reason = proof.reason.as_deref().unwrap_or("no gain");
    if numbers.is_empty() { reason.to_owned() } else { format!("{reason}; {}", numbers.join(", ")) }
}

/// A measurement today and under the option; bytes are the same in every run, times are not.
fn number(measured: &Measurement) -> String {
    let Measurement { name, baseline, candidate, unit, spread, .. } = measured;
    let [before, after] = [baseline, candidate].map(|value| figure(*value, *unit));
    match unit {
        Unit::Bytes => format!("{name} {before} -> {after}"),
        _ => format!("{name} {before} -> {after} (spread {})", percent(*spread)),
    }
}

/// A number with its unit and the digits that a reader needs.
fn figure(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Bytes if value >= 1e6 => format!("{:.1} MB", value / 1e6),
        Unit::Bytes => format!("{:.0} kB", value / 1e3),
        Unit::Ms if value < 10.0 => format!("{value:.2} ms"),
        Unit::Ms => format!("{value:.0} ms"),
        _ => format!("{value:.2}"),
    }
}

/// In a stable order, each once.
fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items.dedup();
    items
}
