//! GIN indexes and their pending lists.

mod pending;

use std::cmp::Reverse;

use serde::Deserialize;

use super::Interest;
use super::batch::{Batch, Slot};
use super::catalog::CatalogForest;
use super::look::Look;
use super::source::Source;
use crate::model::observation::{Gin, GinIndex, ImpossibleRows, Index, KeyCount, PendingList};
use crate::model::{Families, Gap, GapReason, Observation, Topic};
use pending::{How, PendingListRead, read};

/// Indexes whose pending lists are read: half of them the most searched, half the largest.
const LISTS_MAX: usize = 200;

static GIN_INDEXES: Source = Source::new("gin_indexes", include_str!("sql/gin_indexes.sql"));

static PENDING_READER: Source =
    Source::new("pending_reader", include_str!("sql/pending_reader.sql"));

static IMPOSSIBLE_ROWS: Source =
    Source::new("impossible_rows", include_str!("sql/impossible_rows.sql"));

static GIN_PENDING: Source = Source::generated("gin_pending");

/// The sources of GIN indexes.
pub(super) struct GinLook {
    indexes: Slot<GinIndex>,
    reader: Slot<PendingListReader>,
    impossible_rows: Slot<ImpossibleRows>,
    /// The same as `indexes`, once the first round trip is over.
    seen: Option<Observation<Vec<GinIndex>>>,
    readings: Option<Vec<(i64, PendingListRead)>>,
}

/// Where `pgstatginindex` is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PendingListReader {
    schema: String,
}

impl GinLook {
    pub(super) fn new() -> Self {
        Self {
            indexes: Slot::unasked(&GIN_INDEXES),
            reader: Slot::unasked(&PENDING_READER),
            impossible_rows: Slot::unasked(&IMPOSSIBLE_ROWS),
            seen: None,
            readings: None,
        }
    }
}

impl Look for GinLook {
    type Seen = Gin;

    fn catalog(&mut self, batch: &mut Batch<'_>, interest: &Interest) {
        if interest.in_any(&[Topic::GIN, Topic::GIN_PENDING, Topic::GIN_KEYS]) {
            self.indexes = batch.query(&GIN_INDEXES, vec![]);
            self.impossible_rows = batch.query(&IMPOSSIBLE_ROWS, vec![]);
        }
        if interest.in_any(&[Topic::GIN_PENDING]) {
            self.reader = batch.query_together(&PENDING_READER);
        }
    }

    fn detail(&mut self, batch: &mut Batch<'_>, catalog: &CatalogForest<'_>, interest: &Interest) {
        let unasked = || Slot::unasked(&GIN_INDEXES);
        let mut seen = std::mem::replace(&mut self.indexes, unasked()).rows();
        if let Observation::Seen(indexes) = &mut seen {
            let families = &catalog.families;
            indexes.retain(|index| in_scope(families, index.table_oid, interest));
        }
        let reader = std::mem::replace(&mut self.reader, Slot::unasked(&PENDING_READER)).rows();
        let keys = interest.in_any(&[Topic::GIN_KEYS]);
        if (keys || interest.in_any(&[Topic::GIN_PENDING]))
            && let (Ok(indexes), Ok(all)) = (seen.get(), catalog.common.indexes.get())
        {
            let schema = reader.get().ok().and_then(|found| found.first()).map(|r| &*r.schema);
            let how = How { schema, keys };
            let chosen = chosen(all, indexes);
            let readings = chosen
                .into_iter()
                .map(|chosen| (chosen.index.oid, read(batch, how, chosen, catalog)));
            self.readings = Some(readings.collect());
        }
        self.seen = Some(seen);
    }

    fn seen(self) -> Gin {
        let (pending, keys) = match self.readings {
            None => (
                Slot::<PendingList>::unasked(&GIN_PENDING).rows(),
                Slot::<KeyCount>::unasked(&GIN_PENDING).rows(),
            ),
            Some(readings) => {
                let (mut lists, mut keys) = (Vec::new(), Vec::new());
                for (oid, reading) in readings {
                    let (pending, count) = reading.seen();
                    lists.push(PendingList { oid, pending });
                    keys.extend(count);
                }
                (Observation::Seen(lists), Observation::Seen(keys))
            }
        };
        Gin {
            indexes: self.seen.unwrap_or_else(|| self.indexes.rows()),
            pending,
            keys,
            impossible_rows: self.impossible_rows.rows(),
        }
    }
}

/// Whether the table, or one that it is a part of, is of interest.
fn in_scope(families: &Families<'_>, table: i64, interest: &Interest) -> bool {
    families.family(table).is_some_and(|family| family.is_in(&interest.scope))
}

/// An index whose list is read.
#[derive(Clone, Copy)]
struct ChosenIndex<'a> {
    index: &'a Index,
    gin: &'a GinIndex,
}

/// Those that hold entries: the most searched and the largest in turn.
fn chosen<'a>(all: &'a [Index], indexes: &'a [GinIndex]) -> Vec<ChosenIndex<'a>> {
    let of = |index: &'a Index| {
        let position = indexes.binary_search_by_key(&index.oid, |gin| gin.oid).ok()?;
        Some(ChosenIndex { index, gin: &indexes[position] })
    };
    let mut found: Vec<ChosenIndex<'_>> = all
        .iter()
        .filter(|index| index.method == "gin" && !index.partitioned)
        .filter_map(of)
        .collect();
    found.sort_by_key(|one| (Reverse(one.index.scans), one.index.oid));
    let least_searched = found.split_off(found.len().min(LISTS_MAX / 2));
    let mut rest = least_searched;
    rest.sort_by_key(|one| (Reverse(one.index.pages), one.index.oid));
    rest.truncate(LISTS_MAX / 2);
    found.extend(rest);
    found
}

/// Why a list was not read, where that is known before anything is asked.
fn unreadable(index: &Index, gin: &GinIndex) -> Option<Gap> {
    let name = index.qualified_name().to_sql();
    let gap = |reason, detail: String| Some(Gap::new("gin_pending", reason, detail));
    if gin.building {
        return gap(GapReason::Locked, format!("`{name}` is being built"));
    }
    if gin.key.is_none() {
        return gap(GapReason::Locked, format!("the table of `{name}` was locked"));
    }
    if !index.is_valid || !index.is_ready {
        return gap(
            GapReason::NotVisibleInSql,
            format!("`{name}` is invalid; the planner does not look at its pending list"),
        );
    }
    None
}
