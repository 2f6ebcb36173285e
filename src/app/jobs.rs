//! Analyses that go on after their request was answered. They live in this process, for a while after their end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::{App, Error, Inquiry};
use crate::analysis;
use crate::cache::Answer;
use crate::store::TargetRecord;

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

/// The jobs of this process, by id.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    by_id: Mutex<BTreeMap<String, (BackgroundAnalysis, Option<AbortHandle>)>>,
}

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (BackgroundAnalysis, Option<AbortHandle>)>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hold a job, unless as many go on as may be held.
    fn add(&self, job: BackgroundAnalysis) -> bool {
        let mut jobs = self.lock();
        let now = Timestamp::now().as_second();
        jobs.retain(|_, (job, _)| {
            job.finished_at.is_none_or(|end| now - end.as_second() < KEPT_SECONDS)
        });
        if jobs.len() >= JOBS_MAX {
            let ended = jobs.values().filter_map(|(job, _)| Some((job.finished_at?, &job.id)));
            let Some(oldest) = ended.min().map(|(_, id)| id.clone()) else { return false };
            jobs.remove(&oldest);
        }
        jobs.insert(job.id.clone(), (job, None));
        true
    }

    fn finish(&self, id: &str, outcome: JobOutcome) {
        if let Some((job, _)) = self.lock().get_mut(id) {
            job.finished_at = Some(Timestamp::now());
            job.outcome = outcome;
        }
    }
}

impl App {
    /// Begin an analysis in the background; none where too many go on.
    pub fn start_job(
        &self,
        target: Arc<TargetRecord>,
        inquiry: Inquiry,
    ) -> Option<BackgroundAnalysis> {
        let job = BackgroundAnalysis {
            id: new_id(),
            target: target.name.clone(),
            superpower: inquiry.request.superpower_name(),
            created_at: Timestamp::now(),
            finished_at: None,
            outcome: JobOutcome::Running,
        };
        if !self.inner.jobs.add(job.clone()) {
            return None;
        }
        let time: Duration = self.inner.limits.request_timeout + analysis::PROOF_TIME_MAX;
        let (app, id) = (self.clone(), job.id.clone());
        let task = tokio::spawn(async move {
            let outcome = match timeout(time, app.analysis(&target, inquiry)).await {
                Ok(Ok(answer)) => JobOutcome::Done(answer),
                Ok(Err(error)) => JobOutcome::Failed(error),
                Err(_) => JobOutcome::TimedOut { seconds: time.as_secs() },
            };
            app.inner.jobs.finish(&id, outcome);
        });
        if let Some((_, abort)) = self.inner.jobs.lock().get_mut(&job.id) {
            *abort = Some(task.abort_handle());
        }
        Some(job)
    }

    /// The job of that id.
    pub fn job(&self, id: &str) -> Option<BackgroundAnalysis> {
        self.inner.jobs.lock().get(id).map(|(job, _)| job.clone())
    }

    /// End a job and forget it; whether there was one.
    pub fn cancel_job(&self, id: &str) -> bool {
        let removed = self.inner.jobs.lock().remove(id);
        if let Some((_, Some(task))) = &removed {
            task.abort();
        }
        removed.is_some()
    }
}

/// An id that cannot be guessed.
fn new_id() -> String {
    let mut bytes = [0; 12];
    // Without random numbers the time distinguishes the jobs of one process.
    if getrandom::fill(&mut bytes).is_err() {
        bytes[4..].copy_from_slice(&Timestamp::now().as_microsecond().to_be_bytes());
    }
    format!("j_{}", hex::encode(bytes))
}
