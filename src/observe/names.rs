//! What names in statements mean: one round trip.

use serde::Deserialize;

use super::batch::{Rows, ask_finally, question};
use super::source;
use crate::model::Observation;
use crate::model::observation::{NamedRelation, Names};
use crate::pg::{Error, Session};

/// The setting as the server prints it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchPath {
    database: String,
    path: Option<String>,
}

/// Look up every table and view by name.
///
/// # Errors
/// Only a lost connection.
pub async fn names(session: &mut Session) -> Result<Observation<Names>, Error> {
    let major = session.facts().major;
    let mut relations = Rows::<NamedRelation>::new(&source::NAMES);
    let mut path = Rows::<SearchPath>::new(&source::SEARCH_PATH);
    let asks = vec![
        relations.asked(question(&source::NAMES, major)),
        path.asked(question(&source::SEARCH_PATH, major)),
    ];
    let answers = ask_finally(session, asks).await?;
    let (database, path) = match path.one(&answers[1]) {
        Observation::Seen(SearchPath { database, path }) => (database, path.unwrap_or_default()),
        Observation::Unseen(gap) => return Ok(Observation::Unseen(gap)),
    };
    Ok(match relations.seen(&answers[0]) {
        Observation::Seen(relations) => {
            Observation::Seen(Names { database, search_path: schemas(&path), relations })
        }
        Observation::Unseen(gap) => Observation::Unseen(gap),
    })
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
