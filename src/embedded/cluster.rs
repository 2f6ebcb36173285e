//! A cluster: made once, started, stopped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::owner::Owner;
use super::{Error, ServerOptions, orphan};

/// The role the cluster is made with; no one but us can reach its socket.
pub(super) const SUPERUSER: &str = "postgres";

/// How long the server may take to come up: crash recovery of a store reads its WAL first.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// How long it may take to go down before an immediate shutdown is sent.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// How often we look whether it is up or gone.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Longer paths do not fit a socket's address, with the name of the socket behind.
const SOCKET_DIRECTORY_MAX: usize = 80;

/// A running cluster; stopped when dropped.
pub(super) struct Cluster {
    /// Holds the socket, and the data of a temporary cluster. Removed last.
    home: TempDir,
    pid: Pid,
    /// Waits for the server. The server receives a signal to stop when this thread ends, so it lives as long.
    keeper: Option<JoinHandle<()>>,
}

/// Where a cluster is.
struct ClusterDirectories {
    /// Holds the socket, and the data of a temporary cluster.
    home: TempDir,
    data: PathBuf,
}

impl Cluster {
    /// Start the cluster of `options` with the programs of `bin`, made if there is none.
    pub(super) fn start(bin: &Path, options: &ServerOptions) -> Result<Self, Error> {
        let owner = Owner::find()?;
        let home = home(owner)?;
        let data = match &options.data_dir {
            Some(data) => data.clone(),
            None => home.path().join("data"),
        };
        if orphan::outlive(&data) {
            return Err(Error::InUse { path: data });
        }
        initialise(bin, owner, &data, options.data_dir.is_none())?;
        Self::run(bin, owner, ClusterDirectories { home, data }, options)
    }

    /// Start it on data that is there. What is left of a server that was killed may still be on its way out.
    fn run(
        bin: &Path,
        owner: Owner,
        directories: ClusterDirectories,
        options: &ServerOptions,
    ) -> Result<Self, Error> {
        let ClusterDirectories { home, data } = directories;
        let log = home.path().join("log");
        let deadline = Instant::now() + STOP_TIMEOUT;
        let mut cluster = Self { home, pid: rustix::process::getpid(), keeper: None };
        loop {
            let mut command = owner.command(&bin.join("postgres"))?;
            command.arg("-D").arg(&data).env("TZ", "UTC");
            command.args(settings(cluster.home.path(), options));
            let (pid, keeper) = spawn(command, &log)?;
            (cluster.pid, cluster.keeper) = (pid, Some(keeper));
            match cluster.wait_until_ready(&data, &log) {
                Err(Error::InUse { .. })
                    if Instant::now() < deadline && !orphan::outlive(&data) =>
                {
                    std::thread::sleep(LOOK_EVERY);
                }
                ready => return ready.map(|()| cluster),
            }
        }
    }

    pub(super) fn socket_directory(&self) -> &Path {
        self.home.path()
    }

    fn wait_until_ready(&self, data: &Path, log: &Path) -> Result<(), Error> {
        let deadline = Instant::now() + START_TIMEOUT;
        let pid = self.pid.as_raw_nonzero().to_string();
        loop {
            let file = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
            let mut lines = file.lines();
            if lines.next() == Some(&pid) && lines.nth(6).map(str::trim) == Some("ready") {
                return Ok(());
            }
            if self.is_gone() || Instant::now() > deadline {
                let log = fs::read_to_string(log).unwrap_or_default();
                let in_use = ["postmaster.pid\" already exists", "is still in use"];
                if in_use.iter().any(|mark| log.contains(mark)) {
                    return Err(Error::InUse { path: data.to_owned() });
                }
                return Err(Error::Start { detail: last_word(&log) });
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn is_gone(&self) -> bool {
        self.keeper.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Signal the server, and wait until it is gone or time is up.
    fn send_signal(&self, signal: Signal) -> bool {
        let deadline = Instant::now() + STOP_TIMEOUT;
        if !self.is_gone() {
            // It may end by itself at the same moment.
            let _ = kill_process(self.pid, signal);
        }
        while !self.is_gone() && Instant::now() < deadline {
            std::thread::sleep(LOOK_EVERY);
        }
        self.is_gone()
    }
}

impl Drop for Cluster {
    /// Fast shutdown, then immediate: neither waits for clients.
    fn drop(&mut self) {
        let gone = self.send_signal(Signal::INT) || self.send_signal(Signal::QUIT);
        if let Some(keeper) = self.keeper.take().filter(|_| gone) {
            let _ = keeper.join();
        }
    }
}

/// A directory that only the owner can enter, and root.
fn home(owner: Owner) -> Result<TempDir, Error> {
    let mut base = std::env::temp_dir();
    if base.as_os_str().len() + ".dbopt-123456".len() > SOCKET_DIRECTORY_MAX {
        base = PathBuf::from("/tmp");
    }
    let home = tempfile::Builder::new().prefix("dbopt-").tempdir_in(&base);
    let home = home.map_err(|source| Error::Write { path: base, source })?;
    owner.own(home.path())?;
    Ok(home)
}

/// Make the cluster where there is none.
fn initialise(bin: &Path, owner: Owner, data: &Path, temporary: bool) -> Result<(), Error> {
    if data.join("PG_VERSION").exists() {
        return Ok(());
    }
    fs::create_dir_all(data).map_err(|source| Error::Write { path: data.to_owned(), source })?;
    owner.own(data)?;
    owner.check_reach(data)?;
    let mut initdb = owner.command(&bin.join("initdb"))?;
    initdb.args(["--auth=trust", "--encoding=UTF8", "--no-locale", "--username", SUPERUSER]);
    initdb.arg("-D").arg(data);
    if temporary {
        initdb.arg("--no-sync");
    }
    let output = initdb.output().map_err(|source| Error::Run { program: "initdb", source })?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Initdb { detail: last_word(&String::from_utf8_lossy(&output.stderr)) })
}

/// The server's settings, as arguments.
fn settings(socket: &Path, options: &ServerOptions) -> Vec<String> {
    let durable = if options.data_dir.is_some() { "on" } else { "off" };
    let socket = socket.display().to_string();
    let ours = [
        ("listen_addresses", ""),
        ("unix_socket_directories", &socket),
        ("unix_socket_permissions", "0700"),
        ("fsync", durable),
        ("full_page_writes", durable),
        ("logging_collector", "off"),
        ("log_timezone", "UTC"),
        ("timezone", "UTC"),
    ];
    let all = ours.iter().chain(options.settings);
    all.flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")]).collect()
}

/// Run the server on a thread that lives as long as it does.
fn spawn(mut command: Command, log: &Path) -> Result<(Pid, JoinHandle<()>), Error> {
    let written = |source| Error::Write { path: log.to_owned(), source };
    let file = fs::File::create(log).map_err(written)?;
    command.stdout(file.try_clone().map_err(written)?).stderr(Stdio::from(file));
    let (started, child) = std::sync::mpsc::channel();
    let keeper = std::thread::spawn(move || match command.spawn() {
        Ok(mut child) => {
            let _ = started.send(Ok(child.id()));
            let _ = child.wait();
        }
        Err(source) => {
            let _ = started.send(Err(source));
        }
    });
    let run = |source| Error::Run { program: "postgres", source };
    let id = child.recv().map_err(|_| Error::Interrupted)?.map_err(run)?;
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw).ok_or(Error::Interrupted)?;
    Ok((pid, keeper))
}

/// What a log says at its end, without its time.
fn last_word(log: &str) -> String {
    let telling = ["FATAL:", "PANIC:", "error:", "ERROR:"];
    let line = log.lines().rev().find(|line| telling.iter().any(|mark| line.contains(mark)));
    let line = line.or_else(|| log.lines().next_back()).unwrap_or("it said nothing");
    let after = telling.iter().find_map(|mark| line.split_once(mark)).map(|(_, text)| text);
    after.unwrap_or(line).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_the_last_complaint() {
        let log = "2026-01-01 UTC [1] LOG:  starting\n2026-01-01 UTC [1] FATAL:  no space\nx\n";
        assert_eq!(last_word(log), "no space");
        assert_eq!(last_word("killed"), "killed");
        assert_eq!(last_word(""), "it said nothing");
    }
}
