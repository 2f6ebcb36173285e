//! What is known of a statement once it was read.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::observation::{SessionNeed, StatementShape};
use crate::model::{QualifiedName, print_key};

/// A statement that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Understood {
    /// What kind of statement it is.
    pub kind: UseKind,
    /// The same for statements that differ in constants only; also where a constant is a key.
    pub fingerprint: String,
    /// The statement without comments, each literal replaced by a parameter: keys too.
    pub redacted: String,
    /// Tables it reads or writes, sorted; behind views too. Only those of the catalog.
    pub tables: Vec<QualifiedName>,
    /// What it does with JSON documents, each once, sorted.
    pub uses: Vec<KeyUse>,
    /// JSON operators and functions whose document could not be followed to a column.
    pub unresolved: u32,
    /// What it does with every column.
    pub shape: StatementShape,
    /// What it keeps in its session beyond its transaction, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub session: Vec<(SessionNeed, Option<String>)>,
}

/// What kind of statement it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UseKind {
    /// `SELECT`, `VALUES`, `TABLE`.
    Select,
    /// `INSERT`.
    Insert,
    /// `UPDATE`.
    Update,
    /// `DELETE`.
    Delete,
    /// `MERGE`.
    Merge,
    /// Everything else.
    Utility,
}

/// One use of a JSON document: which key of which column, how, and where in the statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyUse {
    /// The table that stores the document.
    pub table: QualifiedName,
    /// The column that stores it.
    pub column: String,
    /// The way from the document to the value; empty for the document itself.
    pub path: Vec<JsonStep>,
    /// By which means the value is reached.
    pub access: Access,
    /// Where in the statement.
    pub place: Clause,
    /// The type to which the value is cast, as the parser names it: `int4`, `timestamptz`, `text[]`.
    pub cast: Option<String>,
    /// What the value itself is compared with; none where a function or a `CASE` stands between.
    pub comparison: Option<Comparison>,
}

impl KeyUse {
    /// Whether a key is known only once the statement runs: `data ->> $1`. No index on an expression serves that.
    pub fn is_bound(&self) -> bool {
        self.path.contains(&JsonStep::Bound)
    }

    /// Whether a key itself is a parameter. A document of keys that is one (`data @> $1`) is served by a GIN index all
    /// the same.
    pub fn is_key_sent(&self) -> bool {
        use Access::{Function, Path, PathText, Subscript, Text, Value};
        self.is_bound()
            && matches!(self.access, Value | Text | Path | PathText | Subscript | Function)
    }
}

/// One step from a JSON value to a value within.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JsonStep {
    /// The value under this key.
    Key(String),
    /// One element of an array, by its position. In `#> '{a,0}'` a number counts as one.
    Index,
    /// Each element of an array.
    Elements,
    /// Whatever is there: `.*` and `.**` of a jsonpath, the values of `jsonb_each`, a path that could not be read.
    Any,
    /// A key or position that only the running statement knows.
    Bound,
}

/// By which means a value of a document is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// The document as it is stored.
    Whole,
    /// `->`
    Value,
    /// `->>`
    Text,
    /// `#>`
    Path,
    /// `#>>`
    PathText,
    /// `data['a']`
    Subscript,
    /// `@>` or `<@`; the comparison says which.
    Contains,
    /// `?`, `?|` or `?&`; the comparison says which.
    Exists,
    /// `@?`, `@@` and the functions `jsonb_path_…`.
    JsonPath,
    /// `jsonb_extract_path` and `jsonb_extract_path_text`.
    Function,
    /// Unnested: `jsonb_array_elements`, `jsonb_each`, `jsonb_object_keys`.
    Expand,
    /// A column of a record: `jsonb_to_record`, `jsonb_populate_record`, `JSON_VALUE`, `JSON_QUERY`, `JSON_EXISTS`,
    /// `JSON_TABLE` and functions like these.
    Record,
    /// Written or removed: `jsonb_set`, `jsonb_insert`, `||`, `-`, `#-`.
    Change,
}

/// Where in a statement a value is consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clause {
    /// In what it selects, or inserts.
    Select,
    /// By a function in `FROM` that unnests or reads it.
    From,
    /// In `WHERE`, or a condition of `MERGE`.
    Where,
    /// In the condition of a join.
    Join,
    /// In `GROUP BY`, or where `DISTINCT` or a set operation compares rows.
    GroupBy,
    /// In `HAVING`.
    Having,
    /// In `ORDER BY`.
    OrderBy,
    /// In `RETURNING`.
    Returning,
    /// In what `UPDATE` assigns, or what it assigns to.
    Set,
    /// In the definition of an index, its predicate, or `ON CONFLICT` that names one.
    Index,
    /// Elsewhere.
    Other,
}

/// What a value is compared with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Comparison {
    /// The operator, as if the value stood on its left: `=`, `~~`, `in`, `between`, `= any`, `is null`.
    pub operator: String,
    /// What stands on the other side.
    pub with: Operand,
}

/// What stands on the other side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operand {
    /// Only constants.
    Constant,
    /// Parameters, perhaps with constants.
    Parameter,
    /// Anything else: columns, functions, subqueries.
    Expression,
}

/// A path as people write it: `items[].sku`.
pub fn path_to_string(path: &[JsonStep]) -> String {
    let mut text = String::new();
    for step in path {
        if !text.is_empty() && !matches!(step, JsonStep::Index | JsonStep::Elements) {
            text.push('.');
        }
        match step {
            JsonStep::Key(key) => text.push_str(&print_key(key)),
            JsonStep::Index => text.push_str("[0]"),
            JsonStep::Elements => text.push_str("[]"),
            JsonStep::Any => text.push('*'),
            JsonStep::Bound => text.push('$'),
        }
    }
    text
}

impl fmt::Display for KeyUse {
    /// On one line: `public.features.data: items[].sku ->> where = const`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}:", self.table.schema, self.table.name, self.column)?;
        if !self.path.is_empty() {
            write!(f, " {}", path_to_string(&self.path))?;
        }
        write!(f, " {} {}", self.access, self.place)?;
        if let Some(comparison) = &self.comparison {
            write!(f, " {} {}", comparison.operator, comparison.with)?;
        }
        if let Some(cast) = &self.cast {
            write!(f, " ::{cast}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole => "whole",
            Self::Value => "->",
            Self::Text => "->>",
            Self::Path => "#>",
            Self::PathText => "#>>",
            Self::Subscript => "subscript",
            Self::Contains => "contains",
            Self::Exists => "exists",
            Self::JsonPath => "jsonpath",
            Self::Function => "function",
            Self::Expand => "expand",
            Self::Record => "record",
            Self::Change => "change",
        })
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Select => "select",
            Self::From => "from",
            Self::Where => "where",
            Self::Join => "join",
            Self::GroupBy => "group by",
            Self::Having => "having",
            Self::OrderBy => "order by",
            Self::Returning => "returning",
            Self::Set => "set",
            Self::Index => "index",
            Self::Other => "other",
        })
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Constant => "const",
            Self::Parameter => "param",
            Self::Expression => "expression",
        })
    }
}
