//! What is understood of statements that people and programs write.
//!
//! The `.sql` files are tables of statements, each followed by what it does with documents, one use a line. They are read
//! here, and each statement must do exactly that.

mod hostile;
mod text;

use super::*;
use crate::model::QualifiedName;

fn name(schema: &str, name: &str) -> QualifiedName {
    QualifiedName { schema: schema.to_owned(), name: name.to_owned() }
}

/// Columns by name; those with a star are documents.
fn table(columns: &str) -> CatalogRelation {
    let column = |name: &str| Column {
        name: name.trim_end_matches('*').to_owned(),
        json: name.ends_with('*'),
    };
    CatalogRelation::Table(columns.split(' ').map(column).collect())
}

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    let view = |text: &str| CatalogRelation::View(text.to_owned());
    for (schema, relation, is) in [
        ("public", "features", table("id user_id event_time data* name tags payload* tsv note")),
        ("public", "users", table("id email profile*")),
        ("public", "orders", table("id user_id data* total")),
        ("public", "logs", table("id message doc*")),
        ("archive", "features", table("id data*")),
        ("hr", "Users", table("id Doc*")),
        (
            "public",
            "active_features",
            view(
                " SELECT f.id, f.data, f.data -> 'user'::text AS usr FROM features f \
                 WHERE ((f.data ->> 'active'::text) = 'true'::text);",
            ),
        ),
        ("public", "nested_view", view("select * from active_features a")),
        ("public", "loop_view", view("select * from loop_view")),
    ] {
        catalog.insert(name(schema, relation), is);
    }
    catalog
}

/// What a text does with documents, one use a line.
fn uses(text: &str) -> String {
    let understood = match statement(text, &catalog()) {
        Ok(understood) => understood,
        Err(error) => return error.to_string(),
    };
    let mut lines = Vec::new();
    for statement in understood {
        lines.extend(statement.uses.iter().map(ToString::to_string));
        if statement.unresolved > 0 {
            lines.push(format!("unresolved {}", statement.unresolved));
        }
    }
    lines.join("\n")
}

/// The cases of a table: a statement, and its lines of `-->`.
fn cases(table: &str) -> impl Iterator<Item = (String, String)> {
    table.split("\n\n").map(|case| {
        let lines = case.lines().filter(|line| !line.starts_with("-- "));
        let (expected, sql): (Vec<_>, Vec<_>) = lines.partition(|line| line.starts_with("-->"));
        let expected: Vec<_> = expected.iter().map(|line| line[3..].trim()).collect();
        (sql.join("\n"), expected.join("\n"))
    })
}

fn hold(table: &str) {
    let mut wrong = Vec::new();
    for (sql, expected) in cases(table).filter(|(sql, _)| !sql.trim().is_empty()) {
        let found = uses(&sql);
        if found != expected {
            wrong.push(format!("{sql}\n  expected\n{expected}\n  found\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
}

#[test]
fn operators_are_followed_to_the_key_they_read() {
    hold(include_str!("operators.sql"));
}

#[test]
fn functions_are_followed_to_the_key_they_read() {
    hold(include_str!("functions.sql"));
}

#[test]
fn names_are_followed_to_the_column_they_mean() {
    hold(include_str!("resolution.sql"));
}

#[test]
fn writes_tell_which_keys_they_assign() {
    hold(include_str!("writes.sql"));
}

#[test]
fn what_drivers_and_tools_print_is_read() {
    hold(include_str!("drivers.sql"));
}
