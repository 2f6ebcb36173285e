//! How columns store their values, and what a change of it rewrites.

use serde::{Deserialize, Serialize};

use crate::model::QualifiedName;

/// A compression method of TOAST.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// PostgreSQL's own, on every server.
    Pglz,
    /// LZ4, where the server was built with it.
    Lz4,
}

impl Compression {
    /// The method of a letter in `pg_attribute.attcompression`; absent for one of a newer server.
    pub fn of_letter(letter: char) -> Option<Self> {
        match letter {
            'p' => Some(Self::Pglz),
            'l' => Some(Self::Lz4),
            _ => None,
        }
    }

    /// The method that new values of a column get: by its letter, or by `default_toast_compression`.
    pub fn in_force(letter: Option<char>, default: &str) -> Self {
        let by_default = if default == Self::Lz4.as_str() { Self::Lz4 } else { Self::Pglz };
        letter.and_then(Self::of_letter).unwrap_or(by_default)
    }

    /// The name in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pglz => "pglz",
            Self::Lz4 => "lz4",
        }
    }
}

/// A column's storage strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    /// Neither compressed nor out of line.
    Plain,
    /// Out of line, never compressed.
    External,
    /// Compressed, out of line only where the row does not fit a page otherwise.
    Main,
    /// Compressed, then out of line.
    Extended,
}

impl Storage {
    /// Whether values are compressed.
    pub fn compresses(self) -> bool {
        matches!(self, Self::Main | Self::Extended)
    }

    /// The strategy of a letter in `pg_attribute.attstorage`.
    pub fn of_letter(letter: char) -> Option<Self> {
        match letter {
            'p' => Some(Self::Plain),
            'e' => Some(Self::External),
            'm' => Some(Self::Main),
            'x' => Some(Self::Extended),
            _ => None,
        }
    }

    /// The strategy by which values of a column are stored, by its letter.
    pub fn in_force(letter: char) -> Self {
        Self::of_letter(letter).unwrap_or(Self::Extended)
    }

    /// The name in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::External => "EXTERNAL",
            Self::Main => "MAIN",
            Self::Extended => "EXTENDED",
        }
    }
}

/// What kind of relation a member is, as DDL distinguishes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberKind {
    /// A table or a partition that holds rows.
    Table,
    /// A table that holds rows and that others inherit from: DDL must not reach these.
    InheritanceParent,
    /// The root or an inner node of a partitioned table: settings, no rows.
    PartitionedTable,
    /// A materialized view.
    MaterializedView,
    /// An index that holds entries itself.
    Index,
}

/// One relation an action touches, and what was set there before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Member<Before> {
    /// The relation.
    pub name: QualifiedName,
    /// What DDL calls it.
    pub kind: MemberKind,
    /// What was set before, exactly, so that it can be set again.
    pub before: Before,
}

/// Which stored values a rewrite builds again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewriteOf {
    /// Values compressed by another method than this one.
    NotCompressedBy(Compression),
    /// Values stored out of line.
    OutOfLine,
    /// Values stored inline that are wide enough for TOAST.
    WideInline,
}

/// An update, in batches, that builds stored values again so that they follow the settings in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rewrite {
    /// The column.
    pub column: String,
    /// Whether its type is an array, which is rebuilt by another expression.
    pub is_array: bool,
    /// For a generated column, the one to assign so that the server computes the value again.
    pub generated_from: Option<String>,
    /// Which values.
    pub of: RewriteOf,
    /// The relations that hold them.
    pub tables: Vec<Member<()>>,
    /// Rows that will be written again, as estimated from the sample.
    pub rows: i64,
    /// Bytes of these rows, heap and TOAST, as estimated from the sample.
    pub bytes: i64,
    /// Whether an UPDATE fires triggers there.
    pub fires_triggers: bool,
}

/// Autovacuum options of a TOAST table to set: absent where those in force suffice.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ToastAutovacuum {
    /// `toast.autovacuum_enabled`.
    pub enabled: Option<String>,
    /// `toast.autovacuum_vacuum_threshold`.
    pub threshold: Option<String>,
    /// `toast.autovacuum_vacuum_scale_factor`.
    pub scale_factor: Option<String>,
}
