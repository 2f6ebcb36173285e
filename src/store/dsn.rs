//! DSNs: checked before they are kept, sealed while they are kept, read from where they are kept.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest, Sha256};

use super::target::{KeptDsn, ResolvedDsn, StoredDsns};
use super::{Error, NewTarget, Store};
use crate::config::{DsnSource, SETTINGS, secret_file_variables};
use crate::pg;

/// What a DSN is called, in faults and as the associated data of its encryption.
const DSN: &str = "dsn";
const LAB: &str = "lab";

/// Larger than any DSN.
const FILE_BYTES_MAX: u64 = 64 << 10;

fn replica(number: usize) -> String {
    format!("replicas/{number}")
}

/// What is known of a target's connections before they are kept.
pub(super) struct Connections<'a> {
    pub(super) target: &'a str,
    pub(super) dsn: Option<&'a DsnSource>,
    pub(super) lab: Option<&'a SecretString>,
    pub(super) replicas: Option<&'a [SecretString]>,
}

/// The same, as it is kept.
pub(super) struct Sealed {
    pub(super) dsn: Option<KeptDsn>,
    pub(super) lab: Option<Vec<u8>>,
    pub(super) replicas: Option<Vec<Vec<u8>>>,
}

impl Store {
    /// Check and seal what is to be kept.
    pub(super) fn seal(&self, connections: &Connections<'_>) -> Result<Sealed, Error> {
        let target = connections.target;
        let seal = |dsn: &SecretString, field: &str| {
            self.check_dsn(target, dsn, field)?;
            self.inner.key.as_ref().ok_or(Error::NoKey)?.seal(dsn, target, field)
        };
        let dsn = connections.dsn.map(|source| match source {
            DsnSource::Inline(dsn) => Ok(KeptDsn::Sealed(seal(dsn, DSN)?)),
            DsnSource::Env(variable) => {
                check_variable(target, variable)?;
                Ok(KeptDsn::Env(variable.clone()))
            }
            DsnSource::File(path) => Ok(KeptDsn::File(file_name(target, path)?)),
        });
        let replicas = connections.replicas.map(|dsns| {
            let numbered = dsns.iter().enumerate();
            numbered.map(|(number, dsn)| seal(dsn, &replica(number))).collect::<Result<_, _>>()
        });
        Ok(Sealed {
            dsn: dsn.transpose()?,
            lab: connections.lab.map(|lab| seal(lab, LAB)).transpose()?,
            replicas: replicas.transpose()?,
        })
    }

    /// Read a target's DSNs from where they are kept.
    pub(super) fn resolve(&self, target: &str, kept: &StoredDsns) -> Result<ResolvedDsn, Error> {
        let open = |sealed: &[u8], field: &str| {
            let key = self.inner.key.as_ref();
            let opened = key.and_then(|key| key.open(sealed, target, field));
            opened.ok_or_else(|| Error::Decrypt { target: target.to_owned() })
        };
        let dsn = match &kept.dsn {
            KeptDsn::Sealed(sealed) => open(sealed, DSN)?,
            KeptDsn::Env(variable) => from_env(target, variable)?,
            KeptDsn::File(file) => from_file(target, file)?,
        };
        let lab = kept.lab.as_ref().map(|lab| open(lab, LAB)).transpose()?;
        let numbered = kept.replicas.iter().enumerate();
        let replicas: Vec<_> = numbered
            .map(|(number, sealed)| open(sealed, &replica(number)))
            .collect::<Result<_, _>>()?;
        self.check_dsn(target, &dsn, DSN)?;
        lab.iter().try_for_each(|lab| self.check_dsn(target, lab, LAB))?;
        for (number, dsn) in replicas.iter().enumerate() {
            self.check_dsn(target, dsn, &replica(number))?;
        }
        let revision = revision(kept.revision, [&dsn].into_iter().chain(&lab).chain(&replicas));
        Ok(ResolvedDsn { dsn, lab, replicas, revision })
    }

    /// Whether `new`'s connections are what is kept already.
    pub(super) fn keeps(&self, kept: &StoredDsns, new: &NewTarget) -> bool {
        let target = new.name.as_str();
        let opens_as = |sealed: &[u8], field: &str, new: &SecretString| {
            let opened = self.inner.key.as_ref().and_then(|key| key.open(sealed, target, field));
            opened.is_some_and(|old| old.expose_secret() == new.expose_secret())
        };
        let dsn = match (&kept.dsn, &new.dsn) {
            (KeptDsn::Sealed(sealed), DsnSource::Inline(new)) => opens_as(sealed, DSN, new),
            (KeptDsn::Env(old), DsnSource::Env(new)) => old == new,
            (KeptDsn::File(old), DsnSource::File(new)) => new.to_str() == Some(old),
            _ => false,
        };
        let lab = match (&kept.lab, &new.lab) {
            (Some(sealed), Some(new)) => opens_as(sealed, LAB, new),
            (kept, new) => kept.is_none() && new.is_none(),
        };
        let mut replicas = kept.replicas.iter().zip(&new.replicas).enumerate();
        dsn && lab
            && kept.replicas.len() == new.replicas.len()
            && replicas.all(|(number, (sealed, new))| opens_as(sealed, &replica(number), new))
    }

    /// Whether a DSN can be read, and leads only where it may.
    fn check_dsn(&self, target: &str, dsn: &SecretString, field: &str) -> Result<(), Error> {
        let (target, field) = (target.to_owned(), field.to_owned());
        match pg::Dsn::parse(dsn.expose_secret()) {
            Err(problem) => Err(Error::DsnMalformed { target, field, problem }),
            Ok(parsed) => {
                let checked = self.hosts.check(parsed.config());
                checked.map_err(|reason| Error::DsnRefused { target, field, reason })
            }
        }
    }
}

/// A variable's name as a shell takes it, and none that holds a secret of ours: a client that may register a
/// target must not learn whether one of those is a DSN, or connect by it.
fn check_variable(target: &str, variable: &str) -> Result<(), Error> {
    let (target, name) = (target.to_owned(), variable.to_owned());
    if SETTINGS.iter().any(|setting| setting.secret && setting.env == variable) {
        return Err(Error::DsnEnvReserved { target, variable: name });
    }
    let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    let valid = variable.bytes().all(plain) && !variable.starts_with(|c: char| c.is_ascii_digit());
    if valid && !variable.is_empty() {
        return Ok(());
    }
    Err(Error::DsnEnv { target, variable: name })
}

fn file_name(target: &str, path: &Path) -> Result<String, Error> {
    match path.to_str() {
        Some(_) if holds_a_secret_of_ours(path) => {
            Err(Error::DsnFileReserved { target: target.to_owned() })
        }
        Some(name) if path.is_absolute() => Ok(name.to_owned()),
        _ => Err(Error::DsnFileRelative { target: target.to_owned() }),
    }
}

fn from_env(target: &str, variable: &str) -> Result<SecretString, Error> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
    let missing = || Error::DsnEnv { target: target.to_owned(), variable: variable.to_owned() };
    value.map(SecretString::from).ok_or_else(missing)
}

fn from_file(target: &str, file: &str) -> Result<SecretString, Error> {
    if holds_a_secret_of_ours(Path::new(file)) {
        return Err(Error::DsnFileReserved { target: target.to_owned() });
    }
    let text = read_small_file(file).map_err(|source| Error::DsnFile {
        target: target.to_owned(),
        file: file.to_owned(),
        source,
    })?;
    Ok(SecretString::from(text.trim()))
}

/// Whether it is, by whatever path, a file that holds a secret of the service: what holds for variables holds for these.
fn holds_a_secret_of_ours(path: &Path) -> bool {
    let identity = |path: &Path| std::fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    let Some(named) = identity(path) else { return false };
    let ours = secret_file_variables().filter_map(std::env::var_os);
    ours.filter_map(|ours| identity(Path::new(&ours))).any(|ours| ours == named)
}

/// Neither a pipe that never ends nor a device that never stops is a DSN.
fn read_small_file(file: &str) -> io::Result<String> {
    let metadata = std::fs::metadata(file)?;
    if metadata.is_file() && metadata.len() <= FILE_BYTES_MAX {
        return std::fs::read_to_string(file);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "not a small regular file"))
}

/// The kept revision is random, so no one learns a password by trying texts against this.
fn revision<'a>(kept: i64, dsns: impl Iterator<Item = &'a SecretString>) -> String {
    let mut hash = Sha256::new();
    hash.update(kept.to_le_bytes());
    for dsn in dsns {
        hash.update(dsn.expose_secret().as_bytes());
        hash.update([0]);
    }
    hex::encode(&hash.finalize()[..16])
}
