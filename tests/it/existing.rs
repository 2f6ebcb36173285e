//! What a review concludes from the tables of its target is what it concludes from the files that made them, and what the server
//! does.

use database_optimizer::analysis::{Runner, SqlFile, review};
use database_optimizer::model::{Confidence, ReportedFinding};
use database_optimizer::pg::Target;
use rstest::rstest;

use crate::support::blocked::hold_to_the_server;
use crate::support::{TestDb, server};

fn target(db: &TestDb) -> Target {
    Target::open("test", &db.dsn(), None).unwrap()
}

async fn reviewed(db: &TestDb, sql: &str) -> Vec<ReportedFinding> {
    let sql = format!("set lock_timeout = 1; {sql}");
    let files = vec![SqlFile { path: "m.sql".to_owned(), sql }];
    let reviewed = review(Some(&target(db)), files, Runner::Psql).await.unwrap();
    assert!(reviewed.gaps.is_empty(), "{:?}", reviewed.gaps);
    reviewed.findings
}

#[rstest]
#[case("pg15")]
#[case("pg18")]
#[case("deb19")]
#[tokio::test(flavor = "multi_thread")]
async fn what_the_target_proves_is_not_read_again(#[case] member: &str) {
    hold_to_the_server(member, async |db, _, statement| {
        let certain = reviewed(db, statement).await.into_iter().filter(|one| {
            // To detach a partition takes a lock, and reads nothing.
            one.confidence == Confidence::High && one.check != "migration/detach-not-concurrent"
        });
        certain.map(|one| one.message).collect()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_target_lacks_and_the_run_makes_is_waited_for_by_nobody() {
    let Some(server) = server("pg17") else { return };
    let db = TestDb::create(server).await;
    db.run("create table old (id int primary key, a int)").await;
    let file = |path: &str, sql: &str| SqlFile { path: path.to_owned(), sql: sql.to_owned() };
    let files = vec![
        file("1.sql", "create table new (id int primary key, a int);"),
        file(
            "2.sql",
            "create table if not exists old (id int); create table if not exists newer (id int primary key);",
        ),
        file(
            "3.sql",
            "set lock_timeout = 1; create index on new (a); create index on newer (id); create index on old (a);",
        ),
    ];
    let reviewed = review(Some(&target(&db)), files, Runner::Psql).await.unwrap();
    let found = reviewed.findings.iter();
    let found = found.filter(|one| one.check == "migration/index-not-concurrent");
    let messages: Vec<&str> = found.map(|one| one.message.as_str()).collect();
    assert!(messages.len() == 1 && messages[0].contains("`old`"), "{messages:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_type_of_a_column_is_known_however_many_larger_tables_there_are() {
    let Some(server) = server("pg17") else { return };
    let db = TestDb::create(server).await;
    db.run(
        "do $$ begin for n in 1..250 loop
            execute format('create table larger_%s as select i as id from generate_series(1, 500) as i', n);
            execute format('alter table larger_%s add primary key (id)', n);
        end loop; end $$;
        create table small (id int primary key, name varchar(10))",
    )
    .await;
    db.run("analyze").await;
    assert_eq!(reviewed(&db, "alter table small alter column name type text").await, []);
    let narrower = reviewed(&db, "alter table small alter column name type varchar(5)").await;
    assert_eq!(narrower.len(), 1, "{narrower:#?}");
    assert!(narrower[0].message.contains("from varchar(10) to varchar(5)"), "{narrower:#?}");
}
