//! Advice for PostgreSQL that can be trusted because it is proved.
//!
//! One sentence carries the code: observe, judge, prove, advise. ARCHITECTURE.md draws it.

#[macro_use]
mod registry;

pub mod explain;
pub mod jsonb;
pub mod model;
pub mod observe;
pub mod sql;
pub mod workload;

pub mod advise;
pub mod analysis;
pub mod app;
pub mod cache;
pub mod checks;
pub mod cli;
pub mod config;
pub mod contract;
pub mod ddl;
pub mod decode;
pub mod demo;
pub mod embedded;
pub mod http;
pub mod pg;
pub mod pool;
pub mod prove;
pub mod review;
pub mod store;
pub mod webhook;
