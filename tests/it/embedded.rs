//! A server of our own: started from nothing, reachable by us alone, gone without a trace.

use std::fs;
use std::path::PathBuf;

use database_optimizer::embedded::{self, Error, ServerOptions};
use secrecy::ExposeSecret as _;
use tokio_postgres::NoTls;

async fn start(options: ServerOptions) -> Result<embedded::EmbeddedServer, Error> {
    embedded::start(options, |_| {}).await
}

async fn ask(server: &embedded::EmbeddedServer, sql: &str) -> String {
    let dsn = server.dsn("postgres");
    let (client, connection) = tokio_postgres::connect(dsn.expose_secret(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_temporary_server_answers_and_leaves_nothing() {
    let server = start(ServerOptions::default()).await.unwrap();
    assert_eq!(
        ask(&server, "select setting from pg_settings where name = 'listen_addresses'").await,
        ""
    );
    assert!(ask(&server, "show server_version").await.starts_with(server.version()));
    let data = PathBuf::from(ask(&server, "show data_directory").await);
    let pid = fs::read_to_string(data.join("postmaster.pid")).unwrap();
    let pid = pid.lines().next().unwrap().to_owned();
    assert!(fs::exists(format!("/proc/{pid}")).unwrap());

    server.stop().await;
    assert!(!fs::exists(format!("/proc/{pid}")).unwrap());
    assert!(!data.exists() && !data.parent().unwrap().exists());
}

#[tokio::test]
async fn a_server_that_is_dropped_in_mid_use_is_stopped() {
    let server = start(ServerOptions::default()).await.unwrap();
    let data = PathBuf::from(ask(&server, "show data_directory").await);
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
    assert!(!data.exists());
}

#[tokio::test]
async fn pgvector_is_there_when_asked_for() {
    let server =
        start(ServerOptions { extensions: &["vector"], ..ServerOptions::default() }).await.unwrap();
    let available = "select default_version from pg_available_extensions where name = 'vector'";
    assert!(!ask(&server, available).await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_kept_cluster_keeps_its_rows_and_lets_one_process_in() {
    let directory = tempfile::Builder::new().permissions(readable()).tempdir().unwrap();
    let data_dir = Some(directory.path().join("postgres"));
    let options = ServerOptions { data_dir, ..ServerOptions::default() };
    let server = start(options.clone()).await.unwrap();
    ask(&server, "select set_config('search_path', '', false)").await;
    let dsn = server.dsn("postgres");
    let (client, connection) = tokio_postgres::connect(dsn.expose_secret(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("create table kept as select 'here'::text as word").await.unwrap();

    let second = start(options.clone()).await;
    assert!(matches!(second, Err(Error::InUse { .. })), "{:?}", second.err());

    server.stop().await;
    let again = start(options).await.unwrap();
    assert_eq!(ask(&again, "select word from kept").await, "here");
    again.stop().await;
}

fn readable() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o755)
}
