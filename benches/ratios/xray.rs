//! What the X-ray of a table's documents reads of it, as the server counts it, beside its budget.

use database_optimizer::analysis::{self, SampledColumn};
use database_optimizer::pg::Target;

use crate::support::{TestDb, any_server};
use crate::table::{Measured, Table};

/// What is read of a column's documents at most, as they are stored.
const BUDGET: f64 = 16_777_216.0;

/// About 10 GB in 1,250,000 pages, a document in each; what is read of them cannot come from memory.
const MAKE: &str = "create schema ml;
create unlogged table ml.features (id bigint, data jsonb) with (autovacuum_enabled = false, fillfactor = 10);
insert into ml.features
select i, jsonb_build_object('user', i, 'score', i % 97, 'text', repeat(md5(i::text), 26))
from generate_series(1, 1250000) as i";

const PAGES: &str = "select (heap_blks_read + coalesce(toast_blks_read, 0))::text
from pg_catalog.pg_statio_all_tables where relid = 'ml.features'::pg_catalog.regclass";

/// One look at the documents of a table that is far larger than what may be read.
pub async fn measure() -> Table {
    let mut db = TestDb::create(any_server()).await;
    db.run(MAKE).await;
    db.run("analyze ml.features").await;
    // A role that may not switch its counting off.
    let role = format!("reader_{}", db.name);
    let grants =
        format!("grant usage on schema ml to {role}; grant select on ml.features to {role}");
    db.run(&format!("create role {role} login; {grants}")).await;
    db.settle().await;
    let before: f64 = db.text(PAGES).await.parse().unwrap();
    let target = Target::open("bench", &db.dsn_as(&role), None).unwrap();
    let subject =
        SampledColumn { schema: Some("ml".to_owned()), table: "features".to_owned(), column: None };
    let report = analysis::documents(&target, &subject).await.unwrap();
    drop(target);
    db.settle().await;
    let read = (db.text(PAGES).await.parse::<f64>().unwrap() - before) * 8192.0;
    let size: f64 = db.text("select pg_table_size('ml.features')::text").await.parse().unwrap();
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
    let detail = format!(
        "{:.1} MB of {:.1} GB read, {} documents, {} round trips, {:.0} ms",
        read / 1e6,
        size / 1e9,
        report.sample.rows,
        report.cost.round_trips,
        report.cost.target_ms,
    );
    let what = "bytes an X-ray reads of a table of 10 GB / its budget".to_owned();
    let mut table = Table::default();
    table.at_most(1.0, Measured { what, rounds: vec![read / BUDGET], detail });
    table
}
