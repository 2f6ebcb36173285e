//! An index on a key where it is: which calls it serves, and when it is advised.

use std::collections::BTreeMap;

use super::names::normalized;
use super::promotion::{PARTITIONS_MAX, no_plain_path, too_many};
use super::table::Column;
use crate::checks::number::whole;
use crate::model::observation::{DocumentIndex, KeyFilter, KeyShape, KeyWorkload};
use crate::model::{
    Action, Declined, DocumentKey, IndexedKey, KeyExpression, NAME_BYTES_MAX, Reached,
};

/// Different values in the sample from which on an index is read for one of them: where a value is that of more than one
/// row in twenty, nearly every page holds one, and the table is read whole.
const INDEXED_DISTINCT_MIN: u64 = 20;
/// Bytes of a value that an index takes for certain: a third of a page, less what may be added to it.
pub(super) const INDEXED_BYTES_MAX: u64 = 2000;
/// What is hung on the name of the index, and its two joints.
const SUFFIX_BYTES: usize = "__idx".len();

/// A key with how it is used and what its values are.
#[derive(Clone, Copy)]
pub(super) struct Used<'a> {
    pub(super) column: &'a Column<'a>,
    pub(super) key: &'a KeyWorkload,
    pub(super) seen: &'a DocumentKey,
}

/// Calls that an index finds the rows for.
pub(super) struct Served {
    pub(super) indexes: Vec<String>,
    pub(super) calls: u64,
}

impl Used<'_> {
    /// What the indexes that are there serve.
    pub(super) fn served(&self) -> Served {
        let (mut indexes, mut calls) = (Vec::new(), 0);
        for shape in &self.key.shapes {
            let Some(index) = self.index_for(shape) else { continue };
            if !indexes.contains(&index.index) {
                indexes.push(index.index.clone());
            }
            calls += shape.calls;
        }
        Served { indexes, calls: self.certain(calls) }
    }

    /// Those whose key is a parameter in the application's text may be any of them.
    fn certain(&self, calls: u64) -> u64 {
        calls.min(self.key.calls.saturating_sub(self.key.bound_calls))
    }

    fn is_selective(&self) -> bool {
        self.seen.distinct >= INDEXED_DISTINCT_MIN
    }

    fn index_for(&self, shape: &KeyShape) -> Option<&DocumentIndex> {
        // Partitions may have been indexed one by one, beside their root: the largest speaks for them.
        let table = self.column.table;
        let layouts = std::iter::once(table.layout).chain(table.leaf);
        let mut all = layouts.flat_map(|layout| &layout.document_indexes);
        all.find(|index| self.serves(index, shape))
    }

    fn serves(&self, index: &DocumentIndex, shape: &KeyShape) -> bool {
        let method = index.method.as_str();
        let expression = || self.expression(shape.reached?, shape.cast.as_deref());
        let is_printed = || expression().is_some_and(|one| one.is_printed_as(&index.first));
        self.is_selective()
            && match shape.filter {
                None => false,
                Some(KeyFilter::Contains) => {
                    method == "gin" && index.first == self.column.layout.name
                }
                Some(KeyFilter::Equality) => matches!(method, "btree" | "hash") && is_printed(),
                Some(KeyFilter::Range) => method == "btree" && index.default_class && is_printed(),
            }
    }

    /// What statements compare; none where an index cannot hold it.
    fn expression(&self, reached: Reached, cast: Option<&str>) -> Option<KeyExpression> {
        let cast = match cast {
            None | Some("text") => None,
            Some(name) => {
                let fits = self.seen.fits.as_deref().unwrap_or_default();
                Some(KeyExpression::cast_of(name, fits)?.to_owned())
            }
        };
        Some(KeyExpression {
            document: self.column.layout.name.clone(),
            path: self.seen.path.split('.').map(str::to_owned).collect(),
            reached,
            cast,
        })
    }

    /// The index that serves most of the other calls, and how many these are; or why there is none.
    pub(super) fn index(&self, check: &str) -> Result<(Action, u64), Declined> {
        let declined = |reason: &str, detail: String| Declined {
            check: check.to_owned(),
            object: self.column.key_object(self.seen),
            reason: reason.to_owned(),
            detail,
        };
        if let Some((reason, detail)) = self.hindrance() {
            return Err(declined(reason, detail));
        }
        let mut calls: BTreeMap<KeyExpression, u64> = BTreeMap::new();
        let unserved = |shape: &&KeyShape| self.index_for(shape).is_none();
        for shape in self.key.shapes.iter().filter(unserved) {
            let ordered = matches!(shape.filter, Some(KeyFilter::Equality | KeyFilter::Range));
            let reached = shape.reached.filter(|_| ordered);
            if let Some(one) = reached.and_then(|r| self.expression(r, shape.cast.as_deref())) {
                *calls.entry(one).or_default() += shape.calls;
            }
        }
        let Some((expression, calls)) = calls.into_iter().max_by_key(|(_, calls)| *calls) else {
            let detail = format!(
                "of {} calls none compares the key with a value by =, IN or a range in a way that an index may hold: one is \
                 never read for the value alone, and a cast that depends on the session is refused",
                self.key.calls
            );
            return Err(declined("no index on the expression would be read", detail));
        };
        Ok((self.action(expression), self.certain(calls)))
    }

    fn hindrance(&self) -> Option<(&'static str, String)> {
        let table = self.column.table;
        if let Some(why) = no_plain_path(&self.seen.path) {
            return Some(("no index: its path is no plain one", why.to_owned()));
        }
        if table.layout.inheritance {
            let detail = "an index of one table finds no rows of those it shares them with";
            return Some(("no index: inheritance", detail.to_owned()));
        }
        if !self.is_selective() {
            let detail = format!(
                "the sample has {} different values: for one that a row in {INDEXED_DISTINCT_MIN} has, the table is read whole",
                self.seen.distinct
            );
            return Some(("no index on the expression would be read", detail));
        }
        if self.seen.value_bytes_max > INDEXED_BYTES_MAX {
            let detail = format!("a value of {} bytes was met", self.seen.value_bytes_max);
            return Some(("no index: its values are too long", detail));
        }
        if table.partitions.len() > PARTITIONS_MAX {
            return Some(("no index: partitioned", too_many(table)));
        }
        let long = table.longest_name() + 1 + self.suffix().len() > NAME_BYTES_MAX;
        if long {
            return Some(("no index: no name is left for it", "choose one".to_owned()));
        }
        table.taken_by(&self.suffix()).map(|taken| {
            let detail = format!(
                "`{taken}` is there already: where it is invalid, drop it; else choose another"
            );
            ("no index: no name is left for it", detail)
        })
    }

    fn suffix(&self) -> String {
        let key = normalized(self.seen.path.rsplit('.').next().unwrap_or_default());
        let (table, document) = (self.column.table, &self.column.layout.name);
        let taken = table.longest_name() + key.len() + SUFFIX_BYTES + 1;
        let room = NAME_BYTES_MAX.saturating_sub(taken);
        let document = &document[..document.floor_char_boundary(room)];
        format!("{document}_{key}_idx")
    }

    fn action(&self, expression: KeyExpression) -> Action {
        let table = self.column.table;
        Action::IndexKey {
            object: self.column.key_object(self.seen),
            indexed: IndexedKey {
                table: table.name(),
                partitions: table.partitions.clone(),
                suffix: self.suffix(),
                expression,
                type_sql: self.seen.fits.clone().unwrap_or_else(|| "text".to_owned()),
                rows: whole(table.rows),
                shapes: self.key.shapes.clone(),
            },
        }
    }
}
