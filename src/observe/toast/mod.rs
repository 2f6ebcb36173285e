//! How wide values are stored: the TOAST tables, and a sample of the values of each.

mod storage_counter;

use super::source::Source;

pub(super) use storage_counter::StorageCounter;

pub(super) static TOAST_TABLES: Source =
    Source::new("toast_tables", include_str!("sql/toast_tables.sql"));
