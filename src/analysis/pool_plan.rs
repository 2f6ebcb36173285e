//! How many connections a service should open to a target.

use super::gathered::known_workload;
use super::{Error, look};
use crate::model::observation::Workload;
use crate::model::{Gap, Policy, Snapshot, Topic};
use crate::observe::{Interest, Observed};
use crate::pg::Target;
use crate::pool::{self, PoolInputs, PoolPlan, VisitedServer};

/// Plan by what the caller knows, what one visit sees, and what is known of the workload.
///
/// # Errors
/// Where the target cannot be used, or does not show how many connections it has.
pub async fn pool_plan(
    target: &Target,
    pool_inputs: &PoolInputs,
    policy: &Policy,
    workload: Option<Workload>,
) -> Result<PoolPlan, Error> {
    let topics = [Topic::SESSIONS, Topic::CONNECTION_LIMITS, Topic::STATEMENTS];
    let interest = Interest {
        topics: topics.into_iter().collect(),
        policy: policy.clone(),
        ..Interest::default()
    };
    let Observed { mut snapshot, texts, .. } = look(target, &interest).await?;
    snapshot.workload = known_workload(workload, texts, snapshot.workload).await;
    let mut seen = pool::seen(&snapshot, pool_inputs, policy)
        .map_err(|gap| Error::Unseen { target: target.name().to_owned(), detail: gap.detail })?;
    Gap::name_role(&mut seen.gaps, target.user());
    let Snapshot { server, observed_at, .. } = snapshot;
    let visited = VisitedServer { target: target.name(), server, observed_at };
    Ok(pool::pool_plan(visited, pool_inputs, &seen, policy))
}
