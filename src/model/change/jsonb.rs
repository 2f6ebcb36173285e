//! Documents that are stored as `jsonb`.

use serde::{Deserialize, Serialize};

use super::{Compression, Storage};
use crate::model::action::Change;
use crate::model::{Object, QualifiedName};

/// A column of `json`, or of text, that becomes one of `jsonb`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonbConversion {
    /// The column as reported.
    pub object: Object,
    /// The table's name.
    pub table: QualifiedName,
    /// The column's.
    pub column: String,
    /// Its type, as PostgreSQL prints it.
    pub from: String,
    /// Its default, as SQL writes it.
    pub default: Option<String>,
    /// Its storage strategy where that is not the type's own.
    pub storage: Option<Storage>,
    /// Its compression method where that is not the default.
    pub compression: Option<Compression>,
    /// Whether `jsonb` prints each document of the sample as it was written.
    pub reversible: bool,
    /// Bytes that are rewritten.
    pub bytes: i64,
}

impl Change for JsonbConversion {
    fn object(&self) -> &Object {
        &self.object
    }
}
