//! GIN indexes on real servers.

mod bad_input;
mod partitions;
mod pending;
mod replaced;
mod review;
mod searched;
mod serving;
mod traps;
mod trial;
mod workload;

use std::collections::BTreeMap;

use database_optimizer::model::observation::Gin;
use database_optimizer::model::{Policy, Topic};
use database_optimizer::observe::{Interest, observe};
use database_optimizer::pg::Target;
use secrecy::SecretString;

/// Thresholds for tables that are made in no time and counters that began a moment ago.
const SMALL: &[(&str, f64)] = &[
    ("window_s_min", 0.0),
    ("day_window_s_min", 0.0),
    ("unused_window_s_min", 0.0),
    ("table_bytes_min", 100_000.0),
];

/// What a visit sees of GIN indexes, and the names of these by oid.
async fn gin(dsn: SecretString) -> (Gin, BTreeMap<i64, String>) {
    gin_of(&Target::open("test", &dsn, None).unwrap()).await
}

async fn gin_of(target: &Target) -> (Gin, BTreeMap<i64, String>) {
    let mut session = target.session().await.unwrap();
    let topics = [Topic::RELATIONS, Topic::INDEXES, Topic::GIN, Topic::GIN_PENDING];
    let interest = Interest {
        topics: topics.into_iter().collect(),
        policy: Policy::default(),
        ..Interest::default()
    };
    let snapshot = observe(&mut session, &interest).await.unwrap().snapshot;
    session.finish();
    let names = snapshot.common.indexes.get().unwrap();
    let names = names.iter().map(|index| (index.oid, index.name.clone())).collect();
    (*snapshot.gin, names)
}
