//! Reviews as work beside the service's own: few at once, for a limited time, and ended when nobody waits any longer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};

use crate::model::{Gap, GapReason, Review};
use crate::review::{self, Runner, Sizes, SqlFile};

/// A review may take this long. The files that are left then are gaps.
const TIME_MAX: Duration = Duration::from_secs(20);
/// Reviews at once: each keeps a processor busy, and may take some hundred megabytes.
const AT_ONCE_MAX: usize = 2;

static SLOTS: Semaphore = Semaphore::const_new(AT_ONCE_MAX);

/// Ends a review when its caller is gone.
struct Ending(Arc<AtomicBool>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Review files on a thread that nobody has to wait for: the runtime would wait for its own before the process ends.
pub(super) async fn reviewed(files: Vec<SqlFile>, sizes: Sizes, runner: Runner) -> Review {
    let Ok(slot) = SLOTS.acquire().await else { return lost(&[]) };
    let ending = Ending(Arc::new(AtomicBool::new(false)));
    let is_ended = Arc::clone(&ending.0);
    let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    let (sender, receiver) = oneshot::channel();
    let thread = std::thread::Builder::new().name("review".to_owned()).spawn(move || {
        let begun = Instant::now();
        let goes_on = || !is_ended.load(Ordering::Relaxed) && begun.elapsed() < TIME_MAX;
        let _ = sender.send(review::review_by(&files, &sizes, runner, &goes_on));
        drop(slot);
    });
    match thread {
        // A review that panicked sends nothing.
        Ok(_) => receiver.await.unwrap_or_else(|_| lost(&paths)),
        Err(_) => lost(&paths),
    }
}

/// Files that were not reviewed through no fault of theirs.
fn lost(paths: &[String]) -> Review {
    let gap = |path: &String| {
        let detail = format!("{path} was not reviewed: the review of these files failed");
        Gap::new("migration", GapReason::BudgetSpent, detail)
    };
    Review { gaps: paths.iter().map(gap).collect(), ..Review::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_review_that_nobody_waits_for_gives_its_slot_back() {
        let file =
            SqlFile { path: "a.sql".to_owned(), sql: "create table t (a json);".repeat(2000) };
        for _ in 0..2 * AT_ONCE_MAX {
            let begun =
                tokio::spawn(reviewed(vec![file.clone()], Sizes::default(), Runner::default()));
            tokio::task::yield_now().await;
            begun.abort();
        }
        let small =
            SqlFile { path: "b.sql".to_owned(), sql: "create table t (a json);".to_owned() };
        assert!(
            !reviewed(vec![small], Sizes::default(), Runner::default()).await.findings.is_empty()
        );
    }
}
