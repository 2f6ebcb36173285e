//! How PostgreSQL lays out blocks and rows, and where TOAST begins: for blocks of 8 kB, the size that packages are built with.

/// `BLCKSZ`: bytes of a block, which is a page of a file.
pub const BLOCK_BYTES: i64 = 8192;
/// `TOAST_TUPLE_THRESHOLD`, and the default of `toast_tuple_target`: a row that is wider is compressed, and its values move out of
/// line.
pub const TOAST_THRESHOLD_BYTES: u32 = 2032;
/// `TOAST_TUPLE_TARGET_MAIN`: the widest row that a block can hold, and the largest `toast_tuple_target`.
pub const ROW_BYTES_MAX: u32 = 8160;
/// `TOAST_MAX_CHUNK_SIZE`: bytes of a value in one chunk of its TOAST table.
pub const CHUNK_DATA_BYTES: u32 = 1996;
/// Bytes of a chunk with its row, at most: four fit a block.
pub const CHUNK_BYTES_MAX: i64 = 2048;
/// Bytes of a row at least: its header and line pointer.
pub const ROW_BYTES_MIN: i64 = 28;
