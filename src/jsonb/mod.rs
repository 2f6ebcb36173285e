//! JSONB documents from within: read piece by piece, and how many bytes PostgreSQL stores for them.

mod convert;
mod count;
mod dictionary;
mod fit;
mod scan;
mod shape;
mod size;

pub use convert::{Conversion, conversion};
pub use count::{DocumentCounts, GROUP_DOCUMENTS, PATHS_MAX, Path, Renamed, TYPES};
pub use dictionary::{CODE_BYTES_MAX, dictionary};
pub use fit::Fit;
pub use scan::{DEPTH_MAX, Malformed, Scanner, Token};
pub use size::{NUMERIC_HEADER_BYTES, numeric_bytes, stored_bytes};
