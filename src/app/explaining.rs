//! Statements explained on a registered target. Nothing of them is cached: a plan is of a moment.

use super::{App, Error};
use crate::analysis::{self, ExplainError, Request, StatementText};
use crate::model::DecodedPlan;
use crate::store::TargetRecord;

/// Why a statement was not explained.
#[derive(Debug)]
pub enum NotExplained {
    /// The registry failed, or does not know the target.
    Service(Error),
    /// The statement or the target.
    Statement(ExplainError),
}

impl App {
    /// Explain a statement on a target; thresholds of the target apply where the request has none.
    pub async fn explain(
        &self,
        target: &TargetRecord,
        mut request: Request,
        mut text: StatementText,
    ) -> Result<DecodedPlan, NotExplained> {
        request.policy = target.policy.overridden_by(&request.policy);
        text.allowed_functions.clone_from(&self.inner.allowed_functions);
        let opened = self.open(&target.name).await.map_err(NotExplained::Service)?;
        analysis::explain(&opened, request, text).await.map_err(NotExplained::Statement)
    }
}
