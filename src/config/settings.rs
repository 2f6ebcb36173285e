//! The list of settings, from which files, environment, flags and the README's table are read.

use super::Config;

/// One setting.
pub struct Setting {
    /// Its key in the file; with hyphens, its flag.
    pub name: &'static str,
    /// Its environment variable.
    pub env: &'static str,
    /// Its value when nobody says otherwise, as text; empty means none.
    pub default: &'static str,
    /// What it is for, in a sentence.
    pub what: &'static str,
    /// Whether its value must not be shown.
    pub secret: bool,
    pub(super) apply: fn(&mut Config, &str) -> Result<(), &'static str>,
}

/// Every setting, in the order of the README's table.
pub static SETTINGS: &[Setting] = &[];

/// The README's configuration table.
pub fn markdown_table() -> String {
    unimplemented!("being written")
}
