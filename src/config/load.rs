//! Puts the sources together.

use super::{Config, Error, Flags};

/// The configuration of this process: reads the file and the environment.
pub fn load(flags: &Flags) -> Result<Config, Error> {
    let _ = flags;
    unimplemented!("being written")
}

/// The configuration that the text of a file, an environment and flags make. Reads nothing else.
pub fn resolve(
    file: Option<&str>,
    env: &dyn Fn(&str) -> Option<String>,
    flags: &Flags,
) -> Result<Config, Error> {
    let _ = (file, env, flags);
    unimplemented!("being written")
}
