//! TOAST Whisperer: values stored compressed or out of line.

mod bloated_toast;
mod estimate;
mod hot_column_out_of_line;
mod incompressible_values;
mod large_toast_share;
mod mixed_compression;
pub(in crate::checks) mod pglz_on_wide_values;
mod reads;
mod remedy;
mod rewritten_out_of_line_values;
mod rows_just_above_threshold;
mod size;
mod table;
mod value_id_exhaustion;
mod vector_out_of_line;

use super::Check;

/// Every check, in the order of listings.
pub(super) static CHECKS: &[&Check] = &[
    &large_toast_share::CHECK,
    &pglz_on_wide_values::CHECK,
    &mixed_compression::CHECK,
    &hot_column_out_of_line::CHECK,
    &incompressible_values::CHECK,
    &bloated_toast::CHECK,
    &vector_out_of_line::CHECK,
    &rows_just_above_threshold::CHECK,
    &rewritten_out_of_line_values::CHECK,
    &value_id_exhaustion::CHECK,
];
