//! What the fuzz targets do with their input. A test of the crate compiles this file, too, and runs each over its corpus.

use database_optimizer::config::{AllowedHosts, is_loopback_name};
use database_optimizer::contract::{Contract, Verdicts};
use database_optimizer::explain::{derive::derive, read};
use database_optimizer::jsonb::{Conversion, DocumentCounts, conversion, stored_bytes};
use database_optimizer::model::pooler::PoolerVersion;
use database_optimizer::model::{catalog_spelling, catalog_type, pinned_expression, pinned_index};
use database_optimizer::pg::Dsn;
use database_optimizer::review::{SqlFile, TargetTables};
use database_optimizer::sql::{Catalog, explainable, spelled, spelled_key};
use database_optimizer::workload::{Bookkeeper, SourceReader, StatementSource};

/// Where a target is, as DSNs, lists of hosts and versions of poolers say it.
pub fn address(text: &str) {
    let _ = (Dsn::parse(text), AllowedHosts::parse(text));
    let _ = (PoolerVersion::parse(text), is_loopback_name(text));
}

/// What begins the document behind the schema.
const BEHIND: char = '\u{1}';

/// JSON Schemas, as contracts are registered, with the patterns in them; and documents, as a target holds them, judged by them.
pub fn contract(input: &str) {
    let (schema, document) = input.split_once(BEHIND).unwrap_or((input, "{}"));
    if let Ok(contract) = Contract::parse(schema) {
        let mut verdicts = Verdicts::default();
        verdicts.add(&contract, document);
        let drift = verdicts.into_drift();
        assert_eq!(drift.judged + drift.unjudged, 1);
    }
}

/// Expressions and definitions, as a target's catalog prints them and as statements spell them.
pub fn definition(text: &str) {
    let _ = (pinned_expression(text), pinned_index(text));
    let _ = (catalog_spelling(text), catalog_type(text));
    let _ = (spelled(text, &[]), spelled_key(text, &[]), explainable(text));
}

/// Documents of a target, counted as text.
pub fn document(document: &str) {
    let mut counts = DocumentCounts::default();
    counts.add(document);
    let _ = counts.renamed(&counts.dictionary());
    let converts = matches!(conversion(document), Ok(Conversion::Exact | Conversion::Kept));
    // What converts has a size.
    assert!(!converts || stored_bytes(document).is_ok(), "{document}");
}

/// Output of EXPLAIN, in any format, as people paste it.
pub fn explain(input: &str) {
    for plan in read(input).unwrap_or_else(|error| error.partial) {
        assert_eq!(derive(&plan).nodes.len(), plan.nodes.len());
    }
}

/// Migrations, as `dbopt review` and `POST /v1/review/migration` take them.
pub fn review(sql: &str) {
    let file = SqlFile { path: "m.sql".to_owned(), sql: sql.to_owned() };
    let _ = database_optimizer::review::review(&[file], &TargetTables::default(), &|| true);
}

/// Statements, as workloads, logs, views and the target's own statistics hold them.
pub fn statement(sql: &str) {
    let _ = database_optimizer::sql::statement(sql, &Catalog::new(Vec::new()));
}

/// Uploads of a workload, in whichever format they turn out to be, and what the statements in them mean.
pub fn workload(upload: &[u8]) {
    let catalog = Catalog::new(Vec::new());
    let mut book = Bookkeeper::new(&catalog);
    let mut reader = SourceReader::new(None);
    reader.push(upload, |entry| book.add(StatementSource::List, &entry));
    reader.finish(|entry| book.add(StatementSource::List, &entry));
    let _ = book.into_ledger();
}
