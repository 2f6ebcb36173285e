//! What shapes say of statements is what the planner makes of them: its conditions and sort keys name the same columns, by the
//! same operators.

use std::collections::BTreeSet;
use std::fs;

use database_optimizer::model::QualifiedName;
use database_optimizer::model::observation::{StatementShape, Subject};
use database_optimizer::sql::{Catalog, Column, Relation, statement};
use rstest::rstest;
use serde_json::Value as Json;

use crate::support::{TestDb, server};

/// The keys of a plan that are conditions, or what rows are ordered by.
const CONDITIONS: &[&str] = &[
    "Filter",
    "Index Cond",
    "Recheck Cond",
    "Hash Cond",
    "Merge Cond",
    "Join Filter",
    "Order By",
    "Sort Key",
    "One-Time Filter",
];

/// Operators that are looked for in conditions; the planner writes the others as it likes.
const OPERATORS: &[&str] = &[
    "@>", "<@", "?", "?|", "?&", "@?", "@@", "&&", "<->", "<=>", "<#>", "<+>", "->", "->>", "#>",
    "#>>", "~~", "~~*", "!~~", "~",
];

async fn catalog(db: &TestDb) -> Catalog {
    let mut tables = std::collections::BTreeMap::<QualifiedName, Vec<Column>>::new();
    let columns =
        "select n.nspname::text, c.relname::text, a.attname::text, a.atttypid = 'jsonb'::regtype
        from pg_class as c
            join pg_namespace as n on n.oid = c.relnamespace
            join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0
        where n.nspname = 'public' and c.relkind = 'r'
        order by c.oid, a.attnum";
    for row in db.client.query(columns, &[]).await.unwrap() {
        let name = QualifiedName { schema: row.get(0), name: row.get(1) };
        tables.entry(name).or_default().push(Column { name: row.get(2), json: row.get(3) });
    }
    let mut catalog = Catalog::default();
    for (name, columns) in tables {
        catalog.insert(name, Relation::Table(columns));
    }
    catalog
}

/// All conditions and sort keys of a plan, with tables it scans.
fn conditions(plan: &Json, found: &mut Vec<String>) {
    match plan {
        Json::Object(members) => {
            for (key, value) in members {
                let texts = match value {
                    _ if !CONDITIONS.contains(&key.as_str()) => Vec::new(),
                    Json::Array(keys) => keys.iter().filter_map(Json::as_str).collect(),
                    value => value.as_str().into_iter().collect(),
                };
                found.extend(texts.into_iter().map(without_literals));
                conditions(value, found);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| conditions(item, found)),
        _ => {}
    }
}

/// A condition without what stands in quotes.
fn without_literals(condition: &str) -> String {
    condition.split('\'').step_by(2).collect::<Vec<_>>().join(" ")
}

/// The operators among these that conditions have.
fn operators(conditions: &[String]) -> BTreeSet<String> {
    let words = conditions.iter().flat_map(|condition| condition.split([' ', '(', ')']));
    let known = words.filter(|word| OPERATORS.contains(word));
    known.map(str::to_owned).collect()
}

/// The columns that conditions name, of those that the catalog has: no two tables of these have a column of one name.
fn columns(conditions: &[String], known: &BTreeSet<String>) -> BTreeSet<String> {
    let words = conditions
        .iter()
        .flat_map(|condition| condition.split(|c: char| !c.is_alphanumeric() && c != '_'));
    words.filter(|word| known.contains(*word)).map(str::to_owned).collect()
}

/// Subjects of conditions and orders, with their operators.
fn told(shape: &StatementShape) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut columns, mut operators) = (BTreeSet::new(), BTreeSet::new());
    let mut subject = |subject: &Subject, operator: Option<&str>| {
        columns.extend(subject.columns.iter().map(|one| one.column.clone()));
        operators.extend(operator.map(str::to_owned));
        operators.extend(subject.applied.iter().map(|one| one.operator.clone()));
    };
    for block in &shape.blocks {
        for one in &block.predicates {
            subject(&one.subject, Some(&one.operator));
        }
        for one in &block.joins {
            subject(&one.left, Some(&one.operator));
            subject(&one.right, None);
        }
        for one in block.group_by.iter().chain(&block.distinct) {
            subject(one, None);
        }
        for one in &block.order_by {
            subject(&one.subject, None);
        }
    }
    (columns, operators)
}

async fn hold(db: &TestDb, file: &str, expected: usize) {
    let catalog = catalog(db).await;
    let known = "select attname::text from pg_attribute join pg_class c on c.oid = attrelid
        where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0";
    let known = db.client.query(known, &[]).await.unwrap();
    let known: BTreeSet<String> = known.iter().map(|row| row.get(0)).collect();
    let statements = fs::read_to_string(format!("tests/it/shapes/{file}")).unwrap();
    let mut held = 0;
    for sql in statements.lines() {
        let sql = sql.trim_end_matches(';');
        let explain = format!("explain (verbose, costs off, format json) {sql}");
        let plan: Json = db.client.query_one(&explain, &[]).await.unwrap().get(0);
        let mut found = Vec::new();
        conditions(&plan, &mut found);
        let shape = statement(sql, &catalog).unwrap().remove(0).shape;
        assert!(shape.is_complete(), "{sql}");
        let (of_columns, of_operators) = told(&shape);
        let planned = columns(&found, &known);
        assert!(planned.is_subset(&of_columns), "{sql}\n{planned:?}\n{of_columns:?}");
        let planned = operators(&found);
        let commuted = |operator: &String| {
            of_operators.contains(operator)
                || of_operators.contains(&database_optimizer::sql::commuted(operator))
        };
        assert!(planned.iter().all(commuted), "{sql}\n{planned:?}\n{of_operators:?}");
        held += 1;
    }
    assert_eq!(held, expected);
}

#[rstest]
#[case("pg16")]
#[case("pg18")]
#[tokio::test]
async fn shapes_name_the_columns_of_the_planners_conditions(#[case] member: &str) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    db.run(&fs::read_to_string("tests/it/shapes/tpch.schema.sql").unwrap()).await;
    hold(&db, "tpch.sql", 22).await;
    db.run(&fs::read_to_string("tests/it/shapes/schema.sql").unwrap()).await;
    hold(&db, "jsonb.sql", 40).await;
}

#[rstest]
#[case("pg16")]
#[case("pg18")]
#[tokio::test]
async fn shapes_name_the_distances_that_the_planner_orders_by(#[case] member: &str) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    db.run("create extension vector; create table items (id int primary key, tenant int, kind text, embedding vector(3))")
        .await;
    hold(&db, "vectors.sql", 20).await;
}
