//! Primary keys.

use crate::ddl::Ddl;
use crate::ddl::statement::{brief, concurrent, rewriting, validation};
use crate::model::{
    AddedIdentity, AdoptedKey, Statement, pinned_index, quote_identifier, quote_literal,
};

/// Columns as a list in parentheses.
fn columns(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| quote_identifier(name)).collect();
    format!("({})", names.join(", "))
}

/// A unique index becomes the primary key; it is built first where it is not there yet.
pub(in crate::ddl) fn adopt(key: &AdoptedKey) -> Ddl {
    let (table, index) = (key.table.to_sql(), quote_identifier(&key.index));
    let mut statements = Vec::new();
    let mut caveats = Vec::new();
    if key.before.is_none() {
        let columns = columns(&key.columns);
        statements.push(concurrent(format!(
            "CREATE UNIQUE INDEX CONCURRENTLY {index} ON {table} {columns};"
        )));
        caveats.push(format!(
            "that the values are unique is what a sample says: where two rows share one, the first statement fails and \
             leaves an invalid index, to be dropped with DROP INDEX {index}"
        ));
    }
    statements.extend(key.nullable.iter().flat_map(|column| set_not_null(&table, column)));
    statements.push(brief(format!(
        "ALTER TABLE {table} ADD CONSTRAINT {index} PRIMARY KEY USING INDEX {index};"
    )));
    if !key.nullable.is_empty() {
        caveats.push("a row that holds NULL there makes VALIDATE fail; nothing else has changed then but the constraint it checks".to_owned());
    }
    let title = format!("Make {} the primary key of `{}`", columns(&key.columns), key.object);
    Ddl { title, statements, undo: abandon(&table, key), caveats, ..Ddl::default() }
}

/// The server takes a valid CHECK for its own scan, so no one is locked out while rows are checked.
fn set_not_null(table: &str, column: &str) -> Vec<Statement> {
    let constraint = quote_identifier(&format!("dbopt_{column}_not_null")).into_owned();
    let column = quote_identifier(column);
    vec![
        brief(format!(
            "ALTER TABLE {table} ADD CONSTRAINT {constraint} CHECK ({column} IS NOT NULL) NOT VALID;"
        )),
        validation(format!("ALTER TABLE {table} VALIDATE CONSTRAINT {constraint};")),
        brief(format!("ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;")),
        brief(format!("ALTER TABLE {table} DROP CONSTRAINT {constraint};")),
    ]
}

fn abandon(table: &str, key: &AdoptedKey) -> Vec<Statement> {
    let index = quote_identifier(&key.index);
    let mut undo = vec![brief(format!("ALTER TABLE {table} DROP CONSTRAINT {index};"))];
    undo.extend(key.nullable.iter().map(|column| {
        let column = quote_identifier(column);
        brief(format!("ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL;"))
    }));
    // The index went with the constraint.
    if let Some((definition, comment)) = &key.before {
        let definition = pinned_index(definition).sql.replacen(
            "CREATE UNIQUE INDEX ",
            "CREATE UNIQUE INDEX CONCURRENTLY ",
            1,
        );
        undo.push(concurrent(format!("{definition};")));
        if let Some(comment) = comment {
            let schema = table.split_once('.').map_or(table, |(schema, _)| schema);
            let comment = quote_literal(comment);
            undo.push(validation(format!("COMMENT ON INDEX {schema}.{index} IS {comment};")));
        }
    }
    undo
}

/// A column that the server counts up.
pub(in crate::ddl) fn add_identity(added: &AddedIdentity) -> Ddl {
    let (table, column) = (added.table.to_sql(), quote_identifier(&added.column));
    let megabytes = (added.bytes / 1_000_000).max(1);
    Ddl {
        title: format!("Give `{}` an identity column as its primary key", added.object),
        statements: vec![rewriting(format!(
            "ALTER TABLE {table} ADD COLUMN {column} bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;"
        ))],
        undo: vec![brief(format!("ALTER TABLE {table} DROP COLUMN {column};"))],
        preconditions: vec![
            "no combination of the present columns identifies a row; where one does, make that the key instead"
                .to_owned(),
        ],
        caveats: vec![
            format!("rewrites the table: {megabytes} MB of WAL, and {megabytes} MB of disk space until it ends"),
            "COPY and INSERT without a list of columns, and readers of SELECT *, meet one column more".to_owned(),
            "with logical replication, add the column on the subscribers first".to_owned(),
        ],
    }
}
