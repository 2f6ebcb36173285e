//! Whether a staging table was emptied by a crash: asked of the target each time, since a crash changes it.

use std::sync::Arc;

use jiff::Timestamp;

use super::{App, Error};
use crate::analysis;
use crate::model::{QualifiedName, StagingReport};
use crate::store::TargetRecord;

impl App {
    /// What became of a table that was loaded at `since`.
    pub async fn staging(
        &self,
        target: &TargetRecord,
        table: &QualifiedName,
        since: Option<Timestamp>,
    ) -> Result<StagingReport, Arc<Error>> {
        let target = self.open(&target.name).await?;
        let report = analysis::staging(&target, table, since).await;
        Ok(report.map_err(Error::Analysis)?)
    }
}
