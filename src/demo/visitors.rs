//! Sessions of the sample application that stay open while the demo runs.

use secrecy::SecretString;

use super::Error;
use super::database::{DemoClient, connect_as};

/// Open sessions; they end when this is dropped.
pub struct Visitors {
    _open: Vec<DemoClient>,
}

/// By application, what each runs. Flaws: one that PgBouncer is in front of, by the address behind its name, keeps a setting
/// and a subscription in its session; one begins a transaction and forgets it, which is found after five minutes. The healthy
/// neighbour keeps the same within its transaction.
const SESSIONS: [(&str, &str); 3] = [
    ("scoring-api - 10.0.0.7:41234", "set statement_timeout = '250ms'; listen model_swaps"),
    ("notebook", "begin; select 1"),
    (
        "batch-scoring",
        "begin; set local statement_timeout = '5s'; select pg_advisory_xact_lock(7); commit",
    ),
];

/// Let them in.
pub(super) async fn arrive(dsn: &SecretString) -> Result<Visitors, Error> {
    let mut open = Vec::new();
    for (application, sql) in SESSIONS {
        let client =
            connect_as(dsn, application).await.map_err(|problem| Error::Named { problem })?;
        client.batch_execute(sql).await.map_err(|source| Error::Fill {
            step: "sessions of its application",
            problem: "the server refused it".to_owned(),
            source,
        })?;
        open.push(client);
    }
    Ok(Visitors { _open: open })
}
