//! WAL Orchestrator: WAL, checkpoints, vacuum and partitions.

mod archiver;
mod bound;
mod load;
mod ranges;
mod staging;
mod tables;
#[cfg(test)]
pub(super) mod testing;
mod vacuum;

use super::setting;

checks! {
    forced_checkpoints,
    abrupt_checkpoints,
    small_max_wal_size,
    uncompressed_full_pages,
    retained_wal,
    logged_staging_table,
    lazy_autovacuum,
    dead_tuples,
    table_bloat,
    pinned_horizon,
    wraparound,
    peak_hour_vacuum,
    short_partition_horizon,
    rows_in_default_partition,
    unarchived_partition,
    time_series_not_partitioned,
}
