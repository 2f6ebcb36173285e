//! The store's own schema, brought up to date by one process at a time.

use secrecy::SecretString;
use tokio_postgres::Client;

use super::Error;
use super::connect::Address;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Any number that no one else locks: `dbopt` in ASCII.
const LOCK: i64 = 0x0064_626f_7074;

/// Bring the schema of the store up to date; the names of the migrations that were run.
pub async fn migrate(url: &SecretString) -> Result<Vec<String>, Error> {
    let address = Address::parse(url)?;
    let (mut client, connection) = address.connect().await?;
    // The lock is held until this connection ends, which is when the client is dropped.
    let driver = tokio::spawn(connection);
    let applied = run(&mut client).await;
    drop(client);
    let _ = driver.await;
    applied
}

/// Whether callers of the service that keeps its state there need a key. Changes nothing: where there is no schema, they do not.
pub async fn needs_key(url: &SecretString) -> Result<bool, Error> {
    let (client, connection) = Address::parse(url)?.connect().await?;
    tokio::spawn(connection);
    let failed = |source| Error::Query { operation: "look for keys", source };
    let tables = ["api_keys", "keys_required"];
    for table in tables {
        let sql = "select pg_catalog.to_regclass('dbopt.' || $1) is not null";
        if client.query_one(sql, &[&table]).await.map_err(failed)?.get(0) {
            let sql = format!("select exists (select from dbopt.{table})");
            if client.query_one(&sql, &[]).await.map_err(failed)?.get(0) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

async fn run(client: &mut Client) -> Result<Vec<String>, Error> {
    let failed = |source: tokio_postgres::Error| Error::Migrate { source: Box::new(source) };
    // Another replica may take long to migrate: the limit on waiting for locks is for tables alone.
    client.execute("select pg_catalog.pg_advisory_lock($1)", &[&LOCK]).await.map_err(failed)?;
    client.batch_execute("set lock_timeout = '10s'").await.map_err(failed)?;
    let exists = client
        .query_opt("select from pg_catalog.pg_namespace where nspname = 'dbopt'", &[])
        .await
        .map_err(failed)?;
    if exists.is_none() {
        client.batch_execute("create schema dbopt").await.map_err(failed)?;
    }
    let mut runner = embedded::migrations::runner()
        // An older release must start beside a newer one while they are exchanged.
        .set_abort_missing(false);
    runner.set_migration_table_name("dbopt.refinery_schema_history");
    let report = runner
        .run_async(client)
        .await
        .map_err(|source| Error::Migrate { source: Box::new(source) })?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}
