//! An index on a key where it is: which calls it serves, and when it is advised.

use std::collections::{BTreeMap, BTreeSet};

use super::promotion::{NO_PATH_OF_KEYS, PARTITIONS_MAX, last_name, paths, too_many, whole_name};
use super::table::DocumentColumn;
use crate::checks::number::whole;
use crate::model::observation::{
    DocumentIndex, DocumentIndexKey, KeyFilter, KeyFind, KeyOrder, KeyShape, KeyWorkload,
};
use crate::model::{
    Action, Declined, DocumentKey, IndexedKey, KeyExpression, NAME_BYTES_MAX, path_keys,
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
pub(super) struct KeyInUse<'a> {
    pub(super) column: &'a DocumentColumn<'a>,
    pub(super) key: &'a KeyWorkload,
    pub(super) seen: &'a DocumentKey,
}

/// Calls that an index finds the rows for.
pub(super) struct Served {
    pub(super) indexes: Vec<String>,
    pub(super) calls: u64,
}

impl KeyInUse<'_> {
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
        all.find(|index| shape.finds.iter().any(|find| self.serves(index, find)))
    }

    fn serves(&self, index: &DocumentIndex, find: &KeyFind) -> bool {
        // A few rows of an order are read, however many have the same value.
        let few = matches!(find.filter, KeyFilter::Order | KeyFilter::Extreme);
        (few || self.is_selective()) && serves(index, find)
    }

    /// What a way of finding rows compares or orders by; none where an index cannot hold it, or would not serve it.
    fn expression(&self, find: &KeyFind) -> Option<KeyExpression> {
        let is_served = match find.filter {
            KeyFilter::Equality | KeyFilter::Range => self.is_selective(),
            KeyFilter::Extreme => true,
            // As one that ascends serves it, read from either end.
            KeyFilter::Order => {
                find.order.is_some_and(|order| order.descending == order.nulls_first)
            }
            _ => false,
        };
        let path = path_keys(&self.seen.path)?;
        let reached = find.reached.clone().filter(|one| one.is_text_of(path.len()) && is_served)?;
        let cast = match find.cast.as_deref() {
            None | Some("text") => None,
            Some(name) => {
                let fits = self.seen.fits.as_deref().unwrap_or_default();
                Some(KeyExpression::cast_of(name, fits)?.to_owned())
            }
        };
        Some(KeyExpression { document: self.column.layout.name.clone(), path, reached, cast })
    }

    /// The index that serves most of the other calls, and how many these are; or why there is none.
    pub(super) fn index(&self, check: &str) -> Result<(Action, u64), Declined> {
        let declined = |reason: &str, detail: String| {
            Declined::new(check, self.column.key_object(self.seen), reason, detail)
        };
        if let Some((reason, detail)) = self.blocker() {
            return Err(declined(reason, detail));
        }
        let mut calls: BTreeMap<KeyExpression, u64> = BTreeMap::new();
        let unserved = |shape: &&KeyShape| self.index_for(shape).is_none();
        for shape in self.key.shapes.iter().filter(unserved) {
            let expressions = shape.finds.iter().filter_map(|find| self.expression(find));
            for one in expressions.collect::<BTreeSet<_>>() {
                *calls.entry(one).or_default() += shape.calls;
            }
        }
        let Some((expression, calls)) = calls.into_iter().max_by_key(|(_, calls)| *calls) else {
            let detail = format!(
                "of {} calls none compares the key with a value by =, IN or a range, or asks for the first rows in its order, in \
                 a way that an index may hold: one is never read for the value alone, and a cast that depends on the session \
                 is refused",
                self.key.calls
            );
            return Err(declined("no index on the expression would be read", detail));
        };
        Ok((self.action(expression), self.certain(calls)))
    }

    fn blocker(&self) -> Option<(&'static str, String)> {
        let table = self.column.table;
        if path_keys(&self.seen.path).is_none() {
            return Some(("no index: its path is no plain one", NO_PATH_OF_KEYS.to_owned()));
        }
        if self.column.layout.generated == Some('v') {
            let detail =
                "PostgreSQL builds none on a virtual generated column: index its expression";
            return Some(("no index: a virtual generated column", detail.to_owned()));
        }
        if table.layout.inheritance {
            let detail = "an index of one table finds no rows of those it shares them with";
            return Some(("no index: inheritance", detail.to_owned()));
        }
        if !self.is_selective() && !self.is_ordered() {
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

    /// Whether some statement asks for the first rows in its order: an index serves that, whatever the values.
    fn is_ordered(&self) -> bool {
        let mut finds = self.key.shapes.iter().flat_map(|shape| &shape.finds);
        finds.any(|find| matches!(find.filter, KeyFilter::Order | KeyFilter::Extreme))
    }

    /// By the key's last name, or by its whole path where another key of the documents is called so.
    fn suffix(&self) -> String {
        let path = path_keys(&self.seen.path).unwrap_or_default();
        let others = || paths(self.column.documents).filter(|other| *other != path);
        let (last, whole) = (last_name(&path), whole_name(&path));
        let is_taken = others().any(|other| last_name(&other) == last);
        let before = others().filter(|other| whole_name(other) == whole && *other < path).count();
        let key = match (is_taken, before) {
            (false, _) => last,
            (true, 0) => whole,
            (true, _) => format!("{whole}_{}", before + 1),
        };
        let (table, document) = (self.column.table, &self.column.layout.name);
        let taken = table.longest_name() + key.len() + SUFFIX_BYTES + 1;
        let room = NAME_BYTES_MAX.saturating_sub(taken);
        let document = &document[..document.floor_char_boundary(room)];
        format!("{document}_{key}_idx")
    }

    fn action(&self, expression: KeyExpression) -> Action {
        let table = self.column.table;
        Action::IndexKey(IndexedKey {
            object: self.column.key_object(self.seen),
            table: table.name(),
            partitions: table.partitions.clone(),
            suffix: self.suffix(),
            expression,
            type_sql: self.seen.fits.clone().unwrap_or_else(|| "text".to_owned()),
            rows: whole(table.rows),
            shapes: self.key.shapes.clone(),
        })
    }
}

/// Whether PostgreSQL reads an index for such a condition or order, as its rules for matching expressions with indexes say.
/// A test holds this to `EXPLAIN`.
fn serves(index: &DocumentIndex, find: &KeyFind) -> bool {
    let method = index.method.as_str();
    let is_it = |key: &DocumentIndexKey| key.spelled == find.expression;
    let Some(position) = index.keys.iter().position(is_it) else { return false };
    let key = &index.keys[position];
    let equal = |key: &DocumentIndexKey| find.beside.contains(&key.spelled);
    let ordered = method == "btree" && index.keys[..position].iter().all(equal);
    let hashed = method == "hash";
    let of_these_rows = match &index.spelled_predicate {
        None => index.predicate.is_none(),
        // A comparison with NULL meets no row.
        Some(predicate) => {
            let of = predicate.strip_suffix(" is not null").unwrap_or_default();
            let same = of == find.expression || of == format!("({})", find.expression);
            same && !matches!(find.filter, KeyFilter::State | KeyFilter::Order)
        }
    };
    of_these_rows
        && match find.filter {
            KeyFilter::Equality | KeyFilter::Join => ordered || hashed,
            KeyFilter::Range | KeyFilter::Extreme => ordered && key.default_class,
            KeyFilter::State => ordered,
            KeyFilter::Order => {
                ordered && key.default_class && find.order.is_some_and(|order| is_order(key, order))
            }
            KeyFilter::Pattern => {
                let patterns = key.bytewise || key.class.ends_with("_pattern_ops");
                ordered && patterns || key.class.ends_with("_trgm_ops")
            }
            KeyFilter::Contains | KeyFilter::JsonPath => method == "gin",
            KeyFilter::Exists => method == "gin" && key.default_class,
        }
}

/// Whether an index yields the order, from one of its ends.
fn is_order(key: &DocumentIndexKey, order: KeyOrder) -> bool {
    let forwards = (key.descending, key.nulls_first) == (order.descending, order.nulls_first);
    let backwards = (key.descending, key.nulls_first) == (!order.descending, !order.nulls_first);
    forwards || backwards
}
