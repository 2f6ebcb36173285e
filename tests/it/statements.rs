//! Statements mean the same however they are written: a view's definition, as the server writes it, does with documents
//! what the statement does that someone wrote.

use std::fs;

use database_optimizer::model::QualifiedName;
use database_optimizer::sql::{Catalog, CatalogRelation, Column, statement};
use rstest::rstest;

use crate::support::{TestDb, server};

/// What the statements of `src/sql/tests` speak of.
const SCHEMA: &str = "
    create schema archive;
    create schema hr;
    create table features (id int, user_id int, event_time timestamptz, data jsonb, name text, tags text[], payload jsonb,
        tsv tsvector, note text);
    create table users (id int, email text, profile jsonb);
    create table orders (id int, user_id int, data jsonb, total int);
    create table logs (id int, message text, doc json);
    create table archive.features (id int, data jsonb);
    create table hr.\"Users\" (id int, \"Doc\" jsonb);
    create view active_features as
        select f.id, f.data, f.data -> 'user' as usr from features f where f.data ->> 'active' = 'true';
    create view nested_view as select * from active_features;";

const COLUMNS: &str = "
    select n.nspname::text, c.relname::text, a.attname::text, a.atttypid in ('json'::regtype, 'jsonb'::regtype),
        case when c.relkind = 'v' then pg_get_viewdef(c.oid) end
    from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0
    where n.nspname in ('public', 'archive', 'hr') and c.relkind in ('r', 'v')
    order by c.oid, a.attnum";

/// The catalog, from a server's own.
async fn catalog(db: &TestDb) -> Catalog {
    let mut catalog = Catalog::default();
    let mut tables = std::collections::BTreeMap::<_, Vec<Column>>::new();
    for row in db.client.query(COLUMNS, &[]).await.unwrap() {
        let name = QualifiedName { schema: row.get(0), name: row.get(1) };
        if let Some(definition) = row.get::<_, Option<String>>(4) {
            catalog.insert(name, CatalogRelation::View(definition));
            continue;
        }
        let column = Column { name: row.get(2), json: row.get(3) };
        tables.entry(name).or_default().push(column);
    }
    for (name, columns) in tables {
        catalog.insert(name, CatalogRelation::Table(columns));
    }
    catalog
}

/// The statements of the tables that a view can hold.
fn statements() -> Vec<String> {
    let tables = ["operators", "functions", "resolution", "drivers"];
    let read = |table| fs::read_to_string(format!("src/sql/tests/{table}.sql")).unwrap();
    let tables: Vec<_> = tables.into_iter().map(read).collect();
    let cases = tables.iter().flat_map(|table| table.split("\n\n"));
    let sql = |case: &str| {
        case.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join("\n")
    };
    let parameter = |sql: &String| (1..9).any(|number| sql.contains(&format!("${number}")));
    cases.map(sql).filter(|sql| !sql.trim().is_empty() && !parameter(sql)).collect()
}

fn uses(sql: &str, catalog: &Catalog) -> Vec<String> {
    let understood = statement(sql, catalog).unwrap_or_else(|error| panic!("{error}: {sql}"));
    understood[0].uses.iter().map(ToString::to_string).collect()
}

/// The definition of the view that a statement makes, if the server takes it. A view's columns need names of their own.
async fn rewritten(db: &TestDb, sql: &str) -> Option<String> {
    for columns in 1..10 {
        let names: Vec<_> = (0..columns).map(|number| format!("c{number}")).collect();
        let create = format!("create view v ({}) as {sql}", names.join(", "));
        if db.client.batch_execute(&create).await.is_ok() {
            let definition = db.text("select pg_get_viewdef('v'::regclass)").await;
            db.run("drop view v").await;
            return Some(definition);
        }
    }
    None
}

#[rstest]
#[case("pg14", 90)]
#[case("pg16", 90)]
#[case("pg18", 100)]
#[case("deb19", 100)]
#[tokio::test]
async fn what_the_server_makes_of_a_statement_means_the_same(
    #[case] member: &str,
    #[case] least: usize,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    db.run(SCHEMA).await;
    let catalog = catalog(&db).await;
    let mut compared = 0;
    for sql in statements() {
        let Some(definition) = rewritten(&db, &sql).await else { continue };
        compared += 1;
        assert_eq!(uses(&sql, &catalog), uses(&definition, &catalog), "{sql}\n{definition}");
    }
    assert!(compared >= least, "the server takes only {compared} statements");
}
