//! A service and a demo, started and stopped.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{readable, run};
use crate::support::program::{Running, dbopt, said};
use crate::support::{TestDb, any_server};

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_on_a_server_that_is_named_works_in_a_database_of_its_own_and_drops_it() {
    let server = crate::support::server("pg18");
    let Some(server) = server else { return };
    let demo =
        run(&["demo", "--check", "--format", "json", "--dsn", &server.dsn("postgres")]).await;
    assert_eq!(demo.status, 0, "{}", demo.err);
    let analysis: Value = serde_json::from_str(&demo.out).unwrap();
    let found: Vec<&str> = analysis["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["check"].as_str().unwrap())
        .collect();
    for check in [
        "hybrid-schema/hot-key-in-document",
        "toast/bloated-toast",
        "toast/vector-out-of-line",
        "toast/hot-column-out-of-line",
        "gin/jsonb-ops-for-containment",
        "vector/operator-class-mismatch",
        "vector/missing-index",
        "plan/redundant-index",
        "wal/rows-in-default-partition",
        "concurrency/session-state-behind-pooler",
    ] {
        assert!(found.contains(&check), "{check}: {found:?}");
    }
    let healthy = ["ml.documents"];
    for finding in analysis["findings"].as_array().unwrap() {
        let object = format!("{}.{}", finding["object"]["schema"], finding["object"]["table"]);
        assert!(!healthy.contains(&object.replace('"', "").as_str()), "{finding}");
    }
    let db = TestDb::create(server).await;
    let left = "select count(*)::text from pg_database where datname like 'dbopt\\_demo\\_%'";
    assert_eq!(db.text(left).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_listens_elsewhere_where_the_usual_port_is_taken() {
    let Some(server) = crate::support::server("pg17") else { return };
    // By us, or by someone who was first. Another server than where it is seen that a demo leaves nothing.
    let _taken = std::net::TcpListener::bind("127.0.0.1:8080");
    let command = dbopt(&["demo", "--dsn", &server.dsn("postgres")]);
    let running = tokio::task::spawn_blocking(|| Running::demo(command)).await.unwrap();
    assert!(!running.address.ends_with(":8080"), "{}", running.address);
    let healthy = run(&["health", "--listen", &running.address]).await;
    assert_eq!(healthy.status, 0, "{}", healthy.err);
    let status = tokio::task::spawn_blocking(|| running.stop("-INT")).await.unwrap();
    assert_eq!(status, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_on_a_server_of_its_own_leaves_nothing_when_it_is_interrupted() {
    let directory = tempfile::Builder::new().permissions(readable()).tempdir().unwrap();
    let mut command = dbopt(&["demo", "--listen", "127.0.0.1:0"]);
    command.env("TMPDIR", directory.path()).env("HOME", std::env::var_os("HOME").unwrap());
    let running = tokio::task::spawn_blocking(|| Running::demo(command)).await.unwrap();
    let healthy = run(&["health", "--listen", &running.address]).await;
    assert_eq!(healthy.status, 0, "{}", healthy.err);
    let status = tokio::task::spawn_blocking(|| running.stop("-INT")).await.unwrap();
    assert_eq!(status, 0);
    tokio::time::timeout(Duration::from_secs(5), async {
        while std::fs::read_dir(directory.path()).unwrap().next().is_some() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

/// As an init system does it: nothing waits for what was killed.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_killed_starts_again_at_once_on_its_own_store() {
    let directory = tempfile::Builder::new().permissions(readable()).tempdir().unwrap();
    let own = |arguments: &[&str]| {
        let mut command = dbopt(arguments);
        command.env("DBOPT_DATA_DIR", directory.path());
        command
    };
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let start = |command| tokio::task::spawn_blocking(|| Running::start(command));
    let mut running = start(own(&serve)).await.unwrap();
    let made = said(own(&["keys", "create", "--scope", "read", "--name", "kept"])).await;
    assert!(made.out.starts_with("dbopt_"), "{}", made.err);
    for _ in 0..4 {
        // Killed, and not waited for.
        running.child.kill().unwrap();
        running = start(own(&serve)).await.unwrap();
    }
    let listed = said(own(&["keys", "list"])).await;
    assert!(listed.out.contains("kept"), "{}{}", listed.out, listed.err);
    tokio::task::spawn_blocking(|| running.stop("-INT")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_start_leaves_nothing_in_a_store_that_was_given() {
    let store = TestDb::create(any_server()).await;
    let mut command =
        dbopt(&["serve", "--listen", "0.0.0.0:0", "--target", "a=postgresql://u@h/d"]);
    command.env("DBOPT_STORE_URL", store.dsn().expose_secret());
    command.env("DBOPT_SECRET_KEY", "0".repeat(64));
    let refused = said(command).await;
    assert!(refused.status == 2 && refused.err.contains("no API key exists"), "{}", refused.err);
    let schemas = "select string_agg(nspname, ',') from pg_namespace where nspname = 'dbopt'";
    assert_eq!(store.text(schemas).await, "");
}
