//! Try a recommendation out before it is made.

use crate::model::{Action, Grade, Proof, ProofMethod, ProveMode, Snapshot};
use crate::pg::Target;

/// A proof for each action, or the reason why there is none.
pub async fn prove(
    _target: &Target,
    _seen: &Snapshot,
    actions: Vec<Action>,
    mode: ProveMode,
) -> Vec<(Action, Proof)> {
    actions.into_iter().map(|action| (action.clone(), not_run(&action, mode))).collect()
}

fn not_run(action: &Action, mode: ProveMode) -> Proof {
    let (method, reason) = match action {
        Action::VacuumToast { .. } => (
            ProofMethod::Observation,
            "a vacuum is not tried out: what it frees is read off the counters",
        ),
        _ => (
            ProofMethod::SampledCopy,
            match mode {
                ProveMode::None => "no proof was asked for",
                _ => "a sampled copy writes a temporary table, which needs `prove` full",
            },
        ),
    };
    Proof::not_run(method, Grade::Statistics, reason)
}
