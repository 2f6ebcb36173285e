//! Why there is no configuration.

use std::path::PathBuf;

/// Why the configuration cannot be used. Never holds the value of a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration file cannot be read.
    #[error("the configuration file {} cannot be read", path.display())]
    ReadFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },

    /// The configuration file is not TOML.
    #[error("the configuration file {} is not TOML: line {line}: {message}", path.display())]
    ParseFile {
        /// The file.
        path: PathBuf,
        /// Where, counted from 1.
        line: usize,
        /// What the parser expected; never the line itself.
        message: String,
    },

    /// A key nobody knows.
    #[error("unknown setting `{key}`{}", did_you_mean(near.as_deref()))]
    UnknownKey {
        /// The key as written.
        key: String,
        /// The known one that resembles it.
        near: Option<String>,
    },

    /// A value of the wrong kind.
    #[error("`{key}` (from {origin}) must be {expected}")]
    Value {
        /// The setting.
        key: String,
        /// Where the value was given.
        origin: String,
        /// What it has to be.
        expected: String,
    },

    /// A target that cannot be registered as written.
    #[error("target `{name}`: {mend}")]
    Target {
        /// The target.
        name: String,
        /// What to write instead.
        mend: String,
    },

    /// `--target` without a name.
    #[error("`--target` must be NAME=DSN, with a NAME of lower-case letters, digits and hyphens")]
    TargetFlag,
}

fn did_you_mean(name: Option<&str>) -> String {
    name.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}
