//! What names in statements mean: two questions of one round trip.

use serde::Deserialize;

use super::batch::{Ask, Rows, ask_finally, question};
use super::source;
use crate::model::Observation;
use crate::model::observation::{NamedRelation, Names};
use crate::pg::{Answer, Error, Session};

/// The setting as the server prints it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchPath {
    database: String,
    path: Option<String>,
}

/// What the two questions about names bring.
pub(super) struct NameRows {
    relations: Rows<NamedRelation>,
    path: Rows<SearchPath>,
}

impl NameRows {
    pub(super) fn new() -> Self {
        Self { relations: Rows::new(&source::NAMES), path: Rows::new(&source::SEARCH_PATH) }
    }

    /// Its questions, two.
    pub(super) fn asks(&mut self, major: u32) -> [Ask<'_>; 2] {
        [
            self.relations.asked(question(&source::NAMES, major)),
            self.path.asked(question(&source::SEARCH_PATH, major)),
        ]
    }

    /// What the answers to them say.
    pub(super) fn seen(self, answers: &[Answer]) -> Observation<Names> {
        let (database, path) = match self.path.one(&answers[1]) {
            Observation::Seen(SearchPath { database, path }) => {
                (database, path.unwrap_or_default())
            }
            Observation::Unseen(gap) => return Observation::Unseen(gap),
        };
        match self.relations.seen(&answers[0]) {
            Observation::Seen(relations) => {
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
    let major = session.facts().major;
    let mut names = NameRows::new();
    let asks = names.asks(major).into();
    let answers = ask_finally(session, asks).await?;
    Ok(names.seen(&answers))
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
