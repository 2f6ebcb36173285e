//! Sources `vector_installation`, `vector_columns`, `vector_neighbours`, `vector_values`, `vector_builds`, `vector_indexes` and `vector_settings`.

use serde::{Deserialize, Serialize};

use super::Setting;
use crate::model::{Observation, QualifiedName, Topic};

impl Topic {
    /// Columns of vectors, and the extension that they are from.
    pub const VECTOR: Self = Self("vector.columns");
    /// Settings of the extension, and how well the columns beside vectors distinguish rows.
    pub const VECTOR_SEARCH: Self = Self("vector.settings");
}

/// What was seen of vectors. In a database without pgvector everything is empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vector {
    /// The extension, in one row.
    pub installation: Observation<Vec<VectorInstallation>>,
    /// Every column of vectors, of partitions too.
    pub columns: Observation<Vec<VectorColumn>>,
    /// Columns beside them, in the largest of these tables.
    pub neighbours: Observation<Vec<NeighbourColumn>>,
    /// What a few values of columns in the largest of these tables are like.
    pub values: Vec<VectorSample>,
    /// Up to which LIMIT the planner reads the indexes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reaches: Vec<SearchReach>,
    /// Indexes that are being built.
    pub builds: Observation<Vec<IndexBuild>>,
    /// The extension's settings.
    pub settings: Observation<Vec<Setting>>,
}

impl Vector {
    /// The extension, where the database has it.
    pub fn extension(&self) -> Option<&VectorInstallation> {
        self.installation.get().ok()?.first()
    }

    /// A column beside vectors.
    pub fn neighbour(&self, table: i64, name: &str) -> Option<&NeighbourColumn> {
        let all = self.neighbours.get().ok()?;
        all.iter().find(|column| column.table_oid == table && column.name == name)
    }

    /// What a few values of a column are like; absent where they were not of interest.
    pub fn values(&self, table: i64, number: i64) -> Option<&Observation<VectorValues>> {
        let of = |one: &&VectorSample| one.table_oid == table && one.number == number;
        self.values.iter().find(of).map(|sample| &sample.values)
    }

    /// Up to which LIMIT the planner reads an index; absent where it was not asked.
    pub fn reach(&self, index: i64) -> Option<&Observation<Vec<VectorReach>>> {
        self.reaches.iter().find(|reach| reach.index_oid == index).map(|found| &found.reach)
    }

    /// Whether an index is being built, as far as our role is shown it.
    pub fn is_being_built(&self, index: i64) -> bool {
        self.builds.get().is_ok_and(|all| all.iter().any(|build| build.index_oid == index))
    }
}

/// pgvector in this database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorInstallation {
    /// The schema that its types, operators and classes are in.
    pub schema: String,
    /// The version of its SQL objects.
    pub version: String,
    /// The version of the library beside the server, which new sessions load.
    pub library_version: Option<String>,
    /// Whether our role may use its schema.
    pub usable: bool,
    /// The database.
    pub database: String,
}

impl VectorInstallation {
    /// A type whose values load the library.
    pub fn type_name(&self) -> QualifiedName {
        QualifiedName { schema: self.schema.clone(), name: "vector".to_owned() }
    }

    /// The version whose code runs: that of the library, where it is known.
    pub fn code_version(&self) -> &str {
        self.library_version.as_deref().unwrap_or(&self.version)
    }
}

/// What an element of a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VectorKind {
    /// Four bytes an element.
    Vector,
    /// Two bytes an element.
    Halfvec,
    /// Eight bytes for each element that is not zero.
    Sparsevec,
    /// A bit an element.
    Bit,
    /// The same, of any length up to the type's.
    Varbit,
}

impl VectorKind {
    /// The name of the type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vector => "vector",
            Self::Halfvec => "halfvec",
            Self::Sparsevec => "sparsevec",
            Self::Bit => "bit",
            Self::Varbit => "varbit",
        }
    }
}

/// A column of vectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorColumn {
    /// Its table.
    pub table_oid: i64,
    /// Its number.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: VectorKind,
    /// Elements, where the type says: `vector(384)`.
    pub dimensions: Option<i64>,
    /// Whether our role may read it.
    pub readable: bool,
}

/// A column beside vectors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeighbourColumn {
    /// The table.
    pub table_oid: i64,
    /// Its name.
    pub name: String,
    /// Its number.
    pub number: i64,
    /// The share of rows where it is NULL.
    pub null_share: f64,
    /// `pg_stats.n_distinct`: a count, or below 0 minus a share of the rows.
    pub distinct_values: f64,
    /// The share of rows that have its most common value.
    pub most_common_share: Option<f64>,
    /// Whether the table is divided by it.
    #[serde(default)]
    pub is_partition_key: bool,
}

/// A few values of a column, of a partitioned table of its largest partition; or why they were not read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorSample {
    /// The table; of a partitioned one the root.
    pub table_oid: i64,
    /// The column.
    pub number: i64,
    /// What they are like.
    pub values: Observation<VectorValues>,
}

/// What a few values are like: counts, no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorValues {
    /// Rows that were read.
    pub rows: i64,
    /// Those of them without a value: no index has them.
    pub nulls: i64,
    /// Those whose length is zero: no index on the cosine has them.
    pub zeros: i64,
    /// The fewest elements of a value; absent where all are NULL.
    pub least_dimensions: Option<i64>,
    /// The most elements of a value.
    pub most_dimensions: Option<i64>,
}

impl VectorValues {
    /// The elements that every value has which was read.
    pub fn dimensions(&self) -> Option<i64> {
        self.least_dimensions.filter(|least| self.most_dimensions == Some(*least))
    }
}

/// Up to which LIMIT the planner reads an index, by the share of the rows that pass the conditions beside the search, the
/// smallest first; or why it was not asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchReach {
    /// The index.
    pub index_oid: i64,
    /// The limits.
    pub reach: Observation<Vec<VectorReach>>,
}

/// Limits as the planner was asked about them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorReach {
    /// The share of the rows that pass, as the planner estimates it.
    pub rows_share: f64,
    /// The greatest at which it reads an index; 0 where at none.
    pub indexed_limit: i64,
    /// The least at which it sorts the rows; absent where at none.
    pub sorted_limit: Option<i64>,
}

/// An index that is being built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexBuild {
    /// The index.
    pub index_oid: i64,
}
