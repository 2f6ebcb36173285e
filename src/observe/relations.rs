//! Source `relations`, with what the indexes of each table add to it.

use std::collections::HashMap;

use serde::Deserialize;

use super::Interest;
use super::batch::{Batch, Slot};
use super::common;
use super::source::Source;
use crate::model::Observation;
use crate::model::observation::{Index, Relation};

static RELATIONS: Source = Source::new("relations", include_str!("sql/relations.sql"));

static TABLE_INDEXES: Source = Source::new("table_indexes", include_str!("sql/table_indexes.sql"));

/// What is known of an index of a table, or of several together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableIndexes {
    oid: i64,
    /// Pages when last counted.
    pages: i64,
    primary_key: bool,
}

/// Every table and materialized view. Where a visit reads each index, their sums need not be asked for.
pub(super) struct RelationLook {
    relations: Slot<Relation>,
    indexes: Option<Slot<TableIndexes>>,
}

impl RelationLook {
    pub(super) fn query(batch: &mut Batch<'_>, interest: &Interest) -> Self {
        Self {
            relations: batch.query(&RELATIONS, vec![]),
            indexes: (!common::reads_indexes(interest))
                .then(|| batch.query(&TABLE_INDEXES, vec![])),
        }
    }

    pub(super) fn seen(self, indexes: &Observation<Vec<Index>>) -> Observation<Vec<Relation>> {
        let indexes = match (self.indexes.map(Slot::rows), indexes) {
            (Some(sums), _) => sums,
            (None, Observation::Seen(indexes)) => {
                Observation::Seen(indexes.iter().map(TableIndexes::from).collect())
            }
            (None, Observation::Unseen(gap)) => Observation::Unseen(gap.clone()),
        };
        match (self.relations.rows(), indexes) {
            (Observation::Seen(relations), Observation::Seen(indexes)) => {
                Observation::Seen(with_indexes(relations, &indexes))
            }
            (Observation::Unseen(gap), _) | (_, Observation::Unseen(gap)) => {
                Observation::Unseen(gap)
            }
        }
    }
}

impl From<&Index> for TableIndexes {
    fn from(index: &Index) -> Self {
        Self { oid: index.table_oid, pages: index.pages, primary_key: index.is_primary }
    }
}

/// Each with its indexes, which may come one by one.
fn with_indexes(mut relations: Vec<Relation>, indexes: &[TableIndexes]) -> Vec<Relation> {
    let mut by_oid: HashMap<i64, &mut Relation> =
        relations.iter_mut().map(|relation| (relation.oid, relation)).collect();
    for one in indexes {
        let Some(relation) = by_oid.get_mut(&one.oid) else { continue };
        relation.index_pages += one.pages;
        relation.primary_key |= one.primary_key;
    }
    relations
}
