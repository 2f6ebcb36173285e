//! Encryption of DSNs at rest.

use secrecy::{SecretBox, SecretString};

use super::Error;

/// What DSNs are encrypted with. Debug shows nothing.
#[derive(Debug)]
pub struct SecretKey {
    bytes: SecretBox<[u8; 32]>,
}

impl SecretKey {
    /// 32 bytes in base64 or hex.
    pub fn parse(text: &SecretString) -> Result<Self, Error> {
        let _ = text;
        unimplemented!("being written")
    }

    /// The key in the data directory, made (0600) if there is none.
    pub fn load_or_generate(data_dir: &std::path::Path) -> Result<Self, Error> {
        let _ = data_dir;
        unimplemented!("being written")
    }
}
