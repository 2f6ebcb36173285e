//! Tables that are read while others wait: what a review says is what the server does, whatever was made of the tables before.

use database_optimizer::model::Severity;
use database_optimizer::review::{SqlFile, TargetTables, review};
use rstest::rstest;

use crate::support::blocked::{TABLES, hold_to_the_server};

#[rstest]
#[case("pg14")]
#[case("pg17")]
#[case("deb19")]
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_serious_where_the_server_reads_a_table_and_silent_where_it_does_not(
    #[case] member: &str,
) {
    hold_to_the_server(member, async |_, before, statement| {
        let file = |path: &str, sql: String| SqlFile { path: path.to_owned(), sql };
        let timeouts = "set lock_timeout = 1; set statement_timeout = 1;";
        let files = [
            file("0.sql", format!("{TABLES}\n{before};")),
            file("1.sql", format!("{timeouts}\n{statement};")),
        ];
        let reviewed = review(&files, &TargetTables::default(), &|| true);
        let found = reviewed.findings.into_iter().filter(|found| {
            found.severity == Severity::High && found.object.to_string().starts_with("1.sql")
        });
        found.map(|found| found.message).collect()
    })
    .await;
}
