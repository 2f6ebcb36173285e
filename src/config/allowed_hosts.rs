//! The hosts a target may be on.

/// Hosts a target may be on; the default allows all.
#[derive(Debug, Clone, Default)]
pub struct AllowedHosts;

/// Why a DSN is refused. Names neither the host nor anything else of the DSN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It cannot be parsed.
    #[error("the DSN is malformed")]
    Malformed,
    /// It names no host, so the driver's default would be used.
    #[error("the DSN names no host")]
    NoHost,
    /// One of its hosts is not allowed.
    #[error("a host of the DSN is not in DBOPT_ALLOWED_HOSTS")]
    Host,
}

impl AllowedHosts {
    /// A comma list of host names, `*.suffix`, addresses, CIDRs and absolute socket directories.
    pub fn parse(list: &str) -> Result<Self, String> {
        let _ = list;
        unimplemented!("being written")
    }

    /// Whether every host and hostaddr of `dsn` is allowed.
    pub fn check(&self, dsn: &str) -> Result<(), Refused> {
        let _ = (self, dsn);
        unimplemented!("being written")
    }
}
