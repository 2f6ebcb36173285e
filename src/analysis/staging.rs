//! Whether a staging table was emptied by a crash.

use jiff::Timestamp;

use super::{Error, within};
use crate::model::{Observation, QualifiedName, StagingReport};
use crate::observe;
use crate::pg::Target;

/// What became of a table that was loaded at `since`.
///
/// # Errors
/// Where the target cannot be used, or does not show the table: a lock, a time limit.
pub async fn staging(
    target: &Target,
    table: &QualifiedName,
    since: Option<Timestamp>,
) -> Result<StagingReport, Error> {
    let mut session = target.session().await.map_err(Error::Target)?;
    let seen = within(target, observe::staging_table(&mut session, table)).await?;
    session.finish();
    match seen {
        Observation::Seen(seen) => Ok(StagingReport::of(seen.as_ref(), since)),
        Observation::Unseen(gap) => {
            Err(Error::Unseen { target: target.name().to_owned(), detail: gap.detail })
        }
    }
}
