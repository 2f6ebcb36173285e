//! The tables that a migration names, as they are before it runs.

use tokio_postgres::types::Type;

use super::batch::Batch;
use super::source;
use crate::model::Observation;
use crate::model::observation::ExistingTable;
use crate::pg::{Error, QueryParameters, Session};

/// The tables of these names, in whatever schema, and what they are related to.
///
/// # Errors
/// Only a lost connection.
pub async fn existing_tables(
    session: &mut Session,
    names: Vec<String>,
) -> Result<Observation<Vec<ExistingTable>>, Error> {
    let mut batch = Batch::new(session.facts().major);
    let parameters: QueryParameters = vec![(Box::new(names), Type::TEXT_ARRAY)];
    let slot = batch.query::<ExistingTable>(&source::EXISTING_TABLES, parameters);
    batch.send_finally(session).await?;
    Ok(slot.rows())
}
