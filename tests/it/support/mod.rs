//! What tests share: real servers of every major version, a database each, and a proxy that watches.

pub mod advice;
pub mod blocked;
pub mod browser;
pub mod certificates;
mod database;
pub mod leftovers;
mod members;
pub mod program;
pub mod proxy;
pub mod pydantic;
pub mod redis;
pub mod schema;
mod server;
mod service;
pub mod shadow;
pub(crate) mod words;

pub use database::TestDb;
pub use members::members_for;
pub use server::{Own, TestServer, any_server, is_root, own_server, server, skipped};
pub use service::{Reply, Service};

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use database_optimizer::analysis::{self, Request, WorkloadIntake};
use database_optimizer::contract::{Contract, Registered};
use database_optimizer::model::observation::Workload;
use database_optimizer::model::{Analysis, Policy, Superpower};
use database_optimizer::pg::Target;

/// Thresholds for tables that are made in no time.
pub const TABLES_FROM_100_KB: &[(&str, f64)] = &[("table_bytes_min", 1e5)];
/// The same for columns of tables that are somewhat larger.
pub const COLUMNS_FROM_100_KB: &[(&str, f64)] =
    &[("table_bytes_min", 1e6), ("column_bytes_min", 1e5)];

/// Wait until something holds; a minute is far more than it takes on a machine that is busy with other tests.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds().await {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A request for all of TOAST, with thresholds that differ from the defaults.
pub fn request(policy: &[(&str, f64)]) -> Request {
    request_of(Superpower::Toast, policy)
}

/// A request for all of a superpower.
pub fn request_of(superpower: Superpower, policy: &[(&str, f64)]) -> Request {
    let policy = policy.iter().map(|(name, value)| ((*name).to_owned(), *value));
    Request { policy: Policy(policy.collect()), ..Request::new(Some(superpower)) }
}

/// A contract of `schema.table.column`, without a sample from before.
pub fn registered(column: &str, schema: &str) -> Registered {
    let names: Vec<&str> = column.split('.').collect();
    let [table_schema, table, column] = names.as_slice() else { panic!("{column}") };
    let contract = Contract::parse(schema).unwrap_or_else(|faults| panic!("{faults:?}"));
    Registered {
        schema: (*table_schema).to_owned(),
        table: (*table).to_owned(),
        column: (*column).to_owned(),
        contract: Arc::new(contract),
        before: None,
    }
}

/// A database whose schema `ml` these statements have filled; none where there is no such server.
pub async fn tables(member: &str, sql: &str) -> Option<TestDb> {
    Some(TestDb::filled(server(member)?, sql).await)
}

/// A database whose `ml.features.payload` is of 6 KB of text in a row that compress well.
pub async fn compressible_features(server: &'static TestServer) -> TestDb {
    let features = "create table ml.features (id int, payload text);
        insert into ml.features
        select i, (select string_agg(md5((g * i)::text) || repeat('ab', 20), '') from generate_series(1, 90) as g)
        from generate_series(1, 1500) as i;
        analyze ml.features";
    TestDb::filled(server, features).await
}

/// Analyse a test database as a client would.
pub async fn analyse(db: &TestDb, request: &Request) -> Analysis {
    let target = Target::open("test", &db.dsn(), None).unwrap();
    analysis::analyse(&target, request).await.unwrap()
}

/// What the checks know of these statements: a list or a log, as a client would send it.
pub async fn workload(db: &TestDb, statements: &'static str) -> Workload {
    let target = Target::open("test", &db.dsn(), None).unwrap();
    let intake = WorkloadIntake::open(&target, None, None).await.unwrap();
    intake.push(Bytes::from_static(statements.as_bytes())).await;
    let (ledger, _) = intake.close().await;
    analysis::workload(&ledger)
}
