//! Try a recommendation out before it is made. The only module that writes to a target: temporary tables and
//! functions, in a transaction that is rolled back.

mod copy;
mod foreign_code;
mod full_scan;
mod key_trial;
mod key_use;
mod method;
mod renamed;
mod sampled_copy;
mod verdict;

use std::time::Duration;

use tokio::time::timeout;

use crate::model::{Action, Cost, Grade, Proof, ProofMethod, ProveMode, Snapshot, Tried};
use crate::pg::Target;
use copy::Refusal;
use key_use::{KeyTrial, Place, key_trials};
use method::{Arm, Experiment, experiments, not_run};

/// How long all experiments of an analysis may take together.
pub const BUDGET: Duration = Duration::from_mins(2);

/// How long reading every row may take together.
const SCANS: Duration = Duration::from_secs(3);

/// What experiments said.
#[derive(Debug, Default)]
pub struct Proofs {
    /// A proof for each action, or the reason why there is none.
    pub actions: Vec<(Action, Proof)>,
    /// What reading every row cost the target; experiments are not in it.
    pub cost: Cost,
    /// The ways to store the same values that nobody advised.
    pub options: Vec<Tried>,
    /// Whether one was lost on the way, and another try may work out.
    pub is_passing: bool,
}

/// Try actions out as far as the mode allows.
pub async fn prove(
    target: &Target,
    seen: &Snapshot,
    actions: Vec<Action>,
    mode: ProveMode,
) -> Proofs {
    let mut proofs = Proofs::default();
    if mode != ProveMode::None {
        let _ = timeout(SCANS, async {
            for action in &actions {
                if let Some(proof) = full_scan::prove(target, action, &mut proofs.cost).await {
                    proofs.actions.push((action.clone(), proof));
                }
            }
        })
        .await;
    }
    if mode == ProveMode::Full {
        // Time that runs out leaves the rest unproved, and says so.
        let _ = timeout(BUDGET, async {
            for experiment in experiments(&actions, seen) {
                run(target, seen, experiment, &mut proofs).await;
            }
            for trial in key_trials(&actions, seen) {
                run_key_trial(target, seen, trial, &mut proofs).await;
            }
        })
        .await;
    }
    let proved = |action: &Action| proofs.actions.iter().any(|(proved, _)| proved == action);
    let rest: Vec<Action> = actions.into_iter().filter(|action| !proved(action)).collect();
    proofs.actions.extend(unproved(rest, mode).actions);
    proofs
}

/// For each action the reason why there is no proof in that mode.
pub fn unproved(actions: Vec<Action>, mode: ProveMode) -> Proofs {
    let reason = match mode {
        ProveMode::None => "no proof was asked for",
        ProveMode::Cheap => "a sampled copy writes a temporary table, which needs `prove` full",
        ProveMode::Full => "the budget for experiments was spent before its turn",
    };
    let unproved = |action: Action| {
        let proof = not_run(&action, reason);
        (action, proof)
    };
    Proofs { actions: actions.into_iter().map(unproved).collect(), ..Proofs::default() }
}

/// One experiment: all its arms against the same baseline, on the same rows.
async fn run(target: &Target, seen: &Snapshot, experiment: Experiment, proofs: &mut Proofs) {
    let measured = sampled_copy::measure(target, seen, &experiment).await;
    proofs.is_passing |= measured.as_ref().is_err_and(|refusal| refusal.is_passing);
    let Experiment { baseline, candidates, options, .. } = experiment;
    if let (Ok(measured), Some(first)) = (&measured, candidates.first()) {
        let tried = |(position, arm): (usize, Arm)| Tried {
            action: first.action.clone(),
            option: arm.name(),
            proof: verdict::proof(
                arm.promise(&baseline),
                measured,
                1 + candidates.len() + position,
            ),
        };
        proofs.options.extend(options.into_iter().enumerate().map(tried));
    }
    for (position, candidate) in candidates.into_iter().enumerate() {
        let proof = match &measured {
            Ok(measured) => verdict::proof(candidate.promise, measured, 1 + position),
            Err(refusal) => {
                Proof::not_run(ProofMethod::SampledCopy, Grade::Statistics, &refusal.reason)
            }
        };
        proofs.actions.push((candidate.action, proof));
    }
}

/// What becomes of a key: each way that was advised, and those that were not, against the document as it is.
async fn run_key_trial(target: &Target, seen: &Snapshot, trial: KeyTrial, proofs: &mut Proofs) {
    let measured = key_trial::measure(target, seen, &trial).await;
    let measured = match measured {
        Ok(measured) => measured,
        Err(Refusal { reason, is_passing }) => {
            proofs.is_passing |= is_passing;
            let not_run = |action| {
                let proof = Proof::not_run(ProofMethod::SampledCopy, Grade::Statistics, &reason);
                (action, proof)
            };
            proofs.actions.extend(trial.actions.into_values().map(not_run));
            return;
        }
    };
    let beside = trial.actions.values().next().cloned();
    for (place, _) in measured.arms.iter().filter(|(place, _)| *place != Place::Today) {
        let proof = verdict::key_proof(&measured, *place);
        match (trial.actions.get(place), &beside) {
            (Some(action), _) => proofs.actions.push((action.clone(), proof)),
            (None, Some(action)) => {
                let (action, option) = (action.clone(), place.name().to_owned());
                proofs.options.push(Tried { action, option, proof });
            }
            (None, None) => {}
        }
    }
}
