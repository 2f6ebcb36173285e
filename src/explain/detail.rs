//! What single kinds of nodes print beside costs and times.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use smol_str::SmolStr;

/// A condition of a node, as the server prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// `filter`, `join_filter`, `one_time_filter`, `index_cond`, `recheck_cond`, `hash_cond`, `merge_cond`, `tid_cond`,
    /// `order_by`, `run_condition`, `conflict_filter`.
    pub kind: &'static str,
    /// The expression.
    pub text: String,
}

/// Rows that a condition removed, for each loop.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RowsRemovedPerLoop {
    /// `filter`, `join_filter`, `index_recheck`, `conflict_filter`.
    pub kind: &'static str,
    /// How many, for each loop.
    pub rows: f64,
}

/// Buffers, in blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[expect(missing_docs, reason = "the names are PostgreSQL's")]
pub struct Buffers {
    pub shared_hit: u64,
    pub shared_read: u64,
    pub shared_dirtied: u64,
    pub shared_written: u64,
    pub local_hit: u64,
    pub local_read: u64,
    pub local_dirtied: u64,
    pub local_written: u64,
    pub temp_read: u64,
    pub temp_written: u64,
}

/// Time for reads and writes, in milliseconds. Servers before 17 print one time for shared and local blocks: it is shared
/// here.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[expect(missing_docs, reason = "the names are PostgreSQL's")]
pub struct IoTimings {
    pub shared_read_ms: f64,
    pub shared_write_ms: f64,
    pub local_read_ms: f64,
    pub local_write_ms: f64,
    pub temp_read_ms: f64,
    pub temp_write_ms: f64,
}

/// WAL that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct WalUsage {
    /// Records.
    pub records: u64,
    /// Full-page images.
    pub full_page_images: u64,
    /// Bytes.
    pub bytes: u64,
    /// Bytes of full-page images (PostgreSQL 19).
    pub full_page_image_bytes: u64,
    /// How often the WAL buffers were full (PostgreSQL 18).
    pub buffers_full: u64,
}

/// Parallel workers of a Gather.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Workers {
    /// Planned.
    pub planned: Option<u64>,
    /// Launched; fewer where `max_parallel_workers` were in use.
    pub launched: Option<u64>,
}

/// What one parallel worker did in a node.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Worker {
    /// Its number, from 0.
    pub number: u64,
    /// Time until the first row, for each of its loops.
    pub actual_startup_ms: Option<f64>,
    /// Time until the last row, for each of its loops.
    pub actual_total_ms: Option<f64>,
    /// Rows, for each of its loops.
    pub actual_rows: Option<f64>,
    /// Its loops.
    pub actual_loops: Option<u64>,
    /// Buffers it used.
    pub buffers: Option<Buffers>,
    /// Time for reads and writes.
    pub io: Option<Box<IoTimings>>,
    /// WAL it wrote.
    pub wal: Option<Box<WalUsage>>,
    /// How it sorted.
    pub sort: Option<Sort>,
    /// How it sorted incrementally.
    pub incremental_sort: Option<Box<IncrementalSort>>,
    /// Its hash table, of an Aggregate.
    pub hash_aggregate: Option<Box<HashAggregate>>,
    /// Its cache, of a Memoize.
    pub memoize: Option<Box<Memoize>>,
    /// Heap blocks, of a Bitmap Heap Scan (PostgreSQL 18).
    pub bitmap: Option<Bitmap>,
    /// What just-in-time compilation did in it.
    pub jit: Option<Box<Jit>>,
    /// Properties that this reader does not know.
    pub extra: BTreeMap<String, Value>,
}

/// Where rows were kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Space {
    /// In memory.
    Memory,
    /// In temporary files.
    Disk,
}

/// How a Sort was done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Sort {
    /// `quicksort`, `top-N heapsort`, `external merge`, `external sort`, `still in progress`.
    pub method: Option<SmolStr>,
    /// Space it took, in kB.
    pub space_kb: Option<u64>,
    /// Where.
    pub space: Option<Space>,
}

/// How an Incremental Sort was done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct IncrementalSort {
    /// Groups that were sorted by all keys.
    pub full_sort: Option<SortGroups>,
    /// Groups that were sorted by the keys behind the presorted ones.
    pub pre_sorted: Option<SortGroups>,
}

/// Groups of an Incremental Sort.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SortGroups {
    /// How many.
    pub count: u64,
    /// Methods that were used.
    pub methods: Vec<SmolStr>,
    /// Memory of a group on average, in kB.
    pub average_memory_kb: Option<u64>,
    /// Memory of the largest, in kB.
    pub peak_memory_kb: Option<u64>,
    /// Temporary files of a group on average, in kB.
    pub average_disk_kb: Option<u64>,
    /// Temporary files of the largest, in kB.
    pub peak_disk_kb: Option<u64>,
}

/// The table of a Hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Hash {
    /// Buckets.
    pub buckets: Option<u64>,
    /// Buckets as planned.
    pub original_buckets: Option<u64>,
    /// Batches: more than one were written to temporary files.
    pub batches: Option<u64>,
    /// Batches as planned.
    pub original_batches: Option<u64>,
    /// Peak memory, in kB.
    pub peak_memory_kb: Option<u64>,
}

/// The table of a hashed Aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct HashAggregate {
    /// Partitions as planned; absent where it was expected to fit in memory.
    pub planned_partitions: Option<u64>,
    /// Batches: more than one were written to temporary files.
    pub batches: Option<u64>,
    /// Peak memory, in kB.
    pub peak_memory_kb: Option<u64>,
    /// Temporary files, in kB.
    pub disk_kb: Option<u64>,
}

/// The cache of a Memoize.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Memoize {
    /// What it is looked up by.
    pub key: Option<SmolStr>,
    /// `logical` or `binary`.
    pub mode: Option<SmolStr>,
    /// Lookups that found their rows.
    pub hits: Option<u64>,
    /// Lookups that had to execute the subplan.
    pub misses: Option<u64>,
    /// Entries that were removed to make space.
    pub evictions: Option<u64>,
    /// Entries that did not fit.
    pub overflows: Option<u64>,
    /// Peak memory, in kB.
    pub peak_memory_kb: Option<u64>,
    /// Entries that fit by the planner's estimate (PostgreSQL 19).
    pub estimated_capacity: Option<f64>,
    /// Distinct keys by the planner's estimate.
    pub estimated_distinct_keys: Option<f64>,
    /// Lookups by the planner's estimate.
    pub estimated_lookups: Option<f64>,
    /// Hits by the planner's estimate, in percent.
    pub estimated_hit_percent: Option<f64>,
}

/// Heap blocks of a Bitmap Heap Scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Bitmap {
    /// Blocks whose rows were known one by one.
    pub exact_blocks: u64,
    /// Blocks of which every row had to be checked, because the bitmap did not fit in `work_mem`.
    pub lossy_blocks: u64,
}

/// Where a node kept rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RowStorage {
    /// Memory or temporary files.
    pub space: Space,
    /// The most it took, in kB.
    pub maximum_kb: u64,
}

/// Rows of a `ModifyTable` by what was done with them.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Merge {
    /// Of INSERT ON CONFLICT: `NOTHING` or `UPDATE`.
    pub conflict_resolution: Option<SmolStr>,
    /// The unique indexes that decide what a conflict is.
    pub conflict_arbiters: Vec<SmolStr>,
    /// Rows that were inserted.
    pub inserted: Option<f64>,
    /// Rows that conflicted.
    pub conflicting: Option<f64>,
    /// Rows that were updated.
    pub updated: Option<f64>,
    /// Rows that were deleted.
    pub deleted: Option<f64>,
    /// Rows for which MERGE did nothing.
    pub skipped: Option<f64>,
}

/// One of several tables that a `ModifyTable` changes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[expect(missing_docs, reason = "as in Node")]
pub struct TargetTable {
    pub relation: Option<SmolStr>,
    pub schema: Option<SmolStr>,
    pub alias: Option<SmolStr>,
}

/// One of the grouping sets of an Aggregate that share a pass over the input.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct GroupingSet {
    /// The order into which the input is sorted for it.
    pub sort_key: Vec<SmolStr>,
    /// The groups, each with its expressions; none for the grand total.
    pub keys: Vec<Vec<SmolStr>>,
    /// Whether they are hashed.
    pub hashed: bool,
}

/// A trigger that ran.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Trigger {
    /// Its name. A constraint's own name where the trigger is a constraint's.
    pub name: SmolStr,
    /// The constraint it belongs to.
    pub constraint: Option<SmolStr>,
    /// The table; text names it only where several are concerned.
    pub relation: Option<SmolStr>,
    /// Time of all calls, in milliseconds.
    pub ms: Option<f64>,
    /// Calls.
    pub calls: u64,
}

/// What just-in-time compilation did.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Jit {
    /// Functions that were compiled.
    pub functions: u64,
    /// Whether they were inlined, optimized, and what was compiled.
    pub options: BTreeMap<String, bool>,
    /// Time to generate code, in milliseconds.
    pub generation_ms: Option<f64>,
    /// The part of it for reading rows (PostgreSQL 17).
    pub deform_ms: Option<f64>,
    /// Time to inline.
    pub inlining_ms: Option<f64>,
    /// Time to optimize.
    pub optimization_ms: Option<f64>,
    /// Time to emit machine code.
    pub emission_ms: Option<f64>,
    /// All of it.
    pub total_ms: Option<f64>,
}

/// Memory of the planner, in kB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[expect(missing_docs, reason = "the names are PostgreSQL's")]
pub struct PlannerMemory {
    pub used_kb: u64,
    pub allocated_kb: u64,
}

/// What it cost to convert the result for the client.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Serialization {
    /// Time, in milliseconds. None with `TIMING OFF`.
    pub ms: Option<f64>,
    /// Size of the result, in kB.
    pub output_kb: u64,
    /// `text` or `binary`.
    pub format: SmolStr,
    /// Buffers that were read for it, TOAST mostly.
    pub buffers: Option<Buffers>,
    /// Time for reads and writes.
    pub io: Option<Box<IoTimings>>,
}
