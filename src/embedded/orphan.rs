//! A server whose starter was killed: it is in use by no process, and is shutting down or has to be shut down.
//!
//! Where there is no `/proc`, every server that runs is taken to be in use.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// How long a starter that was killed may take to be gone, and then the server to end by itself: the death of its starter is
/// its signal.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long it may take in all. Its checkpoint writes what is not on disk yet.
const END_TIMEOUT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What `postmaster.pid` says of a server.
struct PostmasterPid {
    pid: Pid,
    socket: PathBuf,
}

/// The directory of the socket of a server that runs on `data` and whose starter lives.
pub(super) fn socket_of_running(data: &Path) -> Option<PathBuf> {
    let PostmasterPid { pid, socket } = listed(data)?;
    // A server that was killed leaves the file behind.
    let runs = test_kill_process(pid).is_ok() && socket.is_dir();
    (runs && has_starter(pid)).then_some(socket)
}

/// Wait until no orphan runs on `data`; whether another's server does.
pub(super) fn outlive(data: &Path) -> bool {
    let Some(PostmasterPid { pid, socket }) = listed(data) else { return false };
    if test_kill_process(pid).is_err() || !is_server_of(pid, data) {
        return false;
    }
    let begun = Instant::now();
    while test_kill_process(pid).is_ok() && has_starter(pid) {
        if begun.elapsed() > PATIENCE {
            return true;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    let begun = Instant::now();
    let mut signalled = false;
    while test_kill_process(pid).is_ok() && begun.elapsed() < END_TIMEOUT {
        if !signalled && begun.elapsed() > PATIENCE {
            signalled = kill_process(pid, Signal::INT).is_ok();
        }
        std::thread::sleep(LOOK_EVERY);
    }
    // Its starter would have removed this.
    if socket.file_name().is_some_and(|name| name.to_string_lossy().starts_with("dbopt-")) {
        let _ = fs::remove_dir_all(socket);
    }
    false
}

fn listed(data: &Path) -> Option<PostmasterPid> {
    let file = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let mut lines = file.lines();
    let pid = Pid::from_raw(lines.next()?.trim().parse().ok()?)?;
    Some(PostmasterPid { pid, socket: PathBuf::from(lines.nth(3)?) })
}

/// Whether the process is the server of the data directory, and none that got its number since.
fn is_server_of(pid: Pid, data: &Path) -> bool {
    let directory = fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero()));
    match (directory, fs::canonicalize(data)) {
        (Ok(directory), Ok(data)) => directory == data,
        _ => false,
    }
}

/// Whether its parent is a process of ours. A child whose parent died is handed to another.
fn has_starter(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()));
    let Ok(status) = status else { return true };
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).map(str::trim);
    let name = |of: &str| fs::read_to_string(format!("/proc/{of}/comm")).ok();
    match parent {
        Some(parent) => name(parent) == name("self"),
        None => true,
    }
}
