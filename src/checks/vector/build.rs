//! What an index takes, before it is built: estimates from rows, elements and parameters.
//!
//! Layouts are those of pgvector 0.8: an element tuple of 72 bytes and the vector, beside it its neighbours of 6 bytes each.
//! Measured on 0.8.6: estimates of six HNSW indexes (128 to 1,536 elements, m 16 and 32, vector and halfvec) are within 3 %
//! of their sizes (`scripts/vector-internals`), and the memory of a graph within 4 % of where a build said that it no longer fits.

use super::column::VectorField;
use super::operand::VectorOperand;
use crate::checks::number::{float, whole};
use crate::model::observation::{Setting, VectorKind};
use crate::model::toast::BLOCK_BYTES;
use crate::model::{Case, Evidence, Finding, Grade, Number, Unit};

/// `m` where it is not set.
pub(super) const M: f64 = 16.0;
/// A page without header and special space.
const PAGE_ROOM: f64 = 8152.0;

/// What an HNSW index takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct BuildEstimate {
    /// Its size, and about as much WAL.
    pub(super) bytes: f64,
    /// The graph while it is built.
    pub(super) memory_bytes: f64,
    /// How long a build takes whose graph fits the memory, without parallel workers.
    pub(super) seconds: f64,
}

/// Bytes of a value as an index stores it.
fn value_bytes(kind: VectorKind, dimensions: f64) -> f64 {
    match kind {
        VectorKind::Vector => 8.0 + 4.0 * dimensions,
        VectorKind::Halfvec => 8.0 + 2.0 * dimensions,
        VectorKind::Sparsevec => 16.0 + 8.0 * dimensions,
        VectorKind::Bit | VectorKind::Varbit => 8.0 + dimensions / 8.0,
    }
}

fn aligned(bytes: f64) -> f64 {
    (bytes / 8.0).ceil() * 8.0
}

/// Bytes of pages that hold so many entries of that size; larger ones take a page and more each.
fn paged(rows: f64, entry: f64) -> f64 {
    let on_page = (PAGE_ROOM / entry).floor();
    let pages = if on_page >= 1.0 { rows / on_page } else { rows * (entry / PAGE_ROOM).ceil() };
    (pages.ceil() + 1.0) * float(BLOCK_BYTES)
}

/// Those of an HNSW index.
pub(super) fn hnsw(rows: f64, kind: VectorKind, dimensions: i64, m: f64) -> BuildEstimate {
    let dimensions = f64::from(i32::try_from(dimensions).unwrap_or(i32::MAX));
    let value = value_bytes(kind, dimensions);
    // On the lowest level twice `m` neighbours; each level above has an `m`th of the rows.
    let neighbours = aligned(4.0 + 6.0 * m * (2.0 + 1.0 / (m - 1.0)));
    let entry = aligned(72.0 + value) + neighbours + 8.0;
    BuildEstimate {
        bytes: paged(rows, entry),
        memory_bytes: rows * (value + 32.0 * m + 208.0),
        // 20,000 vectors of 384 elements took 4.1 s with the default parameters.
        seconds: rows * 205e-6 * (0.5 + 0.5 * dimensions / 384.0) * (m / M),
    }
}

/// Bytes of an IVFFlat index.
pub(super) fn ivfflat_bytes(rows: f64, kind: VectorKind, dimensions: i64) -> f64 {
    let dimensions = f64::from(i32::try_from(dimensions).unwrap_or(i32::MAX));
    paged(rows, aligned(8.0 + value_bytes(kind, dimensions)) + 4.0)
}

/// Lists for so many rows, as pgvector's documentation advises.
pub(super) fn lists(rows: f64) -> f64 {
    let lists = if rows <= 1e6 { rows / 1000.0 } else { rows.sqrt() };
    lists.round().clamp(10.0, 32_768.0)
}

/// Add what a build on an operand takes to a finding, where its type says how many elements it has, and what of that does not fit.
pub(super) fn with_estimate(
    finding: Finding,
    case: &Case<'_>,
    column: &VectorField<'_>,
    operand: &VectorOperand,
) -> Finding {
    let (kind, dimensions) = column.shape_of(operand);
    // How many elements of a sparse vector are not zero, the type does not say.
    let Some(dimensions) = dimensions.filter(|_| kind != VectorKind::Sparsevec) else {
        return finding;
    };
    let estimate = hnsw(column.rows, kind, dimensions, M);
    let finding = estimated(finding, "index_bytes", estimate.bytes, Unit::Bytes);
    let finding = estimated(finding, "wal_bytes", estimate.bytes, Unit::Bytes);
    let finding = estimated(finding, "build_memory_bytes", estimate.memory_bytes, Unit::Bytes);
    let finding = estimated(finding, "build_s", estimate.seconds.max(1.0), Unit::S);
    match case.snapshot.common.setting("maintenance_work_mem").and_then(Setting::bytes) {
        Some(bytes) => {
            finding.statistic("settings.maintenance_work_mem_bytes", whole(bytes), Unit::Bytes)
        }
        None => finding,
    }
}

/// Add an estimate.
pub(super) fn estimated(finding: Finding, name: &str, value: f64, unit: Unit) -> Finding {
    finding.evidence(Evidence {
        name: name.to_owned(),
        value: Number::Whole(whole(value)),
        unit,
        source: "estimate".to_owned(),
        grade: Grade::Heuristic,
    })
}

/// What to know about the memory of a build.
pub(super) fn memory_caveat(
    case: &Case<'_>,
    column: &VectorField<'_>,
    kind: VectorKind,
    dimensions: i64,
) -> Option<String> {
    let memory = hnsw(column.rows, kind, dimensions, M).memory_bytes;
    let setting = case.snapshot.common.setting("maintenance_work_mem")?.bytes()?;
    (memory > setting && kind != VectorKind::Sparsevec).then(|| {
        format!(
            "the graph takes about {} while it is built, maintenance_work_mem is {}: raise it in the building session, or the \
             build slows down; parallel workers take it from shared memory",
            bytes(memory),
            bytes(setting)
        )
    })
}

/// Bytes as prose prints them.
pub(super) fn bytes(bytes: f64) -> String {
    match bytes {
        b if b >= 1_073_741_824.0 => format!("{:.1} GB", b / 1_073_741_824.0),
        b if b >= 1_048_576.0 => format!("{:.0} MB", b / 1_048_576.0),
        b => format!("{:.0} kB", b / 1024.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_near_the_indexes_that_were_built() {
        use VectorKind::{Halfvec, Vector};
        for (rows, kind, dimensions, m, built) in [
            (6000.0, Vector, 128, 16.0, 5_013_504.0),
            (6000.0, Vector, 128, 32.0, 6_184_960.0),
            (6000.0, Halfvec, 128, 16.0, 3_432_448.0),
            (3000.0, Vector, 768, 16.0, 12_296_192.0),
            (3000.0, Halfvec, 768, 16.0, 6_152_192.0),
            (1500.0, Vector, 1536, 16.0, 12_296_192.0),
        ] {
            let ratio = hnsw(rows, kind, dimensions, m).bytes / built;
            assert!((0.97..1.03).contains(&ratio), "{kind:?} {dimensions} {m}: {ratio}");
        }
        for (fit, dimensions, m) in [(4826.0, 128, 32.0), (2212.0, 768, 16.0), (1219.0, 1536, 16.0)]
        {
            let ratio = hnsw(fit, Vector, dimensions, m).memory_bytes / 8_388_608.0;
            assert!((0.96..1.04).contains(&ratio), "{dimensions} {m}: {ratio}");
        }
    }

    #[test]
    fn lists_follow_the_rows_of_the_table() {
        let lists = |rows| whole(lists(rows));
        assert_eq!((lists(500.0), lists(200_000.0), lists(4e6)), (10, 200, 2000));
    }
}
