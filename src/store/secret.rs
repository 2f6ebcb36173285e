//! Encryption of DSNs at rest.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret as _, SecretBox, SecretString};

use super::Error;

/// What DSNs are encrypted with. Debug shows nothing.
#[derive(Debug)]
pub struct SecretKey {
    bytes: SecretBox<[u8; 32]>,
}

const NONCE_BYTES: usize = 24;
const FILE_NAME: &str = "secret.key";

impl SecretKey {
    /// 32 bytes in base64 (of either alphabet, padded or not) or hex.
    pub fn parse(text: &SecretString) -> Result<Self, Error> {
        let text = text.expose_secret().trim();
        let bare = text.trim_end_matches('=');
        let decoded = hex::decode(text)
            .ok()
            .or_else(|| STANDARD_NO_PAD.decode(bare).ok())
            .or_else(|| URL_SAFE_NO_PAD.decode(bare).ok());
        let bytes = decoded.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let bytes = bytes.ok_or(Error::MalformedKey)?;
        Ok(Self { bytes: SecretBox::new(Box::new(bytes)) })
    }

    /// The key in the data directory, made (0600) if there is none.
    ///
    /// Processes that start at the same time end up with the same key.
    pub fn load_or_generate(data_dir: &Path) -> Result<Self, Error> {
        let path = data_dir.join(FILE_NAME);
        let failed = |source| Error::KeyFile { source };
        if !path.try_exists().map_err(failed)? {
            generate(data_dir, &path)?;
        }
        Self::parse(&read(&path).map_err(failed)?)
    }

    /// `plain` sealed, to be opened only as the same `field` of the same `target`.
    pub(super) fn seal(
        &self,
        plain: &SecretString,
        target: &str,
        field: &str,
    ) -> Result<Vec<u8>, Error> {
        let nonce: [u8; NONCE_BYTES] = random()?;
        let aad = format!("{target}\0{field}");
        let payload = Payload { msg: plain.expose_secret().as_bytes(), aad: aad.as_bytes() };
        // Encrypting fails only for texts larger than memory.
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| Error::NoKey)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// What was sealed as `field` of `target`; `None` under another key, or if it was changed.
    pub(super) fn open(&self, sealed: &[u8], target: &str, field: &str) -> Option<SecretString> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let aad = format!("{target}\0{field}");
        let payload = Payload { msg: sealed, aad: aad.as_bytes() };
        let plain = self.cipher().decrypt(&XNonce::from(*nonce), payload).ok()?;
        String::from_utf8(plain).ok().map(SecretString::from)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.bytes.expose_secret().into())
    }
}

/// Bytes no one can guess.
pub fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}

/// Write a new key beside the file and link it into place, which only the first of several can do.
fn generate(data_dir: &Path, path: &Path) -> Result<(), Error> {
    let failed = |source| Error::KeyFile { source };
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(failed)?;
    let draft = data_dir.join(format!("{FILE_NAME}.{}", hex::encode(random::<8>()?)));
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(failed)?;
    let written = writeln!(file, "{}", hex::encode(random::<32>()?)).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = std::fs::remove_file(&draft);
    linked.and(removed).map_err(failed)
}

fn read(path: &Path) -> io::Result<SecretString> {
    let mut file = File::open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "must be readable by its owner only",
        ));
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(SecretString::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<SecretKey, Error> {
        SecretKey::parse(&SecretString::from(text))
    }

    fn secret() -> SecretString {
        SecretString::from("postgresql://u:hush@h/d")
    }

    #[test]
    fn a_key_is_32_bytes_in_base64_or_hex() {
        let hex = "fb".repeat(32);
        let base64 = "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=";
        let spellings = [
            hex.clone(),
            hex.to_uppercase(),
            base64.to_owned(),
            base64.trim_end_matches('=').to_owned(),
            base64.replace('+', "-").replace('/', "_"),
            format!(" {hex}\n"),
        ];
        let sealed = key(&hex).unwrap().seal(&secret(), "demo", "dsn").unwrap();
        for text in &spellings {
            assert!(key(text).unwrap().open(&sealed, "demo", "dsn").is_some(), "{text}");
        }
        for text in ["", "hush", &"fb".repeat(31), &"fb".repeat(33), &"zz".repeat(32)] {
            let error = key(text).unwrap_err().to_string();
            assert!(error.contains("DBOPT_SECRET_KEY") && !error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn what_was_sealed_opens_only_as_the_same_field_of_the_same_target_under_the_same_key() {
        let (key, other) = (key(&"01".repeat(32)).unwrap(), key(&"02".repeat(32)).unwrap());
        let sealed = key.seal(&secret(), "demo", "dsn").unwrap();
        let opened = key.open(&sealed, "demo", "dsn").unwrap();
        assert_eq!(opened.expose_secret(), secret().expose_secret());
        assert!(key.open(&sealed, "other", "dsn").is_none());
        assert!(key.open(&sealed, "demo", "lab").is_none());
        assert!(other.open(&sealed, "demo", "dsn").is_none());
        assert!(key.open(&sealed[..20], "demo", "dsn").is_none());
        let mut changed = sealed.clone();
        changed[30] ^= 1;
        assert!(key.open(&changed, "demo", "dsn").is_none());
    }

    #[test]
    fn what_is_sealed_shows_nothing_and_never_looks_the_same() {
        let key = key(&"01".repeat(32)).unwrap();
        let [one, other] = [(), ()].map(|()| key.seal(&secret(), "demo", "dsn").unwrap());
        assert_ne!(one, other);
        assert!(!one.windows(4).any(|window| window == b"hush"));
        assert!(!format!("{key:?}").contains("01"));
    }

    #[test]
    fn a_generated_key_is_the_owners_alone_and_stays_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = dir.path().join("a/b");
        let sealed =
            SecretKey::load_or_generate(&data_dir).unwrap().seal(&secret(), "demo", "dsn").unwrap();
        let again = SecretKey::load_or_generate(&data_dir).unwrap();
        assert!(again.open(&sealed, "demo", "dsn").is_some());
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data_dir), 0o700);
        assert_eq!(mode(&data_dir.join(FILE_NAME)), 0o600);
        assert_eq!(std::fs::read_dir(&data_dir).unwrap().count(), 1, "no draft is left behind");
    }

    #[test]
    fn processes_that_start_together_share_one_key() {
        let dir = tempfile::tempdir().unwrap();
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let path = dir.path().to_owned();
                std::thread::spawn(move || SecretKey::load_or_generate(&path).unwrap())
            })
            .collect();
        let keys: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let sealed = keys[0].seal(&secret(), "demo", "dsn").unwrap();
        assert!(keys.iter().all(|key| key.open(&sealed, "demo", "dsn").is_some()));
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        SecretKey::load_or_generate(dir.path()).unwrap();
        let path = dir.path().join(FILE_NAME);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = SecretKey::load_or_generate(dir.path()).unwrap_err();
        assert!(matches!(error, Error::KeyFile { .. }), "{error}");
    }
}
