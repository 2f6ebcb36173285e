//! Where a target is, as DSNs, lists of hosts and versions of poolers say it.

#![no_main]

use database_optimizer::config::{AllowedHosts, is_loopback_name};
use database_optimizer::model::pooler::PoolerVersion;
use database_optimizer::pg::Dsn;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = (Dsn::parse(text), AllowedHosts::parse(text));
    let _ = (PoolerVersion::parse(text), is_loopback_name(text));
});
