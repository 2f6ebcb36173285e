//! Whether reading a relation would run code of the target's own: looked at again right before, in the same transaction, for
//! what the visit saw may have changed.

use crate::model::{GapReason, QualifiedName, quote_literal};
use crate::pg::{Failure, Question, TrialError, TrialTransaction};

/// The source of the visit.
const SOURCE: &str = include_str!("../observe/sql/foreign_code.sql");

/// Why there is no proof.
pub(super) const REFUSED: &str = "reading the table would run code of the database's own";

/// The query: it has a row if the relation is not to be read.
fn sql(relation: &QualifiedName) -> String {
    let name = quote_literal(&relation.to_sql());
    format!(
        "select /* dbopt */ q.kind::pg_catalog.text from (\n{SOURCE}\n) as q \
         where q.oid = pg_catalog.to_regclass({name})::pg_catalog.oid::pg_catalog.int8 and not q.on_write"
    )
}

/// The same for a session.
pub(super) fn question(relation: &QualifiedName) -> Question {
    Question::new("foreign_code", sql(relation))
}

/// Refuse what a trial on a target is not to read.
pub(super) async fn refuse(
    trial: &TrialTransaction,
    trusts_code: bool,
    relation: &QualifiedName,
) -> Result<(), TrialError> {
    if trusts_code || trial.rows(&sql(relation)).await?.is_empty() {
        return Ok(());
    }
    let failure = Failure { reason: GapReason::ForeignCode, sqlstate: String::new() };
    Err(TrialError::Refused(failure))
}
