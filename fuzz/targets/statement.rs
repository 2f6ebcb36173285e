//! Statements, as workloads, logs, views and the target's own statistics hold them.

#![no_main]

use database_optimizer::sql::{Catalog, statement};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|sql: &str| {
    let _ = statement(sql, &Catalog::new(Vec::new()));
});
