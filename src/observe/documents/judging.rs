//! Documents judged by their contract on a thread of their own, while more of them come: judging is work, and not waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::contract::{Contract, Verdicts};

/// Bytes of documents that may wait to be judged, of one column: as much as a sample holds, and its compression saved.
/// What comes beyond them is not judged, and that is said.
const WAITING_BYTES_MAX: usize = 32 << 20;

/// The documents of one column on their way to be judged.
pub(super) struct Judging {
    queue: Sender<String>,
    /// Who waits for verdicts may be gone before they are there.
    watch: StopOnDrop,
    worker: JoinHandle<Verdicts>,
    /// Documents that were handed over, or would have been.
    handed: u64,
    /// Those of them that found no room.
    left: u64,
}

#[derive(Default)]
struct Watch {
    waiting_bytes: AtomicUsize,
    /// No one waits for verdicts any more.
    stopped: AtomicBool,
}

impl Judging {
    /// By that contract.
    pub(super) fn begin(contract: Arc<Contract>) -> Self {
        let (queue, arriving) = mpsc::channel();
        let watch = Arc::new(Watch::default());
        let of = Arc::clone(&watch);
        let worker = tokio::task::spawn_blocking(move || judge_all(&contract, &arriving, &of));
        Self { queue, watch: StopOnDrop(watch), worker, handed: 0, left: 0 }
    }

    /// Hand over one document. Waits for no one.
    pub(super) fn add(&mut self, document: &str) {
        self.handed += 1;
        let waiting = &self.watch.0.waiting_bytes;
        if waiting.load(Ordering::Relaxed) + document.len() > WAITING_BYTES_MAX {
            self.left += 1;
            return;
        }
        waiting.fetch_add(document.len(), Ordering::Relaxed);
        // Where no one judges any more, `end` reports it.
        let _ = self.queue.send(document.to_owned());
    }

    /// What was found, of as many as can be judged until then.
    pub(super) async fn end(self, until: Instant) -> Verdicts {
        let Self { queue, watch, mut worker, handed, left } = self;
        drop(queue);
        let mut ended = timeout_at(until, &mut worker).await.ok();
        if ended.is_none() {
            watch.0.stopped.store(true, Ordering::Relaxed);
            // It ends with the document that it is at, each of which has bounded steps.
            ended = Some(worker.await);
        }
        // A panic is a bug of ours or of a library: nothing is known then, which is said.
        let Some(Ok(mut verdicts)) = ended else { return nothing(handed) };
        verdicts.leave(left);
        verdicts
    }
}

fn nothing(handed: u64) -> Verdicts {
    let mut verdicts = Verdicts::default();
    verdicts.leave(handed);
    verdicts
}

/// Stops the worker when no one waits for it.
struct StopOnDrop(Arc<Watch>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Relaxed);
    }
}

fn judge_all(contract: &Contract, arriving: &Receiver<String>, watch: &Watch) -> Verdicts {
    let mut verdicts = Verdicts::default();
    while let Ok(document) = arriving.recv() {
        watch.waiting_bytes.fetch_sub(document.len(), Ordering::Relaxed);
        if watch.stopped.load(Ordering::Relaxed) {
            verdicts.leave(1);
        } else {
            verdicts.add(contract, &document);
        }
    }
    verdicts
}
