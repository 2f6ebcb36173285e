//! The second round trip: columns, options, keys and counters of the chosen, true sizes of those to be sampled, and what the
//! server shows of the statements that use documents.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use tokio_postgres::types::Type;

use super::batch::{Batch, Slot};
use super::catalog::CatalogForest;
use super::common::{self, CommonDetail};
use super::look::Look;
use super::texts::{StatementTexts, TextLook};
use super::visit::{CatalogStage, Visit, VisitPlan};
use super::wal::WalDetail;
use super::{source, toast};
use crate::model::Observation;
use crate::model::observation::{Layout, ToastTable, Wal};
use crate::pg::Error;

/// What was seen of the chosen relations.
pub(super) struct DetailStage {
    pub(super) layouts: Observation<Vec<Layout>>,
    pub(super) toast_tables: Observation<Vec<ToastTable>>,
    /// What the server shows of its statements, where that was asked.
    pub(super) texts: Option<StatementTexts>,
    /// Definitions and sizes of the chosen indexes, and settings as they are written.
    pub(super) common: <CommonDetail as Look>::Seen,
    /// WAL, checkpoints, transactions and partitions.
    pub(super) wal: Box<Wal>,
    /// Bytes by relation, where they could be had.
    sizes: BTreeMap<i64, RelationSizes>,
}

/// True sizes of one relation.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct RelationSizes {
    oid: i64,
    heap_bytes: i64,
    toast_bytes: i64,
}

/// Why publications refuse updates.
const UNIDENTIFIED: &str = "it publishes updates and its replica identity does not allow them";

/// A relation whose rows cannot be updated as they should be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RelationRefusal {
    oid: i64,
    why: String,
    /// Whether one that changes how values are stored, and no value, is let through.
    stores_anew: bool,
}

/// A relation that publishes updates which its replica identity does not allow.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unidentified {
    oid: i64,
}

impl DetailStage {
    pub(super) async fn take(
        visit: &mut Visit<'_>,
        first: &mut CatalogStage,
        plan: &VisitPlan,
    ) -> Result<Self, Error> {
        let Visit { session, interest, looks } = visit;
        let mut batch = Batch::new(session.facts().major);
        let tables = TableLook::query(&mut batch, plan);
        let mut texts = first.texts(interest);
        if let Some(texts) = &mut texts {
            texts.query(&mut batch);
        }
        let mut common = CommonDetail::new();
        let mut wal = WalDetail::new(std::mem::take(&mut first.wal));
        let catalog = CatalogForest::from(&first.catalog);
        common.detail(&mut batch, &catalog, interest);
        wal.detail(&mut batch, &catalog, interest);
        looks.detail(&mut batch, &catalog, interest);
        batch.send(session).await?;
        let (layouts, toast_tables, sizes, refusals) = tables.seen();
        let (texts, common) = (texts.map(TextLook::seen), common.seen());
        let wal = wal.seen();
        Ok(Self { layouts, toast_tables, texts, common, wal, sizes }.completed(refusals))
    }

    /// With sizes and refusals joined to each table.
    fn completed(mut self, refusals: Observation<BTreeMap<i64, RelationRefusal>>) -> Self {
        let refusals = match refusals {
            Observation::Seen(refusals) => refusals,
            // What is not known to be allowed is not advised.
            Observation::Unseen(gap) => {
                let unseen = |was_queried: bool| was_queried.then(|| gap.clone());
                if let Some(gap) = unseen(self.toast_tables.get().is_ok()) {
                    self.toast_tables = Observation::Unseen(gap);
                }
                if let Some(gap) = unseen(self.layouts.get().is_ok()) {
                    self.layouts = Observation::Unseen(gap);
                }
                BTreeMap::new()
            }
        };
        if let Observation::Seen(tables) = &mut self.toast_tables {
            for table in tables {
                let refusal = refusals.get(&table.oid).filter(|refusal| !refusal.stores_anew);
                table.updates_refused = refusal.map(|refusal| refusal.why.clone());
                table.heap_bytes = self.sizes.get(&table.oid).map(|size| size.heap_bytes);
                table.toast_bytes = self.sizes.get(&table.oid).map(|size| size.toast_bytes);
            }
        }
        if let Observation::Seen(layouts) = &mut self.layouts {
            for layout in layouts {
                layout.updates_refused = refusals.get(&layout.oid).map(|r| r.why.clone());
                layout.heap_bytes = self.sizes.get(&layout.oid).map(|size| size.heap_bytes);
                layout.toast_bytes = self.sizes.get(&layout.oid).map(|size| size.toast_bytes);
            }
        }
        self
    }
}

type TablesSeen = (
    Observation<Vec<Layout>>,
    Observation<Vec<ToastTable>>,
    BTreeMap<i64, RelationSizes>,
    Observation<BTreeMap<i64, RelationRefusal>>,
);

/// The queries about the chosen tables.
struct TableLook {
    tables: Slot<ToastTable>,
    layouts: Slot<Layout>,
    refusals: Slot<RelationRefusal>,
    unidentified: Slot<Unidentified>,
    sizes: Vec<Slot<RelationSizes>>,
}

impl TableLook {
    fn query(batch: &mut Batch<'_>, plan: &VisitPlan) -> Self {
        let (values, layouts) = (plan.values.as_ref(), plan.layouts.as_ref());
        let members = values.map(|choice| choice.members.as_slice());
        let laid_out = layouts.map(|choice| choice.relations.as_slice());
        let updated = updated(plan);
        Self {
            tables: match members {
                Some(members) => batch.query_relations(&toast::TOAST_TABLES, members),
                None => Slot::unasked(&toast::TOAST_TABLES),
            },
            layouts: match laid_out {
                Some(laid_out) => batch.query_relations(&common::LAYOUTS, laid_out),
                None => Slot::unasked(&common::LAYOUTS),
            },
            refusals: batch.query_relations(&source::UPDATES_REFUSED, &updated),
            unidentified: batch.query_relations(&source::UNIDENTIFIED_UPDATES, &updated),
            // Each alone: one that is locked is waited for, and lost, alone.
            sizes: measured(plan).into_iter().map(|oid| size_of(batch, oid)).collect(),
        }
    }

    fn seen(self) -> TablesSeen {
        let refusals = all_refusals(self.refusals.rows(), self.unidentified.rows());
        let rows = self.sizes.into_iter().filter_map(|slot| match slot.rows() {
            Observation::Seen(rows) => Some(rows),
            // A table without a size is reported as locked where its sample would be.
            Observation::Unseen(_) => None,
        });
        let sizes = rows.flatten().map(|size| (size.oid, size)).collect();
        (self.layouts.rows(), self.tables.rows(), sizes, refusals)
    }
}

fn size_of(batch: &mut Batch<'_>, relation: i64) -> Slot<RelationSizes> {
    batch.query(&source::RELATION_SIZES, vec![(Box::new(relation), Type::INT8)])
}

/// Relations whose rows an action may update. The rows of a partitioned table are its partitions', and so are the
/// triggers that fire for them.
fn updated(plan: &VisitPlan) -> Vec<i64> {
    let members = plan.values.iter().flat_map(|choice| &choice.members);
    let documents = plan.layouts.iter().flat_map(|choice| &choice.documents);
    let rooted = documents.flat_map(|table| table.leaves.iter().chain([&table.root]));
    let updated: BTreeSet<i64> = members.chain(rooted).copied().collect();
    updated.into_iter().collect()
}

/// Relations whose size is needed.
fn measured(plan: &VisitPlan) -> BTreeSet<i64> {
    let samples = plan.values.iter().flat_map(|choice| &choice.samples);
    let documents = plan.layouts.iter().flat_map(|choice| &choice.documents);
    samples.chain(documents.flat_map(|table| &table.leaves)).copied().collect()
}

/// Refusals by relation, those of publications among them; none where either could not be seen.
fn all_refusals(
    refusals: Observation<Vec<RelationRefusal>>,
    unidentified: Observation<Vec<Unidentified>>,
) -> Observation<BTreeMap<i64, RelationRefusal>> {
    let (refusals, unidentified) = match (refusals, unidentified) {
        (Observation::Seen(refusals), Observation::Seen(unidentified)) => (refusals, unidentified),
        (Observation::Unseen(gap), _) | (_, Observation::Unseen(gap)) => {
            return Observation::Unseen(gap);
        }
    };
    let mut all: BTreeMap<i64, RelationRefusal> =
        refusals.into_iter().map(|r| (r.oid, r)).collect();
    for Unidentified { oid } in unidentified {
        let why = || RelationRefusal { oid, why: UNIDENTIFIED.to_owned(), stores_anew: false };
        all.entry(oid).or_insert_with(why).stores_anew = false;
    }
    Observation::Seen(all)
}
