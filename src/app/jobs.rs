//! Analyses that go on after their request was answered. They live in this process, for a while after their end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{App, Error, Inquiry};
use crate::analysis;
use crate::cache::Answer;
use crate::store::{self, TargetRecord, random};

/// Jobs held at most, those that have ended included.
const JOBS_MAX: usize = 128;
/// How long a job is held after its end.
const KEPT_SECONDS: i64 = 15 * 60;

/// What became of a job.
#[derive(Debug, Clone)]
pub enum JobOutcome {
    /// It goes on.
    Running,
    /// It ended with an answer.
    Done(Answer),
    /// It ended without one.
    Failed(Arc<Error>),
    /// It took too long.
    TimedOut {
        /// How long it may take.
        seconds: u64,
    },
}

/// An analysis that goes on after its request was answered.
#[derive(Debug, Clone)]
pub struct BackgroundAnalysis {
    /// What identifies it.
    pub id: String,
    /// The target's name.
    pub target: String,
    /// What is analysed: a superpower, or `all`.
    pub superpower: &'static str,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What became of it.
    pub outcome: JobOutcome,
}

/// A job, and the task that computes it.
#[derive(Debug)]
struct RunningJob {
    job: BackgroundAnalysis,
    task: JoinHandle<()>,
}

/// The jobs of this process, by id.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    by_id: Mutex<BTreeMap<String, RunningJob>>,
}

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, RunningJob>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Start a job and hold it, unless [`JOBS_MAX`] are running; whether it was started.
    fn start(
        &self,
        job: &BackgroundAnalysis,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> bool {
        let mut jobs = self.lock();
        let now = Timestamp::now().as_second();
        let is_kept = |end: Timestamp| now - end.as_second() < KEPT_SECONDS;
        jobs.retain(|_, running| running.job.finished_at.is_none_or(is_kept));
        if jobs.len() >= JOBS_MAX {
            let ended = jobs.iter().filter_map(|(id, one)| Some((one.job.finished_at?, id)));
            let Some(oldest) = ended.min().map(|(_, id)| id.clone()) else { return false };
            jobs.remove(&oldest);
        }
        let task = tokio::spawn(task);
        jobs.insert(job.id.clone(), RunningJob { job: job.clone(), task });
        true
    }

    fn finish(&self, id: &str, outcome: JobOutcome) {
        if let Some(RunningJob { job, .. }) = self.lock().get_mut(id) {
            job.finished_at = Some(Timestamp::now());
            job.outcome = outcome;
        }
    }
}

impl App {
    /// Begin an analysis in the background; none where too many go on. Fails where the system has no random numbers.
    pub fn start_job(
        &self,
        target: Arc<TargetRecord>,
        inquiry: Inquiry,
    ) -> Result<Option<BackgroundAnalysis>, store::Error> {
        let job = BackgroundAnalysis {
            // Without a key to the service it is the id that protects the answer.
            id: format!("j_{}", hex::encode(random::<12>()?)),
            target: target.name.clone(),
            superpower: inquiry.request.superpower_name(),
            created_at: Timestamp::now(),
            finished_at: None,
            outcome: JobOutcome::Running,
        };
        let time: Duration = self.inner.limits.request_timeout + analysis::PROOF_TIME_MAX;
        let (app, id) = (self.clone(), job.id.clone());
        let task = async move {
            let outcome = match timeout(time, app.analysis(&target, inquiry)).await {
                Ok(Ok(answer)) => JobOutcome::Done(answer),
                Ok(Err(error)) => JobOutcome::Failed(error),
                Err(_) => JobOutcome::TimedOut { seconds: time.as_secs() },
            };
            app.inner.jobs.finish(&id, outcome);
        };
        Ok(self.inner.jobs.start(&job, task).then_some(job))
    }

    /// The job of that id.
    pub fn job(&self, id: &str) -> Option<BackgroundAnalysis> {
        self.inner.jobs.lock().get(id).map(|running| running.job.clone())
    }

    /// End a job and forget it; whether there was one.
    pub fn cancel_job(&self, id: &str) -> bool {
        let removed = self.inner.jobs.lock().remove(id);
        if let Some(RunningJob { task, .. }) = &removed {
            task.abort();
        }
        removed.is_some()
    }
}
