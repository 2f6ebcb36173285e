//! One binary for every test that needs a server, a file of the repository, or the binary itself.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
#![expect(unreachable_pub, reason = "nobody else can reach into a test binary")]

mod architecture;
mod cache;
mod cli;
mod containers;
mod contract;
mod docs;
mod documents;
mod drift;
mod embedded;
mod explain;
mod foreign_code;
mod gathered;
mod gin;
mod grants;
mod hostile;
mod hot_keys;
mod http;
mod hybrid_schema;
mod jsonb;
mod judging;
mod long_keys;
mod pages;
mod plan;
mod pooler;
mod prove;
mod registry;
mod review;
mod rewrite;
mod sessions;
mod shadows;
mod shapes;
mod statements;
mod store;
mod support;
mod traps;
mod vector;
mod visit;
mod wal;
mod webhook;
mod workload;
