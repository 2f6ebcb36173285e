//! Migrations, as `dbopt review` and `POST /v1/review/migration` take them.

#![no_main]

use database_optimizer::review::{TargetTables, SqlFile, review};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|sql: &str| {
    let file = SqlFile { path: "m.sql".to_owned(), sql: sql.to_owned() };
    let _ = review(&[file], &TargetTables::default(), &|| true);
});
