//! A database of our own on a server that someone named: made, used, dropped.

use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;

use super::Error;
use crate::pg;

/// A connection, and the task that drives it.
pub(super) struct DemoClient {
    client: tokio_postgres::Client,
    driver: JoinHandle<()>,
}

impl std::ops::Deref for DemoClient {
    type Target = tokio_postgres::Client;

    fn deref(&self) -> &Self::Target {
        &self.client
    }
}

impl DemoClient {
    /// End the session, and wait until it has ended.
    pub(super) async fn close(self) {
        drop(self.client);
        let _ = self.driver.await;
    }
}

/// Connect, or say what to do.
pub(super) async fn connect(dsn: &SecretString) -> Result<DemoClient, String> {
    connect_as(dsn, "dbopt demo").await
}

/// The same under another name.
pub(super) async fn connect_as(
    dsn: &SecretString,
    application: &str,
) -> Result<DemoClient, String> {
    let dsn = pg::Dsn::parse(dsn.expose_secret())
        .map_err(|problem| format!("the DSN is malformed: {problem}"))?;
    let tls = pg::connector(&dsn).map_err(str::to_owned)?;
    let mut config = dsn.config().clone();
    config.application_name(application);
    let (client, connection) = config.connect(tls).await.map_err(|error| match error.code() {
        Some(code) => format!("it refused the login (SQLSTATE {})", code.code()),
        None => "it could not be reached; check its host, port and that it runs".to_owned(),
    })?;
    let driver = tokio::spawn(async move {
        // Each request that waits for an answer gets the loss.
        let _ = connection.await;
    });
    Ok(DemoClient { client, driver })
}

/// A database of our own.
pub(super) struct DemoDatabase {
    /// Of the database that was named, from which ours is made and dropped.
    server: SecretString,
    name: String,
}

impl DemoDatabase {
    /// A new database of that plain name on the server of `dsn`.
    pub(super) async fn create(dsn: &SecretString, name: String) -> Result<Self, Error> {
        let named = |problem| Error::Named { problem };
        let client = connect(dsn).await.map_err(named)?;
        // From template0: what others keep in their templates is not ours.
        let sql = format!("create database {name} template template0 encoding 'UTF8'");
        let created = client.batch_execute(&sql).await;
        client.close().await;
        created.map_err(|error| {
            named(match error.code() {
                Some(&SqlState::INSUFFICIENT_PRIVILEGE) => "the role needs CREATEDB".to_owned(),
                Some(&SqlState::DUPLICATE_DATABASE) => format!("{name} exists: drop it first"),
                Some(code) => format!("it refused to make one (SQLSTATE {})", code.code()),
                None => "the connection was lost".to_owned(),
            })
        })?;
        Ok(Self { server: dsn.clone(), name })
    }

    pub(super) fn dsn(&self) -> SecretString {
        pg::with_database(self.server.expose_secret(), &self.name).into()
    }

    /// Drop it, with the sessions that are still connected.
    pub(super) async fn drop(self) -> Result<(), Error> {
        let name = &self.name;
        let failed =
            |_| Error::Named { problem: format!("{name} could not be dropped: drop it yourself") };
        let client = connect(&self.server).await.map_err(|problem| Error::Named { problem })?;
        let sql = format!("drop database if exists {name} with (force)");
        let dropped = client.batch_execute(&sql).await.map_err(failed);
        client.close().await;
        dropped
    }
}
