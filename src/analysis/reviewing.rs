//! Reviews as work beside the service's own: few at once, for a limited time, and ended when no one waits any longer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use super::{Error, look, within};
use crate::model::{Gap, GapReason, Observation, Review, Scope, Topic};
use crate::observe::{Interest, existing_tables};
use crate::pg::Target;
use crate::review::{self, Runner, SqlFile, TargetTables};

/// How long a review may take.
#[derive(Clone, Copy)]
struct ReviewTime {
    /// The files that are left then are gaps.
    files: Duration,
    /// How long after that its caller waits for a step that cannot be ended: the parser's, or one of the judges'.
    step: Duration,
}

impl ReviewTime {
    const MOST: Self = Self { files: Duration::from_secs(20), step: Duration::from_secs(5) };
}

/// Reviews at once: each keeps a processor busy, and may take some hundred megabytes.
const AT_ONCE_MAX: usize = 2;

/// Names in files that each table of the target is compared with.
const SCOPE_NAMES_MAX: usize = 1000;

static SLOTS: Semaphore = Semaphore::const_new(AT_ONCE_MAX);

/// Ends a review when its caller is gone.
struct Ending(Arc<AtomicBool>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Review files on a thread that no one has to wait for: the runtime would wait for its own before the process ends.
pub(super) async fn reviewed(files: Vec<SqlFile>, sizes: TargetTables, runner: Runner) -> Review {
    reviewed_within(ReviewTime::MOST, files, sizes, runner).await
}

async fn reviewed_within(
    time: ReviewTime,
    files: Vec<SqlFile>,
    sizes: TargetTables,
    runner: Runner,
) -> Review {
    let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    let Ok(Ok(slot)) = timeout(time.files, SLOTS.acquire()).await else {
        return lost(&paths, "other reviews take all the time there is; try again");
    };
    let ending = Ending(Arc::new(AtomicBool::new(false)));
    let is_ended = Arc::clone(&ending.0);
    let (sender, receiver) = oneshot::channel();
    let thread = std::thread::Builder::new().name("review".to_owned()).spawn(move || {
        let begun = Instant::now();
        let goes_on = || !is_ended.load(Ordering::Relaxed) && begun.elapsed() < time.files;
        let _ = sender.send(review::review_by(&files, &sizes, runner, &goes_on));
        drop(slot);
    });
    if thread.is_err() {
        return lost(&paths, "no thread could be started");
    }
    match timeout(time.files + time.step, receiver).await {
        Ok(Ok(review)) => review,
        // A review that panicked sends nothing.
        Ok(Err(_)) => lost(&paths, "the review of these files failed"),
        Err(_) => lost(&paths, "the time for all files of the review was spent; split them"),
    }
}

/// What the target's tables are: how large, and what is made already of those that the files name; and what was not seen.
pub(super) async fn target_tables(
    target: &Target,
    files: &[SqlFile],
) -> Result<(TargetTables, Vec<Gap>), Error> {
    let names = review::relation_names(files);
    let seen = look(target, &of_named(&names)).await?.snapshot;
    let relations = match &seen.relations {
        Observation::Seen(relations) => relations,
        Observation::Unseen(gap) => return Ok((TargetTables::default(), vec![gap.clone()])),
    };
    let layouts = seen.layouts.get().map(Vec::as_slice).unwrap_or_default();
    let tables = TargetTables::of(relations).with_types(relations, layouts).with_writes(&seen);
    let mut session = target.session().await.map_err(Error::Target)?;
    let existing = within(target, existing_tables(&mut session, names)).await?;
    session.finish();
    let mut gaps = seen.left_out.clone();
    gaps.extend(seen.layouts.get().err().cloned());
    gaps.extend(seen.common.indexes.get().err().cloned());
    gaps.extend(seen.common.table_activity.get().err().cloned());
    Ok(match existing {
        Observation::Seen(existing) => (tables.with_existing(existing), gaps),
        Observation::Unseen(gap) => (tables, [vec![gap], gaps].concat()),
    })
}

/// What is looked at of the tables that files name; of all tables where they name very many.
fn of_named(names: &[String]) -> Interest {
    let tables = if names.len() > SCOPE_NAMES_MAX { Vec::new() } else { names.to_vec() };
    let scope = Scope { tables, ..Scope::default() };
    let topics = [Topic::LAYOUTS, Topic::INDEXES, Topic::TABLE_ACTIVITY].into();
    Interest { scope, topics, ..Interest::default() }
}

/// Files that were not reviewed through no fault of theirs.
fn lost(paths: &[String], why: &str) -> Review {
    let gap = |path: &String| {
        let detail = format!("{path} was not reviewed: {why}");
        Gap::new("migration", GapReason::BudgetSpent, detail)
    };
    Review { gaps: paths.iter().map(gap).collect(), ..Review::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn large() -> SqlFile {
        SqlFile { path: "a.sql".to_owned(), sql: "create table t (a json);".repeat(20_000) }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_caller_does_not_wait_for_a_step_that_takes_longer_than_all_of_the_review() {
        let begun = Instant::now();
        let brief = Duration::from_millis(50);
        let limits = ReviewTime { files: brief, step: brief };
        let review =
            reviewed_within(limits, vec![large()], TargetTables::default(), Runner::default());
        let review = review.await;
        let took = begun.elapsed();
        assert!(review.findings.is_empty(), "{:?}", review.findings.len());
        assert!(review.gaps[0].detail.starts_with("a.sql was not reviewed"), "{:?}", review.gaps);
        assert!(took < Duration::from_secs(2), "{took:?}");
    }

    #[tokio::test]
    async fn a_review_that_nobody_waits_for_gives_its_slot_back() {
        let file =
            SqlFile { path: "a.sql".to_owned(), sql: "create table t (a json);".repeat(2000) };
        for _ in 0..2 * AT_ONCE_MAX {
            let begun = tokio::spawn(reviewed(
                vec![file.clone()],
                TargetTables::default(),
                Runner::default(),
            ));
            tokio::task::yield_now().await;
            begun.abort();
        }
        let small =
            SqlFile { path: "b.sql".to_owned(), sql: "create table t (a json);".to_owned() };
        assert!(
            !reviewed(vec![small], TargetTables::default(), Runner::default())
                .await
                .findings
                .is_empty()
        );
    }
}
