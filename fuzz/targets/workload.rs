//! Uploads of a workload, in whichever format they turn out to be, and what the statements in them mean.

#![no_main]

use database_optimizer::sql::Catalog;
use database_optimizer::workload::{Bookkeeper, SourceReader, StatementSource};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|upload: &[u8]| {
    let catalog = Catalog::new(Vec::new());
    let mut book = Bookkeeper::new(&catalog);
    let mut reader = SourceReader::new(None);
    reader.push(upload, |entry| book.add(StatementSource::List, &entry));
    reader.finish(|entry| book.add(StatementSource::List, &entry));
    let _ = book.into_ledger();
});
