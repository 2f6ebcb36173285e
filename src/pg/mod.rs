//! Connections to targets: a small pool each, and sessions that cannot harm what they visit.

use std::sync::Arc;

use secrecy::SecretString;

/// One database of one cluster, and the few connections we may have to it. Cheap to clone.
#[derive(Clone)]
pub struct Target {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
}

/// Why a target could not be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The DSN cannot be parsed.
    #[error("the DSN of `{target}` is malformed: {mend}")]
    MalformedDsn {
        /// The target.
        target: String,
        /// What to write instead; never the DSN itself.
        mend: String,
    },
}

impl Target {
    /// A target named `name`; connects when first used.
    pub fn open(name: &str, dsn: &SecretString, lab: Option<&SecretString>) -> Result<Self, Error> {
        let _ = (dsn, lab);
        Ok(Self { inner: Arc::new(Inner { name: name.to_owned() }) })
    }

    /// The name it was registered under.
    pub fn name(&self) -> &str {
        &self.inner.name
    }
}
