//! The service without HTTP: the registry, the cache and the analysis, put together once.

mod drift;
mod explaining;
mod jobs;
mod lookup;
mod metrics;
mod pool_plan;
mod process;
mod staging;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;

use crate::analysis::{
    self, Ledger, LinePrefix, Request, Runner, SourceFormat, SqlFile, TargetError, WorkloadIntake,
};
use crate::cache::{
    self, Answer, Cache, CacheKey, KeyParts, PlainKeys, PlainQuestion, RenderedBody,
};
use crate::config::{AllowedOrigins, CacheConfig, Config, HttpHosts, Limits, ShutdownConfig};
use crate::model::{CacheInfo, CacheStatus, Policy, Review, Scope};
use crate::pg::Target;
use crate::store::{self, Store, TargetRecord};
use crate::webhook::Webhook;

use self::drift::ContractsInScope;
use self::jobs::Jobs;
use self::metrics::LastAnalyses;
pub use self::metrics::metrics;
pub use explaining::NotExplained;
pub use jobs::{BackgroundAnalysis, JobOutcome};
pub use lookup::ContractExport;

/// The service without HTTP. Cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<AppInner>,
}

struct AppInner {
    store: Store,
    cache: Cache<Error>,
    plain_keys: PlainKeys,
    cache_config: CacheConfig,
    limits: Limits,
    /// Targets whose own code may run.
    trusted: BTreeSet<String>,
    /// Functions that ANALYZE may execute although they are volatile.
    allowed_functions: BTreeSet<String>,
    /// Opened targets by name, each with the revision of the DSN it was opened with.
    opened: Mutex<HashMap<String, (String, Target)>>,
    jobs: Jobs,
    metrics: PrometheusHandle,
    /// What targets' last analyses said.
    last: LastAnalyses,
    /// Where events of drift are posted, where the operator says so.
    webhook: Option<Webhook>,
    /// Whether we listen on loopback only: there, no API key is needed while none exists.
    loopback: bool,
    /// Which callers the operator allows beside those of this machine.
    callers: (HttpHosts, AllowedOrigins),
    shutdown: ShutdownConfig,
    /// Whether we received a signal to stop.
    is_stopping: AtomicBool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed, or does not know the target.
    #[error(transparent)]
    Store(store::Error),
    /// The target failed.
    #[error(transparent)]
    Analysis(analysis::Error),
    /// The answer could not be written as JSON.
    #[error("the answer could not be written")]
    Render {
        /// Why.
        source: serde_json::Error,
    },
}

/// One analysis as a caller asks for it.
#[derive(Debug, Clone)]
pub struct Inquiry {
    /// What to analyse, and how far to go; its policy on top of the target's.
    pub request: Request,
    /// The model version to file the answer under; the target's if absent.
    pub model_version: Option<String>,
    /// Whether to compute it again.
    pub refresh: bool,
}

impl App {
    /// Put the service together. Connects to nothing but what `store` is connected to.
    pub fn new(
        config: &Config,
        store: Store,
        metrics: PrometheusHandle,
    ) -> Result<Self, cache::Error> {
        let inner = AppInner {
            store,
            cache: Cache::new(&config.cache, config.redis_url.as_ref())?,
            plain_keys: PlainKeys::default(),
            cache_config: config.cache,
            limits: config.limits,
            trusted: config.trust_code.clone(),
            allowed_functions: config.allow_functions.clone(),
            opened: Mutex::default(),
            jobs: Jobs::default(),
            metrics,
            last: LastAnalyses::default(),
            webhook: config.webhook.as_ref().and_then(Webhook::new),
            loopback: config.listen.ip().is_loopback(),
            callers: (config.allowed_hosts_http.clone(), config.allowed_origins.clone()),
            shutdown: config.shutdown,
            is_stopping: AtomicBool::new(false),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The service's own state.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// What one request may take.
    pub fn limits(&self) -> Limits {
        self.inner.limits
    }

    /// From now on the service is not ready, whatever else it still does. How it is to end.
    pub fn stop(&self) -> ShutdownConfig {
        self.inner.is_stopping.store(true, Ordering::Relaxed);
        self.inner.shutdown
    }

    /// Whether we received a signal to stop.
    pub fn is_stopping(&self) -> bool {
        self.inner.is_stopping.load(Ordering::Relaxed)
    }

    /// Hosts that we answer to while no key exists, and sites whose pages may call.
    pub fn allowed_callers(&self) -> &(HttpHosts, AllowedOrigins) {
        &self.inner.callers
    }

    /// Whether callers without a key are let in while no key exists.
    pub fn is_loopback(&self) -> bool {
        self.inner.loopback
    }

    /// Whether Redis answers; absent where there is none.
    pub async fn redis_answers(&self) -> Option<bool> {
        self.inner.cache.redis_answers().await
    }

    /// An analysis as JSON: from the cache, or computed once for all who ask at the same time.
    pub async fn analysis(
        &self,
        target: &TargetRecord,
        inquiry: Inquiry,
    ) -> Result<Answer, Arc<Error>> {
        let key = self.key(target, &inquiry);
        if !inquiry.refresh
            && let Some(answer) = self.inner.cache.fresh(&key)
        {
            return Ok(answer);
        }
        // Boxed, because every request carries this future and few ever compute.
        Box::pin(self.analysed(target, inquiry, key)).await
    }

    /// The analysis, where process memory holds it and nothing has to be computed.
    pub fn fresh_analysis(&self, target: &TargetRecord, inquiry: &Inquiry) -> Option<Answer> {
        let fresh = || self.inner.cache.fresh(&self.key(target, inquiry));
        (!inquiry.refresh).then(fresh).flatten()
    }

    /// The analysis of that key, which process memory does not hold, or which is not to be looked for.
    async fn analysed(
        &self,
        target: &TargetRecord,
        inquiry: Inquiry,
        key: CacheKey,
    ) -> Result<Answer, Arc<Error>> {
        let Inquiry { mut request, model_version, refresh } = inquiry;
        let own = std::mem::take(&mut request.policy);
        request.policy = target.policy.overridden_by(&own);
        let model_version = model_version.unwrap_or_else(|| target.model_version.clone());
        let info = CacheInfo {
            status: CacheStatus::Miss,
            key: key.as_str().to_owned(),
            model_version,
            ttl_seconds: self.inner.cache_config.ttl.as_secs(),
        };
        let is_whole = request.scope == Scope::default() && own == Policy::default();
        let (app, name) = (self.clone(), target.name.clone());
        let compute = move || async move {
            let target = app.open(&name).await?;
            let ledger: Option<Ledger> =
                app.inner.store.workload(&name).await.map_err(Error::Store)?;
            request.workload = ledger.as_ref().map(analysis::workload);
            let ContractsInScope { states, registered, unread } =
                app.contracts_in_scope(&name, &request).await?;
            request.contracts = registered;
            let run = analysis::run(&target, &request).await.map_err(Error::Analysis)?;
            let seen = run.contract_observations();
            let mut analysis = run.analysis;
            analysis.gaps.extend(unread);
            if !drift::has_own_thresholds(&own) {
                app.record_drift(&name, &states, &seen).await;
            }
            if is_whole && app.is_open(&name) {
                app.inner.last.remember(request.superpower, &analysis);
            }
            // What was lost this time may be seen next time.
            let ttl_seconds = if analysis.is_passing { 0 } else { info.ttl_seconds };
            analysis.cache = Some(CacheInfo { ttl_seconds, ..info });
            let said = rendered(&analysis.timeless())?;
            let body = rendered(&analysis)?.identified_by(said.bytes());
            Ok(body.passing(analysis.is_passing))
        };
        self.inner.cache.get_or_compute(&key, compute, refresh).await
    }

    fn key(&self, target: &TargetRecord, inquiry: &Inquiry) -> CacheKey {
        let Inquiry { request, model_version, .. } = inquiry;
        let plain = model_version.is_none() && *request == Request::new(request.superpower);
        let superpower = request.superpower_name();
        let question = PlainQuestion {
            target: &target.name,
            revision: target.revision,
            updated_at: target.updated_at,
            superpower,
        };
        let known = plain.then(|| self.inner.plain_keys.get(&question));
        if let Some(Some(key)) = known {
            return key;
        }
        let policy = Request::without_defaults(target.policy.overridden_by(&request.policy));
        let key = CacheKey::new(&KeyParts {
            target: &target.name,
            model_version: model_version.as_ref().unwrap_or(&target.model_version),
            revision: target.revision,
            trusts_code: self.inner.trusted.contains(&target.name),
            superpower,
            request: &Request { policy, ..request.clone() },
        });
        if plain {
            self.inner.plain_keys.put(&question, &key);
        }
        key
    }

    /// What is found in migrations, and how long they block a target's tables.
    pub async fn review(
        &self,
        target: Option<&TargetRecord>,
        files: Vec<SqlFile>,
        runner: Runner,
    ) -> Result<Review, Arc<Error>> {
        let target = match target {
            Some(target) => Some(self.open(&target.name).await?),
            None => None,
        };
        let reviewed = analysis::review(target.as_ref(), files, runner).await;
        Ok(reviewed.map_err(Error::Analysis)?)
    }

    /// Take in a source of statements that run on a target.
    pub async fn intake(
        &self,
        target: &TargetRecord,
        format: Option<SourceFormat>,
        prefix: Option<LinePrefix>,
    ) -> Result<WorkloadIntake, Arc<Error>> {
        let target = self.open(&target.name).await?;
        Ok(WorkloadIntake::open(&target, format, prefix).await.map_err(Error::Analysis)?)
    }

    /// Keep what was taken in, beside or instead of what was before; none where the target is gone.
    pub async fn keep_workload(
        &self,
        target: &TargetRecord,
        ledger: Ledger,
        replace: bool,
    ) -> Result<Option<Ledger>, Arc<Error>> {
        let change = |before: Option<Ledger>| match before.filter(|_| !replace) {
            None => ledger,
            Some(mut before) => {
                before.merge(ledger);
                before
            }
        };
        let kept = self.inner.store.change_workload(&target.name, change).await;
        Ok(kept.map_err(Error::Store)?)
    }

    /// What is known of the statements that run on a target.
    pub async fn ledger(&self, target: &TargetRecord) -> Result<Option<Ledger>, Arc<Error>> {
        Ok(self.inner.store.workload(&target.name).await.map_err(Error::Store)?)
    }

    /// Close the connections of a target that was changed or deleted, and forget what was found on it.
    pub fn close(&self, name: &str) {
        self.inner.opened.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.inner.last.forget(name);
    }

    /// Whether the target was not changed or deleted since it was opened.
    fn is_open(&self, name: &str) -> bool {
        self.inner.opened.lock().unwrap_or_else(PoisonError::into_inner).contains_key(name)
    }

    /// The target's few connections; opened again when its DSN has changed.
    async fn open(&self, name: &str) -> Result<Target, Error> {
        let resolved = self.inner.store.target_dsn(name).await.map_err(Error::Store)?;
        let mut opened = self.inner.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((revision, target)) = opened.get(name)
            && *revision == resolved.revision
        {
            return Ok(target.clone());
        }
        let target = Target::open(name, &resolved.dsn, resolved.lab.as_ref())
            .map_err(|error: TargetError| Error::Analysis(analysis::Error::Target(error)))?
            .trusting_code(self.inner.trusted.contains(name));
        opened.insert(name.to_owned(), (resolved.revision, target.clone()));
        Ok(target)
    }
}

fn rendered(answer: &impl Serialize) -> Result<RenderedBody, Error> {
    let json = serde_json::to_vec(answer).map_err(|source| Error::Render { source })?;
    Ok(RenderedBody::new(Bytes::from(json)))
}
