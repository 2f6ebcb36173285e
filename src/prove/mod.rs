//! Try a recommendation out before it is made. The only module that writes to a target: temporary tables,
//! in a transaction that is rolled back.

mod method;
mod sampled_copy;
mod verdict;

use std::time::Duration;

use tokio::time::timeout;

use crate::model::{Action, Grade, Proof, ProofMethod, ProveMode, Snapshot};
use crate::pg::Target;
use method::{Experiment, experiments, not_run};

/// How long all experiments of an analysis may take together.
pub const BUDGET: Duration = Duration::from_mins(2);

/// A proof for each action, or the reason why there is none.
pub async fn prove(
    target: &Target,
    seen: &Snapshot,
    actions: Vec<Action>,
    mode: ProveMode,
) -> Vec<(Action, Proof)> {
    let mut proofs: Vec<(Action, Proof)> = Vec::new();
    if mode == ProveMode::Full {
        // Time that runs out leaves the rest unproved, and says so.
        let _ = timeout(BUDGET, async {
            for experiment in experiments(&actions, seen) {
                proofs.extend(run(target, seen, experiment).await);
            }
        })
        .await;
    }
    for action in actions {
        if !proofs.iter().any(|(proved, _)| *proved == action) {
            let reason = match mode {
                ProveMode::None => "no proof was asked for",
                ProveMode::Cheap => {
                    "a sampled copy writes a temporary table, which needs `prove` full"
                }
                ProveMode::Full => "the budget for experiments was spent before its turn",
            };
            let proof = not_run(&action, reason);
            proofs.push((action, proof));
        }
    }
    proofs
}

/// One experiment: all its candidates against the same baseline, on the same rows.
async fn run(target: &Target, seen: &Snapshot, experiment: Experiment) -> Vec<(Action, Proof)> {
    let measured = sampled_copy::measure(target, seen, &experiment).await;
    let candidates = experiment.candidates.into_iter().enumerate();
    candidates
        .map(|(position, candidate)| {
            let proof = match &measured {
                Ok(measured) => verdict::proof(&candidate, measured, position),
                Err(reason) => Proof::not_run(ProofMethod::SampledCopy, Grade::Statistics, reason),
            };
            (candidate.action, proof)
        })
        .collect()
}
