//! `vector/index-exceeds-memory`, explained in the page beside this file.

use super::build::bytes;
use super::column::{AnnIndex, IndexMethod, VectorField, columns};
use super::wide_elements::{built_already, half_precision, has_half};
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::model::observation::Setting;
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Finding, Gap, GapReason, Judgement, Severity, Superpower, Threshold, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Vector,
    worst: Severity::High,
    needs: &[
        Topic::CONTEXT,
        Topic::RELATIONS,
        Topic::INDEXES,
        Topic::INDEX_DETAILS,
        Topic::SETTINGS,
        Topic::VECTOR,
    ],
    uses: &[],
    requires: &[],
    thresholds: &[&INDEX_MEMORY_SHARE_MAX, &MEMORY_BYTES, &TABLE_BYTES_MIN],
    page: include_str!("index_exceeds_memory.md"),
    judge,
};

const ID: &str = "vector/index-exceeds-memory";

static INDEX_MEMORY_SHARE_MAX: Threshold = Threshold {
    name: "index_memory_share_max",
    default: 0.5,
    unit: Unit::Ratio,
    reason: "a search reads pages all over the graph; the table and other indexes need the other half",
};

static MEMORY_BYTES: Threshold = Threshold {
    name: "memory_bytes",
    default: 0.0,
    unit: Unit::Bytes,
    reason: "the memory that caches the index, where you know it; 0 stands for shared_buffers",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let columns = columns(case)?;
    let all = columns.iter().flat_map(|column| column.indexes.iter().map(move |i| (column, i)));
    let graphs: Vec<_> =
        all.filter(|(_, i)| i.is_usable() && i.method == IndexMethod::Hnsw).collect();
    if graphs.is_empty() {
        return Ok(Judgement::default());
    }
    let given = Some(case.policy.get(&MEMORY_BYTES)).filter(|bytes| *bytes > 0.0);
    let settings = case.snapshot.common.settings.get().map_err(Clone::clone);
    let memory = if let Some(bytes) = given {
        CacheMemory { name: "the memory given", bytes }
    } else {
        settings?;
        let setting = case.snapshot.common.setting("shared_buffers");
        let bytes = setting.and_then(Setting::bytes).ok_or_else(|| {
            let detail = "the server does not show shared_buffers";
            Gap::new("settings", GapReason::NotVisibleInSql, detail)
        })?;
        CacheMemory { name: "shared_buffers", bytes }
    };
    let mut judgement = Judgement::default();
    for (column, index) in graphs {
        match of_index(case, column, index, &memory) {
            Some(finding) if has_half(column, index) => {
                judgement.declined.push(built_already(ID, finding.object));
            }
            found => judgement.findings.extend(found),
        }
    }
    Ok(judgement)
}

/// The memory that caches indexes.
struct CacheMemory {
    /// As prose names it.
    name: &'static str,
    bytes: f64,
}

fn of_index(
    case: &Case<'_>,
    column: &VectorField<'_>,
    index: &AnnIndex<'_>,
    memory: &CacheMemory,
) -> Option<Finding> {
    let CacheMemory { name, bytes: memory } = *memory;
    let size = float(index.bytes);
    let share = size / memory;
    if share <= case.policy.get(&INDEX_MEMORY_SHARE_MAX) || size < case.policy.get(&TABLE_BYTES_MIN)
    {
        return None;
    }
    let object = column.index_object(index);
    let message = format!(
        "`{object}` takes {}, {} of {name} ({}): its searches read pages that are not cached",
        bytes(size),
        crate::model::percent(share),
        bytes(memory)
    );
    let severity = if share > 1.0 { Severity::High } else { Severity::Medium };
    let finding = Finding::new(ID, object.clone(), severity, message)
        .statistic("index_sizes.index_bytes", index.bytes, Unit::Bytes)
        .statistic("settings.memory_bytes", whole(memory), Unit::Bytes)
        .statistic("index_sizes.memory_share", share, Unit::Ratio)
        .statistic("indexes.scans", index.scans, Unit::Count);
    let half = half_precision(case, column, index, object);
    // One that is still too large would clear nothing.
    let fits = half.filter(|half| half.bytes <= memory * case.policy.get(&INDEX_MEMORY_SHARE_MAX));
    Some(fits.map(|half| Action::BuildIndex(half.new)).into_iter().fold(finding, Finding::action))
}
