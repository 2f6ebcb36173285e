//! Why there is no configuration.

use std::path::PathBuf;

use crate::model::UnknownName;

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
    #[error("the configuration file is not TOML: line {line}: {message}")]
    ParseFile {
        /// Where, counted from 1.
        line: usize,
        /// What the parser expected; never the line itself.
        message: String,
    },

    /// A key no one knows.
    #[error(transparent)]
    UnknownKey(UnknownName),

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

    /// A secret and a file with it.
    #[error("{variable} and {file} are both set; set one of them")]
    GivenTwice {
        /// The variable of the secret.
        variable: &'static str,
        /// The variable that names a file.
        file: String,
    },

    /// The file of a secret cannot be read.
    #[error("the file of {variable} cannot be read")]
    SecretFile {
        /// The variable that names it.
        variable: String,
        /// Why.
        source: std::io::Error,
    },

    /// The file of a secret holds none.
    #[error("the file of {variable} is empty")]
    EmptySecretFile {
        /// The variable that names it.
        variable: String,
    },

    /// A target that cannot be registered as written.
    #[error("target `{name}`: {problem}")]
    Target {
        /// The target.
        name: String,
        /// What is wrong, or what to write instead.
        problem: String,
    },

    /// `--target` without a name.
    #[error("`--target` must be NAME=DSN, with a NAME of lower-case letters, digits and hyphens")]
    TargetFlag,

    /// No directory to keep data in.
    #[error("there is no home directory to keep data in: set DBOPT_DATA_DIR")]
    NoHome,
}
