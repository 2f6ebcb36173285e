//! Source `relations`, with what the indexes of each table add to it.

use std::collections::HashMap;

use serde::Deserialize;

use super::Interest;
use super::batch::{Batch, Slot};
use super::common;
use super::source::Source;
use crate::model::Observation;
use crate::model::observation::{Index, Relation};

static RELATIONS: Source =
    Source { name: "relations", variants: &[(14, include_str!("sql/relations.sql"))] };

static TABLE_INDEXES: Source =
    Source { name: "table_indexes", variants: &[(14, include_str!("sql/table_indexes.sql"))] };

/// What is known of the indexes of a table together.
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
        let sums = match (self.indexes.map(Slot::rows), indexes) {
            (Some(sums), _) => sums,
            (None, Observation::Seen(indexes)) => Observation::Seen(sums(indexes)),
            (None, Observation::Unseen(gap)) => Observation::Unseen(gap.clone()),
        };
        match (self.relations.rows(), sums) {
            (Observation::Seen(relations), Observation::Seen(sums)) => {
                Observation::Seen(with_indexes(relations, &sums))
            }
            (Observation::Unseen(gap), _) | (_, Observation::Unseen(gap)) => {
                Observation::Unseen(gap)
            }
        }
    }
}

fn sums(indexes: &[Index]) -> Vec<TableIndexes> {
    let mut by_table: HashMap<i64, TableIndexes> = HashMap::new();
    for index in indexes {
        let oid = index.table_oid;
        let table =
            by_table.entry(oid).or_insert(TableIndexes { oid, pages: 0, primary_key: false });
        table.pages += index.pages;
        table.primary_key |= index.is_primary;
    }
    by_table.into_values().collect()
}

fn with_indexes(mut relations: Vec<Relation>, sums: &[TableIndexes]) -> Vec<Relation> {
    let sums: HashMap<i64, &TableIndexes> = sums.iter().map(|one| (one.oid, one)).collect();
    for relation in &mut relations {
        let Some(indexes) = sums.get(&relation.oid) else { continue };
        (relation.index_pages, relation.primary_key) = (indexes.pages, indexes.primary_key);
    }
    relations
}
