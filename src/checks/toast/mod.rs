//! TOAST Whisperer: values stored compressed or out of line.

mod estimate;
mod reads;
mod remedy;
mod size;
mod table;

checks! {
    large_toast_share,
    pub(in crate::checks) pglz_on_wide_values,
    mixed_compression,
    hot_column_out_of_line,
    incompressible_values,
    bloated_toast,
    vector_out_of_line,
    rows_just_above_threshold,
    rewritten_out_of_line_values,
    value_id_exhaustion,
}
