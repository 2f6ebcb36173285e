//! How columns are stored, changed.

use serde::{Deserialize, Serialize};

use super::{Compression, Member, Rewrite, Storage, ToastAutovacuum};
use crate::model::Object;
use crate::model::action::Change;

/// A column's compression method, changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompressionSetting {
    /// The column as reported.
    pub object: Object,
    /// Its name.
    pub column: String,
    /// The method to set.
    pub to: Compression,
    /// Where, with the method set by name before.
    pub members: Vec<Member<Option<Compression>>>,
}

impl Change for CompressionSetting {
    fn object(&self) -> &Object {
        &self.object
    }

    fn alternative(&self) -> &str {
        self.to.as_str()
    }
}

/// A column's storage strategy, changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StorageSetting {
    /// The column as reported.
    pub object: Object,
    /// Its name.
    pub column: String,
    /// The strategy to set.
    pub to: Storage,
    /// Where, with the strategy before.
    pub members: Vec<Member<Storage>>,
    /// The rewrite that follows.
    pub rewrite: Option<Rewrite>,
}

impl Change for StorageSetting {
    fn object(&self) -> &Object {
        &self.object
    }

    fn alternative(&self) -> &str {
        self.to.as_str()
    }
}

/// The bytes of a row from which on values move out of line, raised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TupleTargetSetting {
    /// The table as reported.
    pub object: Object,
    /// The target in bytes.
    pub bytes: u32,
    /// Where, with all storage parameters as they were written before, in their order.
    pub members: Vec<Member<Vec<String>>>,
    /// The rewrite that follows.
    pub rewrite: Rewrite,
}

impl Change for TupleTargetSetting {
    fn object(&self) -> &Object {
        &self.object
    }

    /// The target is the table's, and whose old values are brought in is not.
    fn alternative(&self) -> &str {
        &self.rewrite.column
    }
}

/// Values of a column, stored again under its present settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredRewrite {
    /// The column as reported.
    pub object: Object,
    /// What to rewrite.
    pub rewrite: Rewrite,
}

impl Change for StoredRewrite {
    fn object(&self) -> &Object {
        &self.object
    }
}

/// A table to vacuum with its TOAST table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToastVacuum {
    /// The table as reported.
    pub object: Object,
    /// Whether only rewriting the table gives the space back.
    pub full: bool,
    /// Where, with all options of the TOAST table as they were written before, in their order.
    pub members: Vec<Member<Vec<String>>>,
    /// Options to set; absent where those in force suffice.
    pub autovacuum: Option<ToastAutovacuum>,
}

impl Change for ToastVacuum {
    fn object(&self) -> &Object {
        &self.object
    }

    fn alternative(&self) -> &str {
        if self.full { "full" } else { "" }
    }
}
