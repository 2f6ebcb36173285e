//! Documents of a target, counted as text.

#![no_main]

use database_optimizer::jsonb::{DocumentCounts, conversion, stored_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|document: &str| {
    let mut counts = DocumentCounts::default();
    counts.add(document);
    let _ = counts.renamed(&counts.dictionary());
    let converts = conversion(document);
    // What converts has a size.
    assert!(converts.is_err() || stored_bytes(document).is_ok(), "{document}");
});
