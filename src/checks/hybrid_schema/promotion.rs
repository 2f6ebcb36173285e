//! A key of documents becomes a column, which several checks advise.

use super::indexing::INDEXED_BYTES_MAX;
use super::names::{NAME_BYTES_MAX, normalized};
use super::table::Column;
use crate::checks::number::whole;
use crate::model::observation::KeyShape;
use crate::model::{Action, Declined, DocumentKey, Promotion};

/// What is hung on the names of what is made.
const SUFFIX_BYTES: usize = "_from_document".len();

/// The promotion of a key of a column's documents, for what statements do with it as far as that is known; or why it is
/// not advised.
pub(super) fn promote(
    check: &str,
    column: &Column<'_>,
    key: &DocumentKey,
    shapes: &[KeyShape],
) -> Result<Action, Declined> {
    let table = column.table;
    let declined = |reason: &str, detail: &str| Declined {
        check: check.to_owned(),
        object: column.key_object(key),
        reason: reason.to_owned(),
        detail: detail.to_owned(),
    };
    if key.path.contains(['"', '[']) {
        return Err(declined(
            "its path is no plain one",
            "elements of arrays are several values of a row",
        ));
    }
    if table.is_materialized_view() {
        return Err(declined("a materialized view", "add the column to its query"));
    }
    if table.is_partitioned() {
        return Err(declined(
            "partitioned",
            "an index of all partitions cannot be built without blocking writes in one statement; add the column and the \
             trigger to the root, and fill and index each partition alone",
        ));
    }
    if table.layout.inheritance || table.layout.row_type_used {
        return Err(declined("inheritance", "other tables or columns have the shape of this one"));
    }
    if key.fits.as_deref() == Some("text") && key.value_bytes_max > INDEXED_BYTES_MAX {
        let detail = format!("a value of {} bytes was met", key.value_bytes_max);
        return Err(declined("its values are too long for an index", &detail));
    }
    if let Some(why) = &table.layout.updates_refused {
        return Err(declined("rows cannot be filled", why));
    }
    let name = normalized(key.path.rsplit('.').next().unwrap_or_default());
    let long = table.root.name.len() + name.len() + SUFFIX_BYTES + 1 > NAME_BYTES_MAX;
    if long || table.layout.column(&name).is_some() {
        return Err(declined("no name is left for it", "choose one, and promote it by hand"));
    }
    Ok(Action::PromoteKey {
        object: column.key_object(key),
        promotion: Promotion {
            table: table.name(),
            document: column.layout.name.clone(),
            path: key.path.split('.').map(str::to_owned).collect(),
            column: name,
            type_sql: key.fits.clone().unwrap_or_else(|| "text".to_owned()),
            rows: whole(table.rows * key.presence_ratio),
            bytes: table.bytes,
            shapes: shapes.to_vec(),
        },
    })
}
