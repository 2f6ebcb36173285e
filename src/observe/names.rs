//! What names in statements mean: two questions of one round trip.

use serde::Deserialize;

use super::batch::{Batch, Slot};
use super::source;
use crate::model::Observation;
use crate::model::observation::{NamedColumn, NamedRelation, Names};
use crate::pg::{Error, Session};

/// The setting as the server prints it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchPath {
    database: String,
    path: Option<String>,
}

/// A table or view, with the names of its columns and of those that hold JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedRow {
    schema: String,
    name: String,
    view: Option<String>,
    columns: Vec<String>,
    documents: Vec<String>,
    root_schema: Option<String>,
    root_name: Option<String>,
}

impl From<NamedRow> for NamedRelation {
    fn from(named: NamedRow) -> Self {
        let NamedRow { schema, name, view, columns, documents, root_schema, root_name } = named;
        let column = |name: String| NamedColumn { json: documents.contains(&name), name };
        let columns = columns.into_iter().map(column).collect();
        Self { schema, name, view, columns, root_schema, root_name }
    }
}

/// The two queries about names.
pub(super) struct NameLook {
    relations: Slot<NamedRow>,
    path: Slot<SearchPath>,
}

impl NameLook {
    pub(super) fn query(batch: &mut Batch<'_>) -> Self {
        let relations = batch.query(&source::NAMES, vec![]);
        Self { relations, path: batch.query(&source::SEARCH_PATH, vec![]) }
    }

    pub(super) fn seen(self) -> Observation<Names> {
        let (database, path) = match self.path.row() {
            Observation::Seen(SearchPath { database, path }) => {
                (database, path.unwrap_or_default())
            }
            Observation::Unseen(gap) => return Observation::Unseen(gap),
        };
        match self.relations.rows() {
            Observation::Seen(named) => {
                let relations = named.into_iter().map(NamedRelation::from).collect();
                Observation::Seen(Names { database, search_path: schemas(&path), relations })
            }
            Observation::Unseen(gap) => Observation::Unseen(gap),
        }
    }
}

/// Look up every table and view by name.
///
/// # Errors
/// Only a lost connection.
pub async fn names(session: &mut Session) -> Result<Observation<Names>, Error> {
    let mut batch = Batch::new(session.facts().major);
    let names = NameLook::query(&mut batch);
    batch.send_finally(session).await?;
    Ok(names.seen())
}

/// The schemas of a `search_path`. That of a role's own name is another for each.
fn schemas(path: &str) -> Vec<String> {
    let parts = path.split(',').map(str::trim).filter(|part| !part.is_empty());
    let unquoted =
        parts.map(|part| match part.strip_prefix('"').and_then(|p| p.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\"\"", "\""),
            None => part.to_lowercase(),
        });
    unquoted.filter(|schema| schema != "$user").collect()
}

#[cfg(test)]
mod tests {
    use super::schemas;

    #[test]
    fn a_search_path_is_a_list_of_schemas_without_that_of_the_role() {
        assert_eq!(schemas("\"$user\", public"), ["public"]);
        assert_eq!(schemas("ml, \"Odd\"\"one\",Public"), ["ml", "Odd\"one", "public"]);
        assert_eq!(schemas(""), [] as [&str; 0]);
    }
}
