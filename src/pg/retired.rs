//! Connections that were given up while a statement ran: each keeps its place among the few until its backend is gone.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::target::Connection;
use super::{Target, opening};

/// How long a last word to the server may take.
pub(super) const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait before each look whether the backend is gone, and whether to terminate it then. A cancelled statement
/// takes milliseconds; a server looks for a lost connection every second.
const LOOKS: [(Duration, bool); 6] = [
    (Duration::from_millis(50), false),
    (Duration::from_millis(200), false),
    (Duration::from_millis(1500), true),
    (Duration::from_secs(1), true),
    (Duration::from_secs(2), true),
    (Duration::from_secs(4), true),
];
/// How long a look may take.
const LOOK_MAX: Duration = Duration::from_secs(2);
/// How long to wait for one of the few connections for it.
const WAIT_MAX: Duration = Duration::from_millis(500);

/// Cancel what a connection runs, hang up, and free its place when its backend is gone, or cannot be seen for long.
pub(super) fn retire(target: Target, mut connection: Connection, process_id: Option<i32>) {
    let Some(cancel) = connection.hang_up() else { return };
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        let _ = timeout(CANCEL_TIMEOUT, cancel.send()).await;
        if let Some(process_id) = process_id {
            until_gone(&target, process_id).await;
        }
        drop(Connection::take(connection));
    });
}

async fn until_gone(target: &Target, process_id: i32) {
    for (pause, terminate) in LOOKS {
        sleep(pause).await;
        if !is_there(target, process_id, terminate).await {
            return;
        }
    }
}

/// Whether the backend still runs, or that could not be seen. A role may terminate its own.
///
/// Where all of the few connections run what cannot be cancelled, one more logs in for a moment: nothing else ends them.
async fn is_there(target: &Target, process_id: i32, terminate: bool) -> bool {
    let sql = look(process_id, terminate);
    if let Ok(Ok(mut connection)) = timeout(WAIT_MAX, target.connection()).await {
        let seen = match connection.client() {
            Some(client) => timeout(LOOK_MAX, opening::run(client, &sql)).await.ok(),
            None => None,
        };
        return if let Some(Ok(seen)) = seen {
            seen.is_some()
        } else {
            connection.hang_up();
            true
        };
    }
    if !terminate {
        return true;
    }
    let looked = timeout(LOOK_MAX, async {
        let connection = target.one_more().await.ok()?;
        opening::run(connection.client()?, &sql).await.ok()
    });
    !matches!(looked.await, Ok(Some(None)))
}

fn look(process_id: i32, terminate: bool) -> String {
    let first = if terminate { "pg_catalog.pg_terminate_backend(pid)" } else { "true" };
    format!(
        "begin transaction read only; set local search_path = ''; set local statement_timeout = '2s'; \
         select {first}, pid from pg_catalog.pg_stat_activity \
         where pid = {process_id} and usename = current_user and application_name = 'dbopt'; \
         rollback"
    )
}
