//! Uploads of a workload, in whichever format they turn out to be.

#![no_main]

use database_optimizer::workload::Reader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|upload: &[u8]| {
    let mut reader = Reader::new(None);
    reader.push(upload, |_| {});
    reader.finish(|_| {});
});
