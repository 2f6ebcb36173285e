//! The first statements of a transaction of ours, which also say what may have changed since the login.

use futures_util::TryStreamExt;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::ServerFacts;

/// Our reads are not to be counted among the workload's, where we are allowed to switch that off. Asked
/// for politely: a refused SET would leave an error in the server's log at every visit.
const UNCOUNTED: &str = "select /* dbopt */ pg_catalog.set_config('track_counts', 'off', true)
from pg_catalog.pg_roles where rolname = current_user and rolsuper;";
const UNCOUNTED_15: &str = "select /* dbopt */ pg_catalog.set_config('track_counts', 'off', true)
where pg_catalog.has_parameter_privilege('track_counts', 'set');";

/// What the role or the database limits whole transactions to would end the connection in mid-visit; the limits above
/// are ours to keep.
const UNLIMITED_17: &str = "set local transaction_timeout = 0;";

/// A function that catches `query_canceled` runs on after a cancel request. A connection that is gone ends its backend
/// whatever is caught, but only servers on some platforms look for that while a statement runs.
const LOOKED_AFTER: &str =
    "select /* dbopt */ pg_catalog.set_config('client_connection_check_interval', '1s', true)
where pg_catalog.version() like '%linux%';";

/// The only row of two columns.
const FACTS: &str =
    "select /* dbopt */ pg_catalog.pg_is_in_recovery(), pg_catalog.pg_backend_pid();";

/// What the server says as a transaction begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opening {
    /// A standby may have been promoted since the login.
    pub(super) in_recovery: bool,
    /// Another one than at login where a pooler stands between.
    pub(super) process_id: i32,
}

/// What a transaction of ours begins with: its guard, which sets the search path, and what only some versions know.
pub(super) fn guarded(guard: &str, facts: &ServerFacts) -> String {
    let unlimited = if facts.major < 17 { "" } else { UNLIMITED_17 };
    let uncounted = if facts.major < 15 { UNCOUNTED } else { UNCOUNTED_15 };
    format!("{guard}\n{unlimited}\n{uncounted}\n{LOOKED_AFTER}\n{FACTS}")
}

/// What a transaction of ours ends with. A rollback does not release advisory locks of the session; a function that ran
/// could have left a value in one. Behind a pooler the backend may serve others, whose locks are theirs. It runs
/// with the role's own search path.
pub(super) fn ending(process_id: i32) -> String {
    format!(
        "rollback; select /* dbopt */ pg_catalog.pg_advisory_unlock_all() \
         where pg_catalog.pg_backend_pid() operator(pg_catalog.=) {process_id}"
    )
}

/// Run statements, and return the row of [`FACTS`] among what they answer, if they ask for it.
///
/// # Errors
/// The server's refusal, or the loss of the connection.
pub(super) async fn run(
    client: &Client,
    sql: &str,
) -> Result<Option<Opening>, tokio_postgres::Error> {
    let mut messages = std::pin::pin!(client.simple_query_raw(sql).await?);
    let mut opening = None;
    while let Some(message) = messages.try_next().await? {
        let SimpleQueryMessage::Row(row) = message else { continue };
        if row.len() == 2 {
            let process_id = row.try_get(1)?.and_then(|id| id.parse().ok()).unwrap_or_default();
            opening = Some(Opening { in_recovery: row.try_get(0)? == Some("t"), process_id });
        }
    }
    Ok(opening)
}
