//! Environment variables that begin like ours and are none: a typo in one would otherwise go unnoticed.

use super::{SETTINGS, secret_file_variables};
use crate::model::UnknownName;

/// Variables that no setting of the service has: those of the command line, and of scripts beside it.
const OTHERS: [&str; 6] =
    ["DBOPT_CONFIG", "DBOPT_DSN", "DBOPT_RUNNER", "DBOPT_LAB", "DBOPT_PG_BIN", "DBOPT_KEY"];

/// What Kubernetes sets in every pod beside a service that is called `dbopt`, and what only tests read.
const FOREIGN: [&str; 3] = ["DBOPT_SERVICE_", "DBOPT_PORT", "DBOPT_TEST_"];

/// A warning for each of these variables that begins like ours and is none. Those that end with `_DSN` are for targets
/// to name (`dsn_env`).
pub fn unknown_variables(names: impl Iterator<Item = String>) -> Vec<String> {
    let files: Vec<String> = secret_file_variables().collect();
    let settings = SETTINGS.iter().map(|setting| setting.env);
    let known: Vec<&str> = settings.chain(files.iter().map(String::as_str)).chain(OTHERS).collect();
    let mut unknown: Vec<String> = names
        .filter(|name| name.starts_with("DBOPT_") && !known.contains(&name.as_str()))
        .filter(|name| !name.ends_with("_DSN"))
        .filter(|name| !FOREIGN.iter().any(|prefix| name.starts_with(prefix)))
        .collect();
    unknown.sort();
    let warning = |name: String| {
        UnknownName::new("environment variable", &name, known.iter().copied()).to_string()
    };
    unknown.into_iter().map(warning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_named_with_what_was_meant_and_variables_of_others_are_not() {
        let names = [
            "DBOPT_LISTN",
            "DBOPT_STORE_URL_FILE",
            "DBOPT_DSN",
            "DBOPT_WAREHOUSE_DSN",
            "DBOPT_SERVICE_HOST",
            "DBOPT_PORT_8080_TCP_ADDR",
            "DBOPT_TEST_SERVERS",
            "PGHOST",
            "PATH",
        ];
        let names = names.into_iter().map(str::to_owned);
        assert_eq!(
            unknown_variables(names),
            ["unknown environment variable `DBOPT_LISTN`; did you mean `DBOPT_LISTEN`?"]
        );
    }
}
