//! What an experiment makes: temporary tables, and on them what is advised, by the functions that write the advice. It is
//! rolled back, so nothing here has a lock, a name of its own or an undo.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::change::index::built_on;
use super::change::promotion::{create_function, create_trigger};
use super::change::renaming;
use super::new_index::BuiltIndex;
use crate::model::{ExistingIndex, KeyExpression, NewIndex, catalog_type, quote_identifier};

/// A column of a temporary table.
#[derive(Debug, Clone, Copy)]
pub struct CopiedColumn<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type as SQL writes it.
    pub data_type: &'a str,
    /// The storage strategy to set; absent for the type's own.
    pub storage: Option<&'a str>,
    /// The compression method to set; absent for the server's default.
    pub compression: Option<&'a str>,
}

/// A temporary table.
pub fn temporary_table(
    name: &str,
    columns: &[CopiedColumn<'_>],
    toast_tuple_target: Option<u32>,
) -> String {
    let defined: Vec<String> = columns
        .iter()
        .map(|column| format!("{} {}", quote_identifier(column.name), column.data_type))
        .collect();
    let mut sql = format!("create temp table {name} ({});", defined.join(", "));
    let alter = format!("alter table pg_temp.{name}");
    for column in columns {
        let quoted = quote_identifier(column.name);
        // Writing to a string cannot fail.
        if let Some(storage) = column.storage {
            let _ = write!(sql, "{alter} alter column {quoted} set storage {storage};");
        }
        if let Some(method) = column.compression {
            let _ = write!(sql, "{alter} alter column {quoted} set compression {method};");
        }
    }
    if let Some(bytes) = toast_tuple_target {
        let _ = write!(sql, "{alter} set (toast_tuple_target = {bytes});");
    }
    sql
}

/// A temporary table with the columns of another, stored the same way.
pub fn temporary_like(name: &str, other: &str) -> String {
    format!("create temp table {name} (like {other} including storage);")
}

/// An advised index, on another table.
pub fn index_on(table: &str, new: &NewIndex) -> String {
    built_on(table, new)
}

/// An index that is there already, on another table; none where its definition is not printed as expected.
pub fn same_index_on(table: &str, there: &ExistingIndex) -> Option<String> {
    let of = there.table.to_sql();
    // A role that may make temporary tables may have no right on the tablespace.
    let place = there
        .extras
        .tablespace
        .as_ref()
        .map(|name| format!(" TABLESPACE {}", quote_identifier(name)));
    let definition = there.definition.replacen(place.as_deref().unwrap_or_default(), "", 1);
    let (_, what) = [format!(" ON {of} USING "), format!(" ON ONLY {of} USING ")]
        .iter()
        .find_map(|place| definition.split_once(place))?;
    Some(format!("create index on {table} using {what};"))
}

/// An index on a key of documents, on another table.
pub fn key_index_on(table: &str, expression: &KeyExpression) -> String {
    BuiltIndex::of(format!("({})", expression.to_catalog_sql())).on_copy(table)
}

/// An index on a column.
pub fn column_index_on(table: &str, column: &str) -> String {
    BuiltIndex::of(quote_identifier(column).into_owned()).on_copy(table)
}

/// A key of documents that becomes a column.
#[derive(Debug, Clone, Copy)]
pub struct FilledColumn<'a> {
    /// The column.
    pub name: &'a str,
    /// Its type.
    pub type_sql: &'a str,
    /// The column of the documents.
    pub document: &'a str,
    /// The key's path, from the top.
    pub path: &'a [String],
}

/// The column, and the trigger that fills it, whose function gets this name.
pub fn filled_column(table: &str, column: FilledColumn<'_>, function: &str) -> String {
    let FilledColumn { name, type_sql, document, .. } = column;
    let name = quote_identifier(name);
    [
        format!("ALTER TABLE {table} ADD COLUMN {name} {};", catalog_type(type_sql)),
        create_function(function, column),
        create_trigger("dbopt_promoted", document, table, function),
    ]
    .concat()
}

/// A function that gives documents other keys.
pub fn renaming_function(function: &str, names: &BTreeMap<String, String>) -> String {
    renaming::create_function(function, names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IndexExtras, Object, QualifiedName};

    fn there(definition: &str) -> ExistingIndex {
        let name = |name: &str| QualifiedName { schema: "ml".to_owned(), name: name.to_owned() };
        ExistingIndex {
            object: Object::Table { schema: "ml".to_owned(), table: "Da ta".to_owned() },
            name: name("i"),
            table: name("Da ta"),
            definition: definition.to_owned(),
            partitions: Vec::new(),
            partitioned: false,
            extras: IndexExtras::default(),
            is_valid: true,
            caveats: Vec::new(),
        }
    }

    #[test]
    fn an_index_that_is_there_is_made_again_on_the_copy_with_everything_but_its_name() {
        let on = |definition: &str| same_index_on("pg_temp.copy", &there(definition));
        assert_eq!(
            on("CREATE INDEX \"a ON b USING c\" ON ml.\"Da ta\" USING gin (payload) WITH (fastupdate=off) WHERE (id > 1)"),
            Some("create index on pg_temp.copy using gin (payload) WITH (fastupdate=off) WHERE (id > 1);".to_owned())
        );
        let of_root = on("CREATE INDEX i ON ONLY ml.\"Da ta\" USING gin (payload)");
        assert_eq!(of_root, Some("create index on pg_temp.copy using gin (payload);".to_owned()));
        assert_eq!(on("CREATE INDEX i ON ml.other USING gin (payload)"), None);
        let mut fast = there(
            "CREATE INDEX i ON ml.\"Da ta\" USING gin (payload) TABLESPACE \"Fast SSD\" WHERE (id > 1)",
        );
        fast.extras.tablespace = Some("Fast SSD".to_owned());
        let copied = "create index on pg_temp.copy using gin (payload) WHERE (id > 1);".to_owned();
        assert_eq!(same_index_on("pg_temp.copy", &fast), Some(copied));
    }
}
