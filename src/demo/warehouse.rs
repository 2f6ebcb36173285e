//! The warehouse: one SQL file a step.

use secrecy::SecretString;

use super::Error;
use super::database::connect;

/// How far the filling has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub of: usize,
    /// What is being done.
    pub step: &'static str,
}

static STEPS: &[&str] = &[
    include_str!("sql/01_schemas.sql"),
    include_str!("sql/02_features.sql"),
    include_str!("sql/03_predictions.sql"),
    include_str!("sql/04_documents.sql"),
    include_str!("sql/05_embeddings.sql"),
    include_str!("sql/06_document_embeddings.sql"),
    include_str!("sql/07_staging.sql"),
    include_str!("sql/08_events.sql"),
    include_str!("sql/09_statistics.sql"),
    include_str!("sql/10_workload.sql"),
];

/// Run every step. The session ends with the last one, and its counters are sent.
pub(super) async fn fill(
    dsn: &SecretString,
    mut on_progress: impl FnMut(Progress),
) -> Result<(), Error> {
    let client = connect(dsn).await.map_err(|problem| Error::Named { problem })?;
    for (done, sql) in STEPS.iter().enumerate() {
        let step = title(sql);
        on_progress(Progress { done, of: STEPS.len(), step });
        // Each alone: VACUUM runs outside a transaction block.
        for statement in sql.split(";\n") {
            let outcome = client.simple_query(statement).await;
            outcome.map_err(|source| Error::Fill { step, problem: problem(&source), source })?;
        }
    }
    on_progress(Progress { done: STEPS.len(), of: STEPS.len(), step: "done" });
    client.close().await;
    Ok(())
}

/// The first line of a step says what it fills.
fn title(sql: &'static str) -> &'static str {
    let line = sql.lines().next().unwrap_or_default();
    line.strip_prefix("-- title: ").unwrap_or(line)
}

fn problem(error: &tokio_postgres::Error) -> String {
    match error.code().map(tokio_postgres::error::SqlState::code) {
        Some("0A000" | "58P01" | "42704") => {
            "the server needs pgvector: install it there, or leave out --dsn".to_owned()
        }
        Some("42501") => "the role may not do this: it needs to create extensions".to_owned(),
        Some("53100") => "the server's disk is full".to_owned(),
        Some(code) => format!("the server refused it (SQLSTATE {code})"),
        None => "the connection was lost".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_says_what_it_fills() {
        for sql in STEPS {
            assert!(sql.starts_with("-- title: ") && title(sql).len() > 5, "{sql}");
        }
    }
}
