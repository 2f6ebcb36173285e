//! How many connections a service should open: asked of the target each time, for sessions come and go.

use std::sync::Arc;

use super::{App, Error};
use crate::analysis::{self, Ledger};
use crate::pool::{PoolInputs, PoolPlan};
use crate::store::TargetRecord;

impl App {
    /// A plan for a service of which the caller knows this.
    pub async fn pool_plan(
        &self,
        record: &TargetRecord,
        pool_inputs: &PoolInputs,
    ) -> Result<PoolPlan, Arc<Error>> {
        let target = self.open(&record.name).await?;
        let ledger: Option<Ledger> =
            self.inner.store.workload(&record.name).await.map_err(Error::Store)?;
        let workload = ledger.as_ref().map(analysis::workload);
        let plan = analysis::pool_plan(&target, pool_inputs, &record.policy, workload).await;
        Ok(plan.map_err(Error::Analysis)?)
    }
}
