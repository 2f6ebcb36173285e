//! What shapes say of statements is what the planner makes of them: its conditions and sort keys name the same columns, by the
//! same operators.

use std::collections::BTreeSet;
use std::fs;

use database_optimizer::model::QualifiedName;
use database_optimizer::model::observation::{StatementShape, Subject};
use database_optimizer::sql::{Catalog, CatalogRelation, Column, statement};
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
    "=", "<>", "<", "<=", ">", ">=", "@>", "<@", "?", "?|", "?&", "@?", "@@", "&&", "<->", "<=>",
    "<#>", "<+>", "->", "->>", "#>", "#>>", "~~", "~~*", "!~~", "~",
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
        catalog.insert(name, CatalogRelation::Table(columns));
    }
    catalog
}

/// All conditions and sort keys of a plan, with tables it scans.
fn conditions(plan: &Json, keys: &[&str], found: &mut Vec<String>) {
    match plan {
        Json::Object(members) => {
            for (key, value) in members {
                let texts = match value {
                    _ if !keys.contains(&key.as_str()) => Vec::new(),
                    Json::Array(texts) => texts.iter().filter_map(Json::as_str).collect(),
                    value => value.as_str().into_iter().collect(),
                };
                found.extend(texts.into_iter().map(without_literals));
                conditions(value, keys, found);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| conditions(item, keys, found)),
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

/// What a shape says: columns of conditions and of anything else, and operators.
#[derive(Default)]
struct Told {
    /// Columns of conditions, joins and orders.
    decisive: BTreeSet<String>,
    /// The same, and what rows are grouped by.
    columns: BTreeSet<String>,
    operators: BTreeSet<String>,
}

/// What the planner writes for the negation of an operator.
fn negated(operator: &str) -> &str {
    match operator {
        "=" => "<>",
        "<>" => "=",
        "<" => ">=",
        "<=" => ">",
        ">" => "<=",
        ">=" => "<",
        "~~" => "!~~",
        other => other,
    }
}

/// The operators that the planner writes for what a statement spells as words, and for the negation of an operator.
fn as_planned(operator: &str, under_not: bool) -> Vec<String> {
    let spelled: &[&str] = match operator {
        "in"
        | "= any"
        | "= all"
        | "any ="
        | "all ="
        | "is distinct from"
        | "is not distinct from" => &["="],
        "not in" | "<> all" | "<> any" => &["<>"],
        "between" => &[">=", "<="],
        "not between" => &["<", ">"],
        other => &[other],
    };
    let negations = spelled.iter().filter(|_| under_not).map(|operator| negated(operator));
    spelled.iter().copied().chain(negations).map(str::to_owned).collect()
}

/// Subjects of conditions and orders, with their operators.
fn told(shape: &StatementShape) -> Told {
    let mut told = Told::default();
    let columns = |subject: &Subject| -> Vec<String> {
        subject.columns.iter().map(|one| one.column.clone()).collect()
    };
    let applied = |subject: &Subject| -> Vec<String> {
        subject.applied.iter().flat_map(|one| as_planned(&one.operator, false)).collect()
    };
    for block in &shape.blocks {
        for one in &block.predicates {
            told.decisive.extend(columns(&one.subject));
            told.operators.extend(as_planned(&one.operator, one.under_not));
            told.operators.extend(applied(&one.subject));
        }
        for one in &block.joins {
            told.decisive.extend([columns(&one.left), columns(&one.right)].concat());
            told.operators.extend(as_planned(&one.operator, false));
            told.operators.extend([applied(&one.left), applied(&one.right)].concat());
        }
        for one in block.group_by.iter().chain(&block.distinct) {
            told.columns.extend(columns(one));
            told.operators.extend(applied(one));
        }
        for one in &block.order_by {
            told.decisive.extend(columns(&one.subject));
            told.operators.extend(applied(&one.subject));
        }
    }
    told.columns.extend(told.decisive.iter().cloned());
    told
}

/// What a shape and the plan of its statement do not both say.
fn differences(sql: &str, plan: &Json, known: &BTreeSet<String>, catalog: &Catalog) -> Vec<String> {
    let shape = statement(sql, catalog).unwrap().remove(0).shape;
    let mut different = Vec::new();
    if !shape.is_complete() {
        different.push(format!("not complete: {sql}"));
    }
    let told = told(&shape);
    let (mut decisive, mut all) = (Vec::new(), Vec::new());
    conditions(plan, CONDITIONS, &mut decisive);
    // A condition of a CASE, and what a hashed subplan is compared with, stand in what nodes put out.
    conditions(plan, &[CONDITIONS, &["Group Key", "Output"]].concat(), &mut all);
    let missed: Vec<_> = columns(&decisive, known).difference(&told.columns).cloned().collect();
    let invented: Vec<_> = told.decisive.difference(&columns(&all, known)).cloned().collect();
    let is_among = |operator: &str, all: &BTreeSet<String>| {
        all.contains(operator) || all.contains(&database_optimizer::sql::commuted(operator))
    };
    let planned = operators(&decisive);
    let unnamed: Vec<_> =
        planned.iter().filter(|operator| !is_among(operator, &told.operators)).cloned().collect();
    for (what, which) in
        [("columns missed", missed), ("columns invented", invented), ("operators missed", unnamed)]
    {
        if !which.is_empty() {
            different.push(format!("{what} {which:?}: {sql}"));
        }
    }
    different
}

async fn hold(db: &TestDb, file: &str, expected: usize) {
    let catalog = catalog(db).await;
    let known = "select attname::text from pg_attribute join pg_class c on c.oid = attrelid
        where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0";
    let known = db.client.query(known, &[]).await.unwrap();
    let known: BTreeSet<String> = known.iter().map(|row| row.get(0)).collect();
    let statements = fs::read_to_string(format!("tests/it/shapes/{file}")).unwrap();
    let statements: Vec<&str> = statements.lines().map(|sql| sql.trim_end_matches(';')).collect();
    assert_eq!(statements.len(), expected);
    let mut different = Vec::new();
    for sql in statements {
        let explain = format!("explain (verbose, costs off, format json) {sql}");
        let plan: Json = db.client.query_one(&explain, &[]).await.unwrap().get(0);
        different.extend(differences(sql, &plan, &known, &catalog));
        // Its text in pg_stat_statements has parameters for literals, and says the same of columns and operators.
        let normalised = normalised(db, sql).await;
        assert!(normalised.contains('$') || !sql.contains('\''), "{normalised}");
        different.extend(differences(&normalised, &plan, &known, &catalog));
    }
    assert!(different.is_empty(), "{}: {}", db.server.name, different.join("\n"));
}

/// A statement as `pg_stat_statements` has it once it has run.
async fn normalised(db: &TestDb, sql: &str) -> String {
    let reset = "select pg_stat_statements_reset(0, oid, 0) from pg_database where datname = current_database()";
    db.client.query(reset, &[]).await.unwrap();
    db.run(sql).await;
    let text = "select query from pg_stat_statements
        where dbid = (select oid from pg_database where datname = current_database()) and query not like '%pg_stat_statements%'";
    db.text(text).await
}

#[rstest]
#[tokio::test]
async fn shapes_name_the_columns_of_the_planners_conditions(
    #[values("pg14", "pg15", "pg16", "pg17", "pg18", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    db.run("create extension pg_stat_statements").await;
    db.run(&fs::read_to_string("tests/it/shapes/tpch.schema.sql").unwrap()).await;
    hold(&db, "tpch.sql", 22).await;
    db.run(&fs::read_to_string("tests/it/shapes/schema.sql").unwrap()).await;
    hold(&db, "jsonb.sql", 40).await;
}

#[rstest]
#[tokio::test]
async fn shapes_name_the_distances_that_the_planner_orders_by(
    #[values("pg15", "pg16", "pg17", "pg18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    db.run("create extension pg_stat_statements; create extension vector; create table items (id int primary key, tenant int, kind text, embedding vector(3))")
        .await;
    hold(&db, "vectors.sql", 20).await;
}
