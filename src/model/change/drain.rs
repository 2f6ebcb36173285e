//! Rows of a default partition, moved to partitions of their ranges.

use serde::{Deserialize, Serialize};

use crate::model::action::Change;
use crate::model::{Object, QualifiedName};

/// How the ranges of a table follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RangeStep {
    /// Ranges of equal length in seconds; one begins so many seconds after 1970.
    Seconds {
        /// How long each is.
        width: i64,
        /// Where one begins.
        origin: i64,
    },
    /// Calendar months, in UTC.
    Month,
    /// Calendar years, in UTC.
    Year,
    /// Ranges of equally many whole numbers.
    Numbers {
        /// How many each has.
        width: i64,
        /// Where one begins.
        origin: i64,
    },
}

/// A default partition that is to be emptied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultDrain {
    /// What the finding is about.
    pub object: Object,
    /// The partitioned table.
    pub table: QualifiedName,
    /// Its default partition.
    pub default: QualifiedName,
    /// The column it is divided by.
    pub column: String,
    /// The type of that: `date`, `timestamp`, `timestamptz`, `int2`, `int4` or `int8`.
    pub type_name: String,
    /// How its ranges follow each other.
    pub step: RangeStep,
    /// Where the partition ends that takes everything below, as text; absent where there is none.
    pub from: Option<String>,
    /// Where the partition begins that takes everything above, as text; absent where there is none.
    pub until: Option<String>,
    /// Rows that are moved.
    pub rows: i64,
}

impl Change for DefaultDrain {
    fn object(&self) -> &Object {
        &self.object
    }
}
