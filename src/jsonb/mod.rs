//! JSONB documents from within: read piece by piece, and how many bytes PostgreSQL stores for them.

mod count;
mod scan;
mod size;

pub use count::{Counts, PATHS_MAX, Path, TYPES};
pub use scan::{DEPTH_MAX, Malformed, Scanner, Token};
pub use size::{NUMERIC_HEADER_BYTES, numeric_bytes, stored_bytes};
