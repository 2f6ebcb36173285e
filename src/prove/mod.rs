//! Try a recommendation out before it is made. The only module that writes to a target: temporary tables and
//! functions, in a transaction that is rolled back.

mod copy;
mod engine;
mod foreign_code;
mod indexes;
mod keys;
mod method;
mod scan;
mod storage;
mod trial;
mod verdict;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::timeout;

use crate::model::{
    Cost, Grade, Proof, ProofKey, ProofMethod, Proposal, ProveMode, Snapshot, Tried,
};
use crate::pg::Target;
use method::{OnTrial, method};
use trial::TrialPlan;

/// How long all experiments of an analysis may take together.
pub const BUDGET: Duration = Duration::from_mins(2);

/// How long reading every row may take together.
const SCANS: Duration = Duration::from_secs(3);

/// What experiments said.
#[derive(Debug, Default)]
pub struct Proofs {
    /// A proof for each proposal, or the reason why there is none.
    pub by_key: BTreeMap<ProofKey, Proof>,
    /// What reading every row cost the target; experiments are not in it.
    pub cost: Cost,
    /// Alternatives that no check names.
    pub options: Vec<Tried>,
    /// Whether one was lost on the way, and another try may work out.
    pub is_passing: bool,
}

/// Try actions out as far as the mode allows.
pub async fn prove(
    target: &Target,
    snapshot: &Snapshot,
    proposals: Vec<Proposal>,
    mode: ProveMode,
) -> Proofs {
    let mut proofs = Proofs::default();
    if mode != ProveMode::None {
        // Time that runs out leaves the rest unproved, and says so.
        let _ = timeout(SCANS, proofs.scan(target, &proposals)).await;
    }
    if mode == ProveMode::Full {
        let _ = timeout(BUDGET, proofs.run(target, snapshot, &proposals)).await;
    }
    proofs.complete(&proposals, mode);
    proofs
}

/// For each proposal the reason why there is no proof in that mode.
pub fn unproved(proposals: &[Proposal], mode: ProveMode) -> Proofs {
    let mut proofs = Proofs::default();
    proofs.complete(proposals, mode);
    proofs
}

/// The experiments that prove these proposals. Those that are about the same rows share one.
fn trials(proposals: &[Proposal], snapshot: &Snapshot) -> Vec<TrialPlan> {
    let (mut storages, mut keys, mut indexes) = (Vec::new(), Vec::new(), Vec::new());
    for Proposal { key, action } in proposals {
        match method(action).trial {
            Some(OnTrial::Storage(change)) => storages.push((key, change)),
            Some(OnTrial::Key(change)) => keys.push((key, change)),
            Some(OnTrial::Index(change)) => indexes.push((key, change)),
            None => {}
        }
    }
    [
        storage::trials(&storages, snapshot),
        keys::trials(&keys, snapshot),
        indexes::trials(&indexes, snapshot),
    ]
    .concat()
}

impl Proofs {
    /// Read every row, where that is quick.
    async fn scan(&mut self, target: &Target, proposals: &[Proposal]) {
        for Proposal { key, action } in proposals {
            if self.by_key.contains_key(key) {
                continue;
            }
            let Some(scan) = method(action).scan else { continue };
            if let Some(proof) = scan.prove(target, &mut self.cost).await {
                self.by_key.insert(key.clone(), proof);
            }
        }
    }

    async fn run(&mut self, target: &Target, snapshot: &Snapshot, proposals: &[Proposal]) {
        for trial in trials(proposals, snapshot) {
            match engine::run(target, snapshot, &trial).await {
                Ok(outcome) => self.take(&trial, |arm| verdict::proof(&trial, &outcome, arm)),
                Err(refusal) => {
                    self.is_passing |= refusal.is_passing;
                    let (method, grade) = (ProofMethod::SampledCopy, Grade::Statistics);
                    let not_run = Proof::not_run(method, grade, &refusal.reason);
                    for key in trial.proves() {
                        self.by_key.entry(key.clone()).or_insert_with(|| not_run.clone());
                    }
                }
            }
        }
    }

    /// What a trial proves: of each arm what it says of the recommendations, or of the alternative that it is. What every row
    /// has said already stands.
    fn take(&mut self, trial: &TrialPlan, proof: impl Fn(usize) -> Proof) {
        let beside = trial.proves().next();
        for (position, arm) in trial.arms.iter().enumerate().skip(1) {
            let proof = proof(position);
            if let (true, Some(beside)) = (arm.proves.is_empty(), beside) {
                let option = arm.name.clone();
                self.options.push(Tried { beside: beside.clone(), option, proof });
                continue;
            }
            for key in &arm.proves {
                self.by_key.entry(key.clone()).or_insert_with(|| proof.clone());
            }
        }
    }

    /// The reason for those that have no proof.
    fn complete(&mut self, proposals: &[Proposal], mode: ProveMode) {
        let reason = match mode {
            ProveMode::None => "no proof was asked for",
            ProveMode::Cheap => "a sampled copy writes a temporary table, which needs `prove` full",
            ProveMode::Full => "the budget for experiments was spent before its turn",
        };
        for Proposal { key, action } in proposals {
            let unproved = || method(action).not_run(reason);
            self.by_key.entry(key.clone()).or_insert_with(unproved);
        }
    }
}
