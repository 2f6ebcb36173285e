//! Indexes that the checks propose.

use super::build::memory_caveat;
use super::column::{AnnIndex, IndexMethod, VectorField};
use super::distance::DistanceMetric;
use super::known_defect;
use super::operand::VectorOperand;
use crate::checks::existing;
use crate::model::observation::VectorKind;
use crate::model::{
    Case, ExistingIndex, IndexKey, IndexReplacement, KeyPart, NewIndex, Object, QualifiedName,
};

/// The most elements that pgvector 0.8 can index; of a sparse vector those that are not zero. Bit strings of varying length it
/// indexes only as a cast to a fixed one.
pub(super) fn dimensions_max(kind: VectorKind) -> i64 {
    match kind {
        VectorKind::Vector => 2000,
        VectorKind::Halfvec => 4000,
        VectorKind::Sparsevec => 1000,
        VectorKind::Bit => 64_000,
        VectorKind::Varbit => 0,
    }
}

/// An index on an operand of a column, for a distance.
pub(super) struct ProposedIndex<'p> {
    pub(super) method: IndexMethod,
    pub(super) operand: VectorOperand,
    pub(super) metric: DistanceMetric,
    pub(super) options: Vec<(String, String)>,
    pub(super) predicate: Option<String>,
    pub(super) purpose: &'p str,
    pub(super) caveats: Vec<String>,
}

impl<'p> ProposedIndex<'p> {
    /// An HNSW index with the default parameters.
    pub(super) fn hnsw(operand: VectorOperand, metric: DistanceMetric, purpose: &'p str) -> Self {
        Self {
            method: IndexMethod::Hnsw,
            operand,
            metric,
            options: Vec::new(),
            predicate: None,
            purpose,
            caveats: Vec::new(),
        }
    }

    pub(super) fn caveat(mut self, caveat: impl Into<String>) -> Self {
        self.caveats.push(caveat.into());
        self
    }

    /// Whether pgvector can build it: the operand has a known number of elements, not too many.
    pub(super) fn dimensions(&self, column: &VectorField<'_>) -> Option<i64> {
        let (kind, dimensions) = column.shape_of(&self.operand);
        dimensions
            .filter(|n| *n > 0 && (kind == VectorKind::Sparsevec || *n <= dimensions_max(kind)))
    }

    /// As an index to build; absent where pgvector cannot.
    pub(super) fn index(
        mut self,
        case: &Case<'_>,
        column: &VectorField<'_>,
        object: Object,
    ) -> Option<NewIndex> {
        let dimensions = self.dimensions(column)?;
        let (kind, _) = column.shape_of(&self.operand);
        let schema = &column.extension.schema;
        if self.method == IndexMethod::Hnsw {
            self.caveats.extend(memory_caveat(case, column, kind, dimensions));
        }
        self.caveats.extend(known_defect::caveats(column.extension.code_version(), self.method));
        let method = if self.method == IndexMethod::IvfFlat { "ivfflat" } else { "hnsw" };
        let class = format!("{}_{}_ops", kind.as_str(), self.metric.word());
        let on = match &self.operand {
            VectorOperand::Column => KeyPart::Column(column.definition.name.clone()),
            other => KeyPart::Expression(other.to_sql(&column.definition.name, schema)?),
        };
        let of_operand = match &self.operand {
            VectorOperand::Column | VectorOperand::Other => "",
            VectorOperand::Cast(kind, _) => kind.as_str(),
            VectorOperand::Bits(_) => "bits",
        };
        let words = [&*column.definition.name, of_operand, self.metric.word(), method];
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        Some(NewIndex {
            object,
            table: column.table(),
            partitions: column.partitions.clone(),
            suffix: free_suffix(case, column, &words.join("_")),
            method: method.to_owned(),
            keys: vec![IndexKey {
                on,
                class: Some(QualifiedName { schema: schema.clone(), name: class }),
                ordering: String::new(),
            }],
            include: Vec::new(),
            unique: false,
            options: self.options,
            predicate: self.predicate,
            purpose: self.purpose.to_owned(),
            instead_of: None,
            caveats: self.caveats,
        })
    }

    /// As an index in the place of another, with its storage parameters where both are of one method.
    pub(super) fn replacing(
        mut self,
        case: &Case<'_>,
        column: &VectorField<'_>,
        old: &AnnIndex<'_>,
    ) -> Option<IndexReplacement> {
        let object = column.index_object(old);
        if old.index.is_partial && self.predicate.is_none() {
            let caveat = "the old index holds a part of the rows, the new one holds all";
            self.caveats.push(caveat.to_owned());
        }
        let same_method = self.method == old.method;
        let old = Box::new(existing_index(case, column, old, &object)?);
        if same_method && self.options.is_empty() {
            self.options.clone_from(&old.extras.options);
        }
        let new = Box::new(self.index(case, column, object)?);
        Some(IndexReplacement { new, old })
    }
}

/// An index of a column as actions name it.
pub(super) fn existing_index(
    case: &Case<'_>,
    column: &VectorField<'_>,
    index: &AnnIndex<'_>,
    object: &Object,
) -> Option<ExistingIndex> {
    if !index.whole {
        return None;
    }
    existing::existing(index.index, &column.table(), object, case.snapshot)
}

/// A suffix whose index is not there yet, on the table and on each partition.
pub(super) fn free_suffix(case: &Case<'_>, column: &VectorField<'_>, suffix: &str) -> String {
    existing::free_suffix(case.snapshot, &column.table(), &column.partitions, suffix)
}
