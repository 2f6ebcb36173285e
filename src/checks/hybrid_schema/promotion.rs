//! A key of documents becomes a column, which several checks advise.

use super::indexing::INDEXED_BYTES_MAX;
use super::names::{column_name, normalized};
use super::table::{DocumentColumn, Table};
use crate::checks::number::{float, whole};
use crate::model::observation::{Documents, KeyShape, LayoutColumn};
use crate::model::{Action, Declined, DocumentKey, NAME_BYTES_MAX, Promotion, path_keys};

/// Partitions from which on their indexes are no matter of statements to be read: each is built, and attached, by one.
pub(super) const PARTITIONS_MAX: usize = 32;
/// Columns that every table has.
const SYSTEM_COLUMNS: [&str; 6] = ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];
/// Different values of a key, as a share of the documents that have it, below which no column that is unique holds them:
/// counted within a few per cent.
const SHARED_DISTINCT_MAX: f64 = 0.5;
/// What is hung on the names of what is made, at most.
const SUFFIX: &str = "_from_document";

/// The promotion of a key of a column's documents, for what statements do with it as far as that is known; or why it is
/// not advised.
pub(super) fn promote(
    check: &str,
    column: &DocumentColumn<'_>,
    key: &DocumentKey,
    shapes: &[KeyShape],
) -> Result<Action, Declined> {
    let table = column.table;
    let declined =
        |reason: &str, detail: &str| Declined::new(check, column.key_object(key), reason, detail);
    let Some(path) = path_keys(&key.path) else {
        return Err(declined("its path is no plain one", NO_PATH_OF_KEYS));
    };
    if let Some(there) = generated(column, &key.path) {
        let detail = format!("`{}` is generated from it: query that column", there.name);
        return Err(declined("a generated column holds it already", &detail));
    }
    if column.layout.generated.is_some() {
        return Err(declined("a generated column", GENERATED));
    }
    if table.is_materialized_view() {
        return Err(declined("a materialized view", "add the column to its query"));
    }
    if table.partitions.len() > PARTITIONS_MAX {
        return Err(declined("partitioned", &too_many(table)));
    }
    if table.layout.inheritance || table.layout.row_type_used {
        return Err(declined("inheritance", "other tables or columns have the shape of this one"));
    }
    if key.fits.as_deref() == Some("text") && key.value_bytes_max > INDEXED_BYTES_MAX {
        let detail = format!("a value of {} bytes was met", key.value_bytes_max);
        return Err(declined("its values are too long for an index", &detail));
    }
    if let Some(why) = table.updates_refused {
        return Err(declined("rows cannot be filled", why));
    }
    let Some(name) = column_names(column, &path).into_iter().find(|name| is_free(table, name))
    else {
        return Err(declined("no name is left for it", "choose one, and promote it yourself"));
    };
    let made = [format!("{name}_idx"), format!("{name}{SUFFIX}")];
    if let Some(taken) = made.iter().find_map(|suffix| table.taken_by(suffix)) {
        let detail = format!("`{taken}` is there already: rename it, or promote the key yourself");
        return Err(declined("no name is left for it", &detail));
    }
    Ok(Action::PromoteKey(Promotion {
        object: column.key_object(key),
        table: table.name(),
        partitions: table.partitions.clone(),
        document: column.layout.name.clone(),
        path,
        column: name,
        type_sql: key.fits.clone().unwrap_or_else(|| "text".to_owned()),
        rows: whole(table.rows * key.presence_ratio),
        bytes: table.bytes,
        shapes: shapes.to_vec(),
    }))
}

/// What the column of a key may be called. Where documents of another column have a key of that name, the name of its own
/// column goes behind it. None where another key of the documents, written otherwise, would be called the same.
fn column_names(column: &DocumentColumn<'_>, path: &[String]) -> Vec<String> {
    let mut plain = plain_names(column, path);
    let whole = whole_name(path);
    let takes_it = |other: &Vec<String>| {
        let comes_first = other.len() < path.len() || other.len() == path.len() && **other < *path;
        whole_name(other) == whole && comes_first && !(path.len() > 1 && plain.len() > 1)
    };
    if paths(column.documents).any(|other| takes_it(&other)) {
        return Vec::new();
    }
    let is_beside = |name: &str| {
        let mut beside = column.beside.iter().flat_map(|documents| paths(documents));
        beside.any(|other| last_name(&other) == name || whole_name(&other) == name)
    };
    plain.retain(|name| !is_beside(name));
    if plain.is_empty() {
        plain.push(format!("{whole}_of_{}", column_name(&column.layout.name)));
    }
    plain
}

/// The same as if no other column had documents: by its last name, or where that is taken, or what other keys of the
/// documents are called, by its whole path.
fn plain_names(column: &DocumentColumn<'_>, path: &[String]) -> Vec<String> {
    let (last, whole) = (last_name(path), whole_name(path));
    if path.len() < 2 {
        return vec![last];
    }
    let mut others = paths(column.documents).filter(|other| other != path);
    if others.any(|other| last_name(&other) == last) { vec![whole] } else { vec![last, whole] }
}

/// The paths of the keys of documents, without those within arrays.
pub(super) fn paths(documents: &Documents) -> impl Iterator<Item = Vec<String>> {
    documents.keys.iter().filter_map(|key| path_keys(&key.path))
}

/// The last name of a path, as a column.
pub(super) fn last_name(path: &[String]) -> String {
    column_name(path.last().map_or("", String::as_str))
}

/// All names of a path, as a column.
pub(super) fn whole_name(path: &[String]) -> String {
    let words: Vec<String> = path.iter().map(|key| column_name(key)).collect();
    words.join("_")
}

/// Whether a column of the table can be called so, and what is made beside it after it.
fn is_free(table: &Table<'_>, name: &str) -> bool {
    let room = NAME_BYTES_MAX.saturating_sub(SUFFIX.len() + 1);
    table.longest_name() + name.len() <= room
        && !SYSTEM_COLUMNS.contains(&name)
        && table.layout.column(name).is_none()
}

/// What a column that holds the key may be called, by us or by others.
pub(super) fn names_that_hold(column: &DocumentColumn<'_>, key: &DocumentKey) -> Vec<String> {
    let path = path_keys(&key.path).unwrap_or_default();
    [plain_names(column, &path), column_names(column, &path)].concat()
}

/// The column of the table that has the key's name, and may hold its values.
pub(super) fn column_called_like<'a>(
    column: &DocumentColumn<'a>,
    key: &DocumentKey,
) -> Option<&'a LayoutColumn> {
    let names = names_that_hold(column, key);
    let documents = float(column.count()) * key.presence_ratio;
    // What differs in each row is not what documents share.
    let is_shared = float(key.distinct) < SHARED_DISTINCT_MAX * documents;
    let layout = column.table.leaf.unwrap_or(column.table.layout);
    layout.columns.iter().find(|there| {
        let is_unique = there.not_null && there.distinct.is_some_and(|share| share <= -0.99);
        names.contains(&normalized(&there.name)) && !there.is_json() && !(is_unique && is_shared)
    })
}

/// The generated column that holds the key at this path, perhaps cast.
pub(super) fn generated<'a>(column: &DocumentColumn<'a>, path: &str) -> Option<&'a LayoutColumn> {
    let holds = |one: &&LayoutColumn| {
        one.holds.as_ref().is_some_and(|existing| {
            existing.document == column.layout.name && existing.path == path
        })
    };
    column.table.layout.columns.iter().find(holds)
}

/// Why a path is none that an expression or a column is made of.
pub(super) const NO_PATH_OF_KEYS: &str = "elements of arrays are several values of a row";

/// Why a key of a generated column becomes no column.
const GENERATED: &str = "a BEFORE trigger does not see its value, and no UPDATE may set it: derive the new column from those that \
     it is generated from";

/// Why a table of many partitions is left to its makers.
pub(super) fn too_many(table: &Table<'_>) -> String {
    format!(
        "it has {} partitions: an index of all of them is built without blocking writes by a statement for each, and \
         attached by another; from {PARTITIONS_MAX} on, generate these",
        table.partitions.len()
    )
}
