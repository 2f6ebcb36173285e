//! WAL Orchestrator: WAL, checkpoints, vacuum and partitions.

mod abrupt_checkpoints;
mod archiver;
mod bound;
mod dead_tuples;
mod forced_checkpoints;
mod lazy_autovacuum;
mod load;
mod logged_staging_table;
mod peak_hour_vacuum;
mod pinned_horizon;
mod ranges;
mod retained_wal;
mod rows_in_default_partition;
mod short_partition_horizon;
mod small_max_wal_size;
mod staging;
mod table_bloat;
mod tables;
#[cfg(test)]
pub(super) mod testing;
mod time_series_not_partitioned;
mod unarchived_partition;
mod uncompressed_full_pages;
mod vacuum;
mod wraparound;

use super::{Check, setting};

/// Every check, in the order of listings.
pub(super) static CHECKS: &[&Check] = &[
    &forced_checkpoints::CHECK,
    &abrupt_checkpoints::CHECK,
    &small_max_wal_size::CHECK,
    &uncompressed_full_pages::CHECK,
    &retained_wal::CHECK,
    &logged_staging_table::CHECK,
    &lazy_autovacuum::CHECK,
    &dead_tuples::CHECK,
    &table_bloat::CHECK,
    &pinned_horizon::CHECK,
    &wraparound::CHECK,
    &peak_hour_vacuum::CHECK,
    &short_partition_horizon::CHECK,
    &rows_in_default_partition::CHECK,
    &unarchived_partition::CHECK,
    &time_series_not_partitioned::CHECK,
];
