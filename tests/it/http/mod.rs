//! The API as its callers see it.

mod analysis;
mod auth;
mod docs_page;
mod doors;
mod openapi;
mod plan_page;
mod serve;
mod strict;
mod targets;
mod workload;
