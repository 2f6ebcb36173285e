//! A column of vectors as the checks see it: with its table, its indexes, and the searches of the workload.

use std::collections::BTreeMap;

use super::distance::DistanceMetric;
use super::operand::VectorOperand;
use super::search::{Search, searches};
use crate::checks::number::float;
use crate::model::observation::{
    Index, Relation, VectorColumn, VectorInstallation, VectorKind, VectorValues, Workload,
};
use crate::model::{Case, Gap, Object, Observation, Partition, QualifiedName, Severity};

/// Access methods that index no distance of vectors.
const OTHER_METHODS: &[&str] = &["btree", "hash", "gin", "gist", "spgist", "brin", "bloom"];

/// How an index finds neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IndexMethod {
    /// A graph.
    Hnsw,
    /// Lists around centres that are fixed when it is built.
    IvfFlat,
    /// Another extension's.
    Foreign,
}

/// An index on a column of vectors; of a partitioned table that of the root.
pub(super) struct AnnIndex<'a> {
    pub(super) index: &'a Index,
    pub(super) method: IndexMethod,
    pub(super) operand: VectorOperand,
    /// Absent for classes that we do not know.
    pub(super) metric: Option<DistanceMetric>,
    pub(super) bytes: i64,
    pub(super) scans: i64,
    pub(super) building: bool,
    /// Whether it is on the whole table, and not on one partition alone.
    pub(super) whole: bool,
}

/// A column of vectors.
pub(super) struct VectorField<'a> {
    pub(super) root: &'a Relation,
    /// Everything beneath the root, each after the table it is a part of.
    pub(super) partitions: Vec<Partition>,
    pub(super) leaves: Vec<i64>,
    pub(super) definition: &'a VectorColumn,
    /// What a few of its values are like.
    pub(super) values: Option<&'a VectorValues>,
    /// Why its values were not read.
    pub(super) values_unread: Option<&'a Gap>,
    pub(super) extension: &'a VectorInstallation,
    pub(super) rows: f64,
    /// The table with TOAST and indexes, partitions included.
    pub(super) table_bytes: f64,
    pub(super) indexes: Vec<AnnIndex<'a>>,
    /// Whether there is an index of which nothing more is known.
    pub(super) has_unread_index: bool,
    /// Statements that order by a distance of it.
    pub(super) searches: Vec<Search<'a>>,
}

/// Every column of vectors that is of interest: of a partitioned table the root's.
pub(super) fn columns<'a>(case: &Case<'a>) -> Result<Vec<VectorField<'a>>, Gap> {
    let seen = case.snapshot;
    let all = seen.vector.columns.get()?;
    seen.vector.installation.get()?;
    let Some(extension) = seen.vector.extension().filter(|_| !all.is_empty()) else {
        return Ok(Vec::new());
    };
    let indexes = seen.common.indexes.get()?;
    let workload = match &seen.workload {
        Observation::Seen(workload) => Some(workload),
        Observation::Unseen(_) => None,
    };
    let families = case.families()?;
    let mut by_root: BTreeMap<i64, Vec<&Index>> = BTreeMap::new();
    for index in indexes {
        if let Some(root) = families.root(index.table_oid) {
            by_root.entry(root.oid).or_default().push(index);
        }
    }
    // A lock on one table hides the definitions of all: what an index is on is not known then.
    if indexes.iter().any(|index| !OTHER_METHODS.contains(&&*index.method)) {
        seen.common.index_details.get()?;
    }
    let none = Vec::new();
    let of_roots = all.iter().filter_map(|column| {
        let family = families.family(column.table_oid)?;
        (family.root.oid == column.table_oid).then_some((column, family))
    });
    Ok(of_roots
        .map(|(column, family)| {
            let values = seen.vector.values(column.table_oid, column.number);
            let indexes = by_root.get(&family.root.oid).unwrap_or(&none);
            let bytes: i64 = indexes.iter().map(|index| seen.common.index_bytes(index)).sum();
            let found = VectorField {
                root: family.root,
                partitions: family.partitions(),
                leaves: family.leaves().map(|leaf| leaf.oid).collect(),
                definition: column,
                values: values.and_then(|values| values.get().ok()),
                values_unread: values.and_then(|values| values.get().err()),
                extension,
                rows: family.rows(),
                table_bytes: float(family.bytes() + bytes),
                indexes: Vec::new(),
                has_unread_index: false,
                searches: workload
                    .map(|all| searches(all, family.root, column))
                    .unwrap_or_default(),
            };
            found.with_indexes(case, indexes)
        })
        .collect())
}

/// The workload, or why nothing is known of it, where there is a column that it would be about.
pub(super) fn workload<'a>(case: &Case<'a>) -> Result<&'a Workload, Gap> {
    case.snapshot.workload.get().map_err(Clone::clone)
}

impl<'a> VectorField<'a> {
    fn with_indexes(mut self, case: &Case<'a>, all: &[&'a Index]) -> Self {
        let common = &case.snapshot.common;
        let oids: std::collections::BTreeSet<i64> = all.iter().map(|index| index.oid).collect();
        for index in all {
            if OTHER_METHODS.contains(&&*index.method)
                || index.parent.is_some_and(|parent| oids.contains(&parent))
            {
                continue;
            }
            let Some(part) = common.index_detail(index.oid).and_then(|detail| detail.parts.first())
            else {
                self.has_unread_index = true;
                continue;
            };
            let name = &self.definition.name;
            let operand = match &part.column {
                Some(column) => (column == name).then_some(VectorOperand::Column),
                None => VectorOperand::of(&part.sql, name),
            };
            let Some(operand) = operand else { continue };
            let parts = parts_of(index, all);
            let class = index.classes.first().and_then(|oid| common.operator_class(*oid));
            self.indexes.push(AnnIndex {
                index,
                method: match &*index.method {
                    "hnsw" => IndexMethod::Hnsw,
                    "ivfflat" => IndexMethod::IvfFlat,
                    _ => IndexMethod::Foreign,
                },
                operand,
                metric: class.and_then(|class| DistanceMetric::of_class(&class.name)),
                bytes: parts.iter().map(|part| common.index_bytes(part)).sum(),
                scans: parts.iter().map(|part| part.scans).sum(),
                building: case.snapshot.vector.is_being_built(index.oid),
                whole: index.table_oid == self.root.oid,
            });
        }
        self
    }

    /// The column as findings name it.
    pub(super) fn object(&self) -> Object {
        Object::Column {
            schema: self.root.schema.clone(),
            table: self.root.name.clone(),
            column: self.definition.name.clone(),
            partition: None,
        }
    }

    /// An index of it as findings name it.
    pub(super) fn index_object(&self, index: &AnnIndex<'_>) -> Object {
        Object::Index {
            schema: index.index.schema.clone(),
            table: self.root.name.clone(),
            index: index.index.name.clone(),
        }
    }

    pub(super) fn table(&self) -> QualifiedName {
        self.root.qualified_name()
    }

    /// A mistake speaks at any size: in a small table it is low.
    pub(super) fn severity(&self, severity: Severity, least_bytes: f64) -> Severity {
        if self.table_bytes < least_bytes { severity.min(Severity::Low) } else { severity }
    }

    /// The type and elements of an operand of it.
    pub(super) fn shape_of(&self, operand: &VectorOperand) -> (VectorKind, Option<i64>) {
        match operand {
            VectorOperand::Column | VectorOperand::Other => {
                (self.definition.kind, self.definition.dimensions)
            }
            VectorOperand::Cast(kind, dimensions) => {
                (*kind, dimensions.or(self.definition.dimensions))
            }
            VectorOperand::Bits(dimensions) => (VectorKind::Bit, *dimensions),
        }
    }
}

impl AnnIndex<'_> {
    /// Whether pgvector made it, and it can be used.
    pub(super) fn is_usable(&self) -> bool {
        self.method != IndexMethod::Foreign && self.index.is_valid && !self.building
    }

    /// Whether a search may use it: of a partial index, one that filters.
    pub(super) fn serves(&self, search: &Search<'_>) -> bool {
        self.index.is_valid
            && search.is_indexable()
            && self.operand == search.operand
            && self.metric == Some(search.metric)
            && (!self.index.is_partial || search.is_filtered())
    }
}

/// The index itself, or its parts that hold entries.
fn parts_of<'a>(index: &'a Index, all: &[&'a Index]) -> Vec<&'a Index> {
    let (mut found, mut level) = (Vec::new(), vec![index]);
    // No deeper than any tree of partitions: a catalog that changed while it was read may show a cycle.
    for _ in 0..16 {
        let mut next = Vec::new();
        for parent in level {
            if parent.partitioned {
                next.extend(all.iter().copied().filter(|part| part.parent == Some(parent.oid)));
            } else {
                found.push(parent);
            }
        }
        if next.is_empty() {
            break;
        }
        level = next;
    }
    found
}
