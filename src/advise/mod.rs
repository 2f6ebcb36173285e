//! From findings and proofs to an analysis: merge, rank, decline.

use std::collections::BTreeMap;

use crate::ddl::ddl;
use crate::model::{
    Action, Analysis, Declined, Finding, Gap, Judgement, Measurement, Proof, Recommendation,
    RecommendationState, ReportedFinding, Scope, Snapshot, Verdict, finding_id, recommendation_id,
};

/// What every analysis of one run has in common.
pub struct Run<'a> {
    /// The target's name.
    pub target: &'a str,
    /// The superpower asked for, or `all`.
    pub superpower: &'a str,
    /// What was seen.
    pub seen: &'a Snapshot,
    /// What was asked for.
    pub scope: &'a Scope,
}

/// Put together what was found, proved and declined. What an experiment refuted is not recommended.
pub fn advise(run: &Run<'_>, judgement: Judgement, proofs: &[(Action, Proof)]) -> Analysis {
    let Judgement { mut findings, declined, gaps } = judgement;
    findings.retain(|finding| run.scope.severity_min.is_none_or(|least| finding.severity >= least));
    findings.sort_by(|a, b| {
        (b.severity, b.confidence)
            .cmp(&(a.severity, a.confidence))
            .then_with(|| (a.check, &a.object).cmp(&(b.check, &b.object)))
    });

    let mut draft = Draft { declined, ..Draft::default() };
    let findings = findings.into_iter().map(|finding| draft.report(run, finding, proofs)).collect();
    Analysis {
        target: run.target.to_owned(),
        superpower: run.superpower.to_owned(),
        observed_at: run.seen.observed_at,
        server: run.seen.server.clone(),
        cost: run.seen.cost,
        cache: None,
        findings,
        recommendations: draft.recommendations,
        declined: sorted(draft.declined),
        gaps: sorted(gaps.into_iter().chain(run.seen.left_out.clone()).collect::<Vec<Gap>>()),
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
        run: &Run<'_>,
        finding: Finding,
        proofs: &[(Action, Proof)],
    ) -> ReportedFinding {
        let mut ids = Vec::new();
        for action in &finding.actions {
            let Some((_, proof)) = proofs.iter().find(|(proved, _)| proved == action) else {
                continue;
            };
            if proof.verdict == Verdict::Refuted {
                self.declined.push(refuted(&finding, action, proof));
                continue;
            }
            let recommendation = recommendation(run, finding.check, action, proof);
            ids.push(recommendation.id.clone());
            if !self.positions.contains_key(&recommendation.id) {
                self.positions.insert(recommendation.id.clone(), self.recommendations.len());
                self.recommendations.push(recommendation);
            }
        }
        let id = finding_id(run.target, finding.check, &finding.object);
        ReportedFinding::new(id, finding, ids)
    }
}

fn recommendation(run: &Run<'_>, check: &str, action: &Action, proof: &Proof) -> Recommendation {
    let ddl = ddl(action);
    Recommendation {
        id: recommendation_id(run.target, action.as_str(), action.object(), action.alternative()),
        check: check.to_owned(),
        action: action.as_str().to_owned(),
        title: ddl.title,
        statements: ddl.statements,
        undo: ddl.undo,
        preconditions: ddl.preconditions,
        caveats: ddl.caveats,
        expected: proof.measurements.iter().map(Measurement::expected).collect(),
        proof: proof.clone(),
        state: RecommendationState::Open,
        last_seen: run.seen.observed_at,
    }
}

fn refuted(finding: &Finding, action: &Action, proof: &Proof) -> Declined {
    let numbers: Vec<String> = proof
        .measurements
        .iter()
        .map(|m| format!("{} {:.3} -> {:.3}", m.name, m.baseline, m.candidate))
        .collect();
    Declined {
        check: finding.check.to_owned(),
        object: finding.object.clone(),
        reason: format!("an experiment refuted {}", action.as_str()),
        detail: format!(
            "{}; measured: {}",
            proof.reason.as_deref().unwrap_or("no gain"),
            numbers.join(", ")
        ),
    }
}

/// In a stable order, each once.
fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items.dedup();
    items
}
