//! Clusters of every major version there is, each started once, when a test first wants it.
//!
//! `DBOPT_TEST_SERVERS` lists them as `name=/path/to/bin`, separated by colons; `scripts/servers env` prints
//! it. A server that is not there is a skip at a desk and a failure where `DBOPT_TEST_STRICT` is set.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::members::Member;

/// A running cluster.
#[derive(Debug)]
pub struct TestServer {
    pub name: String,
    pub major: u32,
    pub port: u16,
    pub has_lz4: bool,
    launch: Launch,
}

/// How it was started, so that it can be once more.
#[derive(Debug)]
struct Launch {
    home: PathBuf,
    bin: PathBuf,
    settings: Vec<String>,
    disk_bytes: Option<u64>,
}

impl TestServer {
    /// End it as `kill -9` does, and wait until its port is free, and its memory.
    pub fn kill(&self) {
        let pid = self.postmaster();
        let backends = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        let killed = Command::new("kill").args(["-9", &pid]).status().unwrap();
        assert!(killed.success());
        let deadline = Instant::now() + Duration::from_secs(10);
        // Backends end by themselves when they see that it is gone; while one is left, none starts on the same data.
        let all = backends.split_whitespace().chain([pid.as_str()]);
        // One that ended and that no parent waited for has no program any more.
        let runs = |pid: &str| fs::read_link(Path::new("/proc").join(pid).join("exe")).is_ok();
        while all.clone().any(runs) || TcpListener::bind(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "{} is still there", self.name);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Start it once more, where it was.
    pub fn start_again(&self) {
        let data = self.launch.home.join("data");
        // What the one before left says that it is ready.
        let _ = fs::remove_file(data.join("postmaster.pid"));
        self.launch.run();
        wait_until_ready(&self.name, &data);
    }

    fn postmaster(&self) -> String {
        let file =
            fs::read_to_string(self.launch.home.join("data").join("postmaster.pid")).unwrap();
        file.lines().next().unwrap().to_owned()
    }

    /// Where to reach one of its databases, as superuser.
    pub fn dsn(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

/// The server of that name, or none, which is said.
pub fn server(name: &str) -> Option<&'static TestServer> {
    /// Started by the first who asks; the others wait for that one alone.
    type Cell = &'static OnceLock<Option<TestServer>>;
    static RUNNING: LazyLock<Mutex<BTreeMap<String, Cell>>> = LazyLock::new(Mutex::default);
    let cell = *RUNNING
        .lock()
        .unwrap()
        .entry(name.to_owned())
        .or_insert_with(|| Box::leak(Box::default()));
    let server = cell.get_or_init(|| Some(start(name, &binaries(name)?))).as_ref();
    if server.is_none() {
        absent(&format!("no server `{name}`"));
    }
    server
}

/// Any server, for what is the same on all of them.
pub fn any_server() -> &'static TestServer {
    let found = listed().last().and_then(|(name, _)| server(name));
    found.unwrap_or_else(|| panic!("no PostgreSQL to test on: eval \"$(scripts/servers env)\""))
}

/// Say that a test was not run, and leave a line for `scripts/test` to count.
pub fn skipped(reason: &str) {
    eprintln!("skipped: {reason}");
    if let Some(path) = std::env::var_os("DBOPT_TEST_SKIPS") {
        let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "{reason}").unwrap();
    }
}

/// A server that should be there is not: a skip at a desk, and a failure where that is not allowed.
pub(super) fn absent(what: &str) {
    assert!(std::env::var_os("DBOPT_TEST_STRICT").is_none(), "{what} to test on");
    skipped(what);
}

/// The servers there are, and where their binaries are.
pub(super) fn listed() -> impl DoubleEndedIterator<Item = (&'static str, &'static Path)> {
    static LISTED: LazyLock<String> =
        LazyLock::new(|| std::env::var("DBOPT_TEST_SERVERS").unwrap_or_default());
    let pairs = LISTED.split(':').filter_map(|entry| entry.split_once('='));
    pairs.map(|(name, path)| (name, Path::new(path)))
}

fn binaries(name: &str) -> Option<PathBuf> {
    listed().find(|(member, _)| *member == name).map(|(_, path)| path.to_owned())
}

/// A cluster that one test has for itself.
#[derive(Default)]
pub struct Own<'a> {
    /// What distinguishes it from the others of its member.
    pub purpose: &'a str,
    /// Beside those that every cluster has, and after them.
    pub settings: &'a [&'a str],
    /// `pg_hba.conf`, instead of trust.
    pub hba: Option<&'a str>,
    /// Files beside its data: a name and what is in it.
    pub files: &'a [(&'a str, &'a str)],
    /// The primary it follows.
    pub primary: Option<&'static TestServer>,
    /// The size of a disk of its own, at `$HOME/disk`, which only root can make.
    pub disk_bytes: Option<u64>,
}

/// A cluster for one test, on the binaries of a member; none where these are not there, which is said.
pub fn own_server(member: &str, own: &Own<'_>) -> Option<&'static TestServer> {
    let Some(bin) = binaries(member) else {
        absent(&format!("no server `{member}`"));
        return None;
    };
    let home = home(&format!("{member}-{}", own.purpose));
    for (name, text) in own.files {
        let path = home.join(name);
        fs::write(&path, text).unwrap();
        // A private key must be the server's alone.
        let status = Command::new("chmod").arg("600").arg(&path).status().unwrap();
        assert!(status.success());
        own_by_server(&path);
    }
    let data = home.join("data");
    match own.primary {
        Some(primary) => copied(&home, &bin, primary.port),
        None => made(member, &home, &bin),
    }
    if let Some(hba) = own.hba {
        fs::write(data.join("pg_hba.conf"), hba).unwrap();
    }
    Some(Box::leak(Box::new(run(member, (&home, &bin), own.settings, own.disk_bytes))))
}

/// The data directory of a standby.
fn copied(home: &Path, bin: &Path, port: u16) {
    let status = as_owner(home, &bin.join("pg_basebackup"))
        .args([
            "-h",
            "127.0.0.1",
            "-U",
            "postgres",
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
            "--no-sync",
        ])
        .arg("-p")
        .arg(port.to_string())
        .arg("-D")
        .arg(home.join("data"))
        .status()
        .unwrap();
    assert!(status.success(), "pg_basebackup failed");
}

fn start(name: &str, bin: &Path) -> TestServer {
    let home = home(name);
    made(name, &home, bin);
    run(name, (&home, bin), &[], None)
}

fn made(name: &str, home: &Path, bin: &Path) {
    let data = home.join("data");
    as_owner(home, &bin.join("initdb"))
        .args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"])
        .arg("-D")
        .arg(&data)
        .stdout(Stdio::null())
        .status()
        .map(|status| assert!(status.success(), "{name}: initdb failed"))
        .unwrap();
}

fn run(
    name: &str,
    (home, bin): (&Path, &Path),
    more: &[&str],
    disk_bytes: Option<u64>,
) -> TestServer {
    let data = home.join("data");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let more = more.iter().map(|setting| setting.replace("$HOME", &home.display().to_string()));
    let settings = settings(port, home).into_iter().chain(more).collect();
    let launch = Launch { home: home.to_owned(), bin: bin.to_owned(), settings, disk_bytes };
    launch.run();
    wait_until_ready(name, &data);
    let major = fs::read_to_string(data.join("PG_VERSION")).unwrap().trim().parse().unwrap();
    let has_lz4 = Member::named(name).has_lz4;
    TestServer { name: name.to_owned(), major, port, has_lz4, launch }
}

impl Launch {
    fn run(&self) {
        let Self { home, bin, settings, disk_bytes } = self;
        let mut postgres = match disk_bytes {
            Some(bytes) => as_owner_with_disk(home, *bytes, &bin.join("postgres")),
            None => as_owner(home, &bin.join("postgres")),
        };
        postgres.arg("-D").arg(home.join("data"));
        for setting in settings {
            postgres.arg("-c").arg(setting);
        }
        let log = fs::OpenOptions::new().append(true).create(true).open(home.join("log")).unwrap();
        postgres.stdout(log.try_clone().unwrap()).stderr(log);
        // The server is signalled when the thread that started it ends: this one lives as long as the process.
        std::thread::spawn(move || postgres.spawn().unwrap().wait());
    }
}

/// Autovacuum stands by and never comes, or counters would change under a test.
fn settings(port: u16, home: &Path) -> Vec<String> {
    vec![
        format!("port={port}"),
        format!("unix_socket_directories={}", home.display()),
        "listen_addresses=127.0.0.1".to_owned(),
        "fsync=off".to_owned(),
        "autovacuum_naptime=1d".to_owned(),
        "max_connections=100".to_owned(),
        "shared_buffers=64MB".to_owned(),
        "max_wal_size=4GB".to_owned(),
        "track_io_timing=on".to_owned(),
        "log_min_messages=fatal".to_owned(),
        // Statements are counted where a test creates the extension; those of all tests find room.
        "shared_preload_libraries=pg_stat_statements".to_owned(),
        "pg_stat_statements.max=50000".to_owned(),
    ]
}

/// A fresh directory that belongs to whom the server runs as. What processes that are gone left is removed.
fn home(name: &str) -> PathBuf {
    let shm = Path::new("/dev/shm");
    let base = if shm.is_dir() { shm.to_path_buf() } else { std::env::temp_dir() };
    for entry in fs::read_dir(&base).unwrap().flatten() {
        let left = entry.file_name().to_string_lossy().into_owned();
        let pid = left
            .strip_prefix("dbopt-test-")
            .and_then(|rest| rest.split('-').next().map(str::to_owned));
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let home = base.join(format!("dbopt-test-{}-{name}", std::process::id()));
    fs::create_dir(&home).unwrap();
    own_by_server(&home);
    home
}

fn own_by_server(path: &Path) {
    if is_root() {
        let chown = Command::new("chown").arg(owner()).arg(path).status().unwrap();
        assert!(chown.success(), "{} cannot own a cluster", owner());
    }
}

pub fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").unwrap().contains("\nUid:\t0\t")
}

/// Whom servers run as: PostgreSQL refuses to run as root.
fn owner() -> &'static str {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    if users.lines().any(|line| line.starts_with("postgres:")) { "postgres" } else { "nobody" }
}

/// The command as the owner of the cluster, stopped when we are gone.
fn as_owner(home: &Path, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT"]);
    if is_root() {
        let group = if owner() == "postgres" { "postgres" } else { "nogroup" };
        command.arg(format!("--reuid={}", owner())).arg(format!("--regid={group}"));
        command.arg("--clear-groups");
    }
    command.arg(program).current_dir(home).env("HOME", home).stdin(Stdio::null());
    command
}

/// The same in a mount namespace of its own, where a small disk is mounted; both are gone when the server is.
fn as_owner_with_disk(home: &Path, bytes: u64, program: &Path) -> Command {
    let owned = as_owner(home, program);
    let mut command = Command::new("unshare");
    let mount = format!(
        "mkdir -p disk && mount -t tmpfs -o size={bytes},mode=0700 tmpfs disk \
         && chown {0} disk && exec \"$@\"",
        owner()
    );
    command.args(["--mount", "--propagation", "private", "sh", "-ec", &mount, "sh"]);
    command.arg(owned.get_program()).args(owned.get_args());
    command.current_dir(home).env("HOME", home).stdin(Stdio::null());
    command
}

fn wait_until_ready(name: &str, data: &Path) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let pid = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        if pid.lines().nth(7).is_some_and(|status| status.trim() == "ready") {
            return;
        }
        assert!(Instant::now() < deadline, "{name} did not start");
        std::thread::sleep(Duration::from_millis(20));
    }
}
