//! Plans that a log holds: which of them are worth judging, and what was found in them, by statement.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::parsed::ParsedStatement;
use crate::model::observation::{LoggedFinding, LoggedPlans};

/// Statements with plans kept at most; those whose plans took least time go.
const STATEMENTS_MAX: usize = 256;

/// Plans of a statement judged at most, whatever they took.
const JUDGED_MIN: u64 = 8;

/// A plan that took so many times as long as any that was judged is judged, too.
const LONGER: f64 = 2.0;

/// Findings of a statement kept at most, those with most time at stake.
const FINDINGS_MAX: usize = 16;

/// What a plan showed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JudgedPlan {
    /// Whether it holds estimates alone.
    pub estimates_only: bool,
    /// What was found in it.
    pub findings: Vec<LoggedFinding>,
}

/// The plans of a log, by what distinguishes statements.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Plans {
    statements: BTreeMap<String, LoggedPlans>,
}

impl Plans {
    /// A plan of an execution that took so long; judged only where that may show more than is known.
    pub(super) fn add(
        &mut self,
        parsed: &ParsedStatement,
        ms: f64,
        judge: impl FnOnce() -> Option<JudgedPlan>,
    ) {
        let known =
            self.statements.entry(parsed.fingerprint.clone()).or_insert_with(|| LoggedPlans {
                fingerprint: parsed.fingerprint.clone(),
                text: parsed.redacted.clone(),
                ..LoggedPlans::default()
            });
        known.plans += 1;
        known.total_ms += ms;
        let is_informative = known.judged < JUDGED_MIN || ms > LONGER * known.longest_ms;
        if let Some(JudgedPlan { estimates_only, findings }) = is_informative.then(judge).flatten()
        {
            known.judged += 1;
            known.longest_ms = known.longest_ms.max(ms);
            known.estimates_only += u64::from(estimates_only);
            add_findings(&mut known.findings, findings);
        }
        self.bound();
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (fingerprint, added) in other.statements {
            let Some(known) = self.statements.get_mut(&fingerprint) else {
                self.statements.insert(fingerprint, added);
                continue;
            };
            known.plans += added.plans;
            known.total_ms += added.total_ms;
            known.judged += added.judged;
            known.estimates_only += added.estimates_only;
            known.longest_ms = known.longest_ms.max(added.longest_ms);
            add_findings(&mut known.findings, added.findings);
        }
        self.bound();
    }

    /// The statements, those first whose plans took most time.
    pub(super) fn by_time(&self) -> Vec<LoggedPlans> {
        let mut all: Vec<LoggedPlans> = self.statements.values().cloned().collect();
        all.sort_by(|one, other| other.total_ms.total_cmp(&one.total_ms));
        all
    }

    pub(super) fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// Where there are too many statements, the half whose plans took least time goes.
    fn bound(&mut self) {
        if self.statements.len() <= STATEMENTS_MAX {
            return;
        }
        let kept = self.by_time().into_iter().take(STATEMENTS_MAX / 2);
        self.statements = kept.map(|plans| (plans.fingerprint.clone(), plans)).collect();
    }
}

/// Each problem once, as in the plan with most time at stake.
fn add_findings(known: &mut Vec<LoggedFinding>, added: Vec<LoggedFinding>) {
    for finding in added {
        match known.iter_mut().find(|one| one.is_same(&finding)) {
            Some(one) => {
                let plans = one.plans + finding.plans;
                if finding.time_ms() > one.time_ms() {
                    *one = finding;
                }
                one.plans = plans;
            }
            None => known.push(finding),
        }
    }
    known.sort_by(|one, other| other.time_ms().total_cmp(&one.time_ms()));
    known.truncate(FINDINGS_MAX);
}
