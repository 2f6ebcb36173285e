//! `vector/known-defect`, explained in the page beside this file.

use super::column::{IndexMethod, VectorField, columns};
use crate::checks::Check;
use crate::checks::advisories::{Advisory, Component};
use crate::checks::number::{float, whole};
use crate::model::{Case, Finding, Gap, Judgement, Object, Severity, Superpower, Topic, Unit};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Vector,
    worst: Severity::High,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::INDEXES, Topic::INDEX_DETAILS, Topic::VECTOR],
    uses: &[],
    requires: &[],
    thresholds: &[],
    page: include_str!("known_defect.md"),
    judge,
};

const ID: &str = "vector/known-defect";

/// The worst first, and what it takes to be affected.
static ADVISORIES: &[(Severity, IndexMethod, Advisory)] = &[
    (
        Severity::High,
        IndexMethod::Hnsw,
        Advisory {
            component: Component::Extension("vector", "0.6.0", "0.8.2"),
            effect: "may read or write beyond a buffer in a parallel build of an HNSW index: data of other tables leaks, or the server crashes",
            cure: "install pgvector 0.8.2 or later; until then build with max_parallel_maintenance_workers = 0",
            source: "CVE-2026-3172, https://github.com/pgvector/pgvector/issues/959",
        },
    ),
    (
        Severity::High,
        IndexMethod::Hnsw,
        Advisory {
            component: Component::Extension("vector", "0.5.0", "0.8.3"),
            effect: "may corrupt an HNSW index when VACUUM and inserts run at the same time",
            cure: "install pgvector 0.8.4 or later, then REINDEX INDEX CONCURRENTLY the HNSW indexes of tables with deletes or updates",
            source: "pgvector 0.8.3, https://github.com/pgvector/pgvector/pull/988",
        },
    ),
    (
        Severity::Medium,
        IndexMethod::Hnsw,
        Advisory {
            component: Component::Extension("vector", "0.5.0", "0.8.4"),
            effect: "may end VACUUM with `hnsw graph not repaired` when rows are inserted and deleted at the same time",
            cure: "install pgvector 0.8.4 or later, then REINDEX INDEX CONCURRENTLY the HNSW indexes whose vacuum failed",
            source: "pgvector 0.8.4, https://github.com/pgvector/pgvector/issues/993",
        },
    ),
    (
        Severity::High,
        IndexMethod::IvfFlat,
        Advisory {
            component: Component::Extension("vector", "0.2.7", "0.3.1"),
            effect: "may lose rows of an IVFFlat index when they are inserted",
            cure: "install pgvector 0.8.7 or later, then REINDEX INDEX CONCURRENTLY the IVFFlat indexes",
            source: "pgvector 0.3.1, https://github.com/pgvector/pgvector/issues/41",
        },
    ),
    (
        Severity::High,
        IndexMethod::IvfFlat,
        Advisory {
            component: Component::Extension("vector", "0.1.0", "0.8.7"),
            effect: "may write beyond a buffer in the build of an IVFFlat index",
            cure: "install pgvector 0.8.7 or later; until then let only trusted roles build IVFFlat indexes",
            source: "CVE-2026-103484, https://www.postgresql.org/about/news/pgvector-087-released-3392/",
        },
    ),
];

/// What to know of such an index before it is built.
pub(super) fn caveats(version: &str, of: IndexMethod) -> impl Iterator<Item = String> + '_ {
    let applies = move |(_, method, advisory): &&(Severity, IndexMethod, Advisory)| {
        *method == of && advisory.component.affects(version)
    };
    ADVISORIES
        .iter()
        .filter(applies)
        .map(move |(_, _, known)| format!("pgvector {version} {}: {}", known.effect, known.cure))
}

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let columns = columns(case)?;
    let Some(extension) = case.snapshot.vector.extension() else { return Ok(Judgement::default()) };
    let version = extension.code_version();
    let applies = |(_, method, advisory): &&(Severity, IndexMethod, Advisory)| {
        count(&columns, *method) > 0 && advisory.component.affects(version)
    };
    let mut found = ADVISORIES.iter().filter(applies);
    let Some((severity, method, first)) = found.next() else { return Ok(Judgement::default()) };
    let message = format!("pgvector {version} {}", first.effect);
    let mut finding = Finding::new(ID, Object::Cluster, *severity, message)
        .statistic("vector_installation.version", version, Unit::Name)
        .statistic("vector_columns.indexes", whole(float(count(&columns, *method))), Unit::Count);
    // All are about one library: one finding carries them.
    for (_, _, advisory) in std::iter::once(&(*severity, *method, *first)).chain(found) {
        finding = finding
            .statistic("advisory.effect", advisory.effect, Unit::Name)
            .statistic("advisory.cure", advisory.cure, Unit::Name)
            .statistic("advisory.source", advisory.source, Unit::Name);
    }
    Ok(Judgement { findings: vec![finding], ..Judgement::default() })
}

fn count(columns: &[VectorField<'_>], method: IndexMethod) -> usize {
    columns.iter().flat_map(|column| &column.indexes).filter(|i| i.method == method).count()
}
