//! Limits of pending lists that migrations set, with the target they will run on.

use std::process::Command;

use secrecy::ExposeSecret as _;

use crate::support::{TestDb, server};

/// `line check severity` of what a review finds about GIN.
fn reviewed(sql: &str, dsn: Option<&str>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.sql");
    std::fs::write(&path, sql).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dbopt"));
    command.args(["review", "--format", "json"]).arg(&path).env_clear();
    command.args(dsn.map(|dsn| ["--dsn", dsn]).into_iter().flatten());
    let output = command.output().unwrap();
    let review: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let findings = review["findings"].as_array().unwrap().iter();
    let own = findings.filter(|found| found["check"].as_str().unwrap().starts_with("gin/"));
    own.map(|found| {
        let word = |key: &str| found[key].as_str().unwrap().to_owned();
        format!("{} {} {}", found["object"]["line"], word("check"), word("severity"))
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_limit_is_judged_by_how_fast_the_target_writes() {
    let Some(server) = server("deb18") else { return };
    let sql = "create table ml.fast (d jsonb);
create index fast_d on ml.fast using gin (d) with (fastupdate = off);
create table ml.slow (d jsonb);
create index slow_d on ml.slow using gin (d) with (fastupdate = off);
select pg_stat_reset();
insert into ml.fast select jsonb_build_object('a', i) from generate_series(1, 400000) as i;
insert into ml.slow values ('{}')";
    let db = TestDb::filled(server, sql).await;
    let migration = "set lock_timeout = '2s';
alter index ml.fast_d set (gin_pending_list_limit = 64, fastupdate = on);
alter index ml.slow_d set (gin_pending_list_limit = 64, fastupdate = on);
alter index ml.slow_d set (gin_pending_list_limit = 4194304);";
    let unknown = [
        "2 gin/small-pending-limit low",
        "3 gin/small-pending-limit low",
        "4 gin/pending-limit-unit high",
    ];
    assert_eq!(reviewed(migration, None), unknown);
    // Counters of a moment ago say nothing of a rate; the size of the table is known.
    let dsn = db.dsn();
    let known = reviewed(migration, Some(dsn.expose_secret()));
    assert_eq!(known[..2], unknown[..2]);
    assert_eq!(known[2], "4 gin/pending-limit-unit low", "the table is small");
}
