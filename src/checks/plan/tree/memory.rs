//! How much memory a node needs to keep its rows without temporary files, from how PostgreSQL lays them out.
//!
//! Measured on 18.4 with 200,000 rows: a sort of rows of 41 bytes took 10,000 kB on disk and 18,645 kB in memory, of 78
//! bytes 17,448 and 24,895 kB; a hash table of 33 bytes took 14,744 kB and one of groups of 41 bytes 20,505 kB.
//!
//! Before 16 the allocator rounds each group up to a power of two: the figure for groups is for these, and up to three times what 18
//! needs. Of 44 tables of 10,000 to 260,000 groups, of 12 to 74 bytes, none was written to temporary files with it on 15.18 and
//! 18.4, and 32 were on 15.18 with a figure that fits 18.

/// Of a sorted row beside its copy on disk: its entry, of which the array may have twice as many as rows, and what the
/// allocation rounds up.
const SORT_ROW_BYTES: f64 = 64.0;
/// Of a hashed row: the header of the entry, and that of the row.
const HASH_ROW_BYTES: f64 = 16.0 + 16.0;
/// Of a group: the header of its row, and what the allocator adds to the row and to the transition values.
const GROUP_ROW_BYTES: f64 = 16.0;
const GROUP_BYTES: f64 = 16.0 + 32.0;
/// Of an entry in the table of groups.
const GROUP_ENTRY_BYTES: f64 = 24.0;
/// What the last block that was allocated may have left empty.
const GROUP_SPARE: f64 = 17.0 / 16.0;
/// Of a block of the heap in a bitmap: its entry and two pointers.
const BITMAP_BLOCK_BYTES: f64 = 64.0;

/// Memory of one node above which another plan is the better way.
const SENSIBLE_BYTES_MAX: f64 = 1024.0 * MB;

const KB: f64 = 1024.0;
const MB: f64 = 1024.0 * 1024.0;

/// Of a sort that wrote `disk_kb` for so many rows.
pub(in crate::checks::plan) fn of_sort(disk_kb: f64, rows: f64) -> f64 {
    rounded(disk_kb * KB + rows * SORT_ROW_BYTES)
}

/// Of a hash table of so many rows, buckets included; it may take `multiplier` times `work_mem`.
pub(in crate::checks::plan) fn of_hash(rows: f64, width: f64, multiplier: f64) -> f64 {
    let buckets = 8.0 * table_size(rows);
    rounded((rows * (HASH_ROW_BYTES + aligned(width)) + buckets) / multiplier.max(1.0))
}

/// Of a hash table of so many groups, of rows of this width and of the values that aggregates keep of each.
pub(in crate::checks::plan) fn of_groups(
    groups: f64,
    (width, values): (f64, f64),
    multiplier: f64,
) -> f64 {
    let row = (GROUP_ROW_BYTES + aligned(width)).log2().ceil().exp2();
    let bytes = groups * (GROUP_BYTES + row + values) + GROUP_ENTRY_BYTES * table_size(groups);
    rounded(bytes * GROUP_SPARE / multiplier.max(1.0))
}

/// Entries of a hash table: a power of two, and the next one where the last is nearly full or more rows were expected.
fn table_size(rows: f64) -> f64 {
    (2.0 * rows.max(1.0)).log2().ceil().exp2()
}

/// Of a bitmap over so many blocks of the heap.
pub(in crate::checks::plan) fn of_bitmap(blocks: f64) -> f64 {
    rounded(blocks * BITMAP_BLOCK_BYTES)
}

fn aligned(width: f64) -> f64 {
    (width / 8.0).ceil() * 8.0
}

/// To whole megabytes, as a setting is written.
fn rounded(bytes: f64) -> f64 {
    (bytes / MB).ceil().max(1.0) * MB
}

/// `64 MB`, `2.5 GB`, as PostgreSQL counts them.
pub(in crate::checks::plan) fn amount(bytes: f64) -> String {
    match bytes {
        bytes if bytes >= 1024.0 * MB => format!("{:.1} GB", bytes / MB / 1024.0),
        bytes if bytes >= MB => format!("{:.0} MB", bytes / MB),
        _ => format!("{:.0} kB", bytes / KB),
    }
}

/// For whom the setting is meant. All sessions may use it several times each, so it is not for all of them.
pub(in crate::checks::plan) fn advice(bytes: f64) -> &'static str {
    if bytes > SENSIBLE_BYTES_MAX {
        ", more than a session should take"
    } else {
        ", for this statement or its role alone"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_computed_is_above_what_was_measured_and_not_twice_as_much() {
        let measured_kb = [
            (of_sort(10_000.0, 200_000.0), 18_645.0),
            (of_sort(17_448.0, 200_000.0), 24_895.0),
            (of_hash(200_000.0, 33.0, 1.0), 14_744.0),
            (of_groups(200_000.0, (41.0, 0.0), 1.0), 20_505.0),
        ];
        for (computed, measured) in measured_kb {
            let factor = computed / KB / measured;
            assert!((1.0..2.0).contains(&factor), "{computed} of {measured} kB");
        }
    }
}
