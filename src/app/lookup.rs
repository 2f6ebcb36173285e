//! What one look at a target finds, cached: what can be seen on it, the documents of a column, and their contract.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use super::{App, Error, rendered};
use crate::analysis::{self, SampledColumn};
use crate::cache::{Answer, CacheKey, KeyParts, RenderedBody};
use crate::contract::{ContractFormat, contract};
use crate::pg::Target;
use crate::store::TargetRecord;

/// A contract that a caller asks for: of which column, and as which format writes it.
#[derive(Debug, Clone)]
pub struct ContractExport {
    /// The column.
    pub subject: SampledColumn,
    /// The format.
    pub format: ContractFormat,
}

/// An answer to look up in the cache.
struct Lookup<'l, R> {
    /// The kind of answer.
    kind: &'static str,
    /// What was asked.
    request: &'l R,
    /// Whether to look at the target although the cache has the answer.
    refresh: bool,
}

impl App {
    /// What can be seen and done on a target, as JSON.
    pub async fn capabilities(
        &self,
        target: &TargetRecord,
        refresh: bool,
    ) -> Result<Answer, Arc<Error>> {
        let look = |target: Target| async move {
            rendered(&analysis::capabilities(&target).await.map_err(Error::Analysis)?)
        };
        self.look(target, Lookup { kind: "capabilities", request: &(), refresh }, look).await
    }

    /// What the documents of a column hold, as JSON.
    pub async fn documents(
        &self,
        target: &TargetRecord,
        subject: SampledColumn,
        refresh: bool,
    ) -> Result<Answer, Arc<Error>> {
        let request = &subject.clone();
        let look = |target: Target| async move {
            rendered(&analysis::documents(&target, &subject).await.map_err(Error::Analysis)?)
        };
        self.look(target, Lookup { kind: "documents", request, refresh }, look).await
    }

    /// The contract of a column's documents, as that format writes it.
    pub async fn contract(
        &self,
        target: &TargetRecord,
        export: ContractExport,
        refresh: bool,
    ) -> Result<Answer, Arc<Error>> {
        let ContractExport { subject, format } = export;
        let request = &(subject.clone(), format);
        let look = move |target: Target| async move {
            let report = analysis::documents(&target, &subject).await.map_err(Error::Analysis)?;
            Ok(RenderedBody::new(Bytes::from(contract(&report, format))))
        };
        self.look(target, Lookup { kind: "contract", request, refresh }, look).await
    }

    /// What a look at a target finds, filed under its kind and what was asked.
    async fn look<Fut>(
        &self,
        target: &TargetRecord,
        lookup: Lookup<'_, impl Serialize + Sync>,
        look: impl FnOnce(Target) -> Fut + Send + 'static,
    ) -> Result<Answer, Arc<Error>>
    where
        Fut: Future<Output = Result<RenderedBody, Error>> + Send + 'static,
    {
        let key = CacheKey::new(&KeyParts {
            target: &target.name,
            model_version: &target.model_version,
            revision: target.revision,
            trusts_code: self.inner.trusted.contains(&target.name),
            superpower: lookup.kind,
            request: lookup.request,
        });
        let (app, name) = (self.clone(), target.name.clone());
        let compute = move || async move {
            let target = app.open(&name).await?;
            look(target).await
        };
        self.inner.cache.get_or_compute(&key, compute, lookup.refresh).await
    }
}
