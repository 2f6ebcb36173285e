//! Why a statement was not understood.

use serde::{Deserialize, Serialize};

/// Why a statement was not understood. Holds no piece of it: a statement may hold what no one may log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum NotUnderstood {
    /// PostgreSQL's grammar refuses it.
    #[error("the statement is not PostgreSQL's SQL from byte {at} on")]
    Syntax {
        /// Where the first token stands that the grammar refuses, in bytes; the length of the text where its end does.
        at: usize,
    },

    /// It is longer than [`super::TEXT_BYTES_MAX`].
    #[error("the statement is longer than is read")]
    TooLong,

    /// Its expressions, joins or subqueries stand too deep in one another.
    #[error("the statement is nested deeper than is read")]
    TooDeep,
}
