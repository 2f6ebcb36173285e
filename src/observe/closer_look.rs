//! The second round trip: columns, options, keys and counters of the chosen, true sizes of those to be sampled, and what the
//! server tells of the statements that use documents.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use tokio_postgres::types::Type;

use super::batch::{Rows, ask};
use super::gaps;
use super::source::{self, Source};
use super::texts::{TextRows, Texts};
use super::visit::Chosen;
use crate::model::observation::{Layout, ToastTable};
use crate::model::{Observation, Topic};
use crate::pg::{Error, Question, Session};

/// What was seen of the chosen relations.
pub(super) struct CloserLook {
    pub(super) layouts: Observation<Vec<Layout>>,
    pub(super) toast_tables: Observation<Vec<ToastTable>>,
    /// What the server tells of its statements, where that was asked.
    pub(super) texts: Option<Texts>,
    /// Bytes by relation, where they could be had.
    sizes: BTreeMap<i64, Sizes>,
}

/// True sizes of one relation.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sizes {
    oid: i64,
    heap_bytes: i64,
    toast_bytes: i64,
}

/// Why publications refuse updates.
const UNIDENTIFIED: &str = "it publishes updates and its replica identity does not allow them";

/// A relation whose rows cannot be updated as they should be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusal {
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

impl CloserLook {
    pub(super) async fn take(
        session: &mut Session,
        chosen: &Chosen,
        mut texts: Option<TextRows>,
    ) -> Result<Self, Error> {
        let about = About::of(chosen, session.facts().major);
        let mut tables = Rows::<ToastTable>::new(&source::TOAST_TABLES);
        let mut refusals = Rows::<Refusal>::new(&source::UPDATES_REFUSED);
        let mut unidentified = Rows::<Unidentified>::new(&source::UNIDENTIFIED_UPDATES);
        let mut layouts = Rows::<Layout>::new(&source::LAYOUTS);
        let mut sizes: Vec<Rows<Sizes>> =
            about.measured.iter().map(|_| Rows::new(&source::RELATION_SIZES)).collect();
        let mut asks = Vec::new();
        if !about.members.is_empty() {
            asks.push(tables.asked(about.all(&source::TOAST_TABLES, &about.members)));
        }
        if !about.laid_out.is_empty() {
            asks.push(layouts.asked(about.all(&source::LAYOUTS, &about.laid_out)));
        }
        if !about.updated.is_empty() {
            asks.push(refusals.asked(about.all(&source::UPDATES_REFUSED, &about.updated)));
            asks.push(unidentified.asked(about.all(&source::UNIDENTIFIED_UPDATES, &about.updated)));
        }
        // Each alone: one that is locked is waited for, and lost, alone.
        let measured = sizes.iter_mut().zip(&about.measured);
        asks.extend(measured.map(|(rows, oid)| rows.asked(about.one(*oid))));
        let of_relations = asks.len();
        asks.extend(texts.iter_mut().flat_map(|texts| texts.asks(about.major)));
        let mut answers = ask(session, asks).await?;
        let of_texts = answers.split_off(of_relations.min(answers.len()));
        let texts = texts.map(|texts| texts.finish(&of_texts));
        let mut answers = answers.into_iter();
        // About nothing nothing was asked, and nothing failed.
        let mut answer = |about: &[i64]| match about {
            [] => Ok(()),
            _ => answers.next().unwrap_or(Ok(())),
        };
        let toast_tables = tables.seen(&answer(&about.members));
        let layouts = layouts.seen(&answer(&about.laid_out));
        let refusals = refusals.seen(&answer(&about.updated));
        let unidentified = unidentified.seen(&answer(&about.updated));
        let refusals = all_refusals(refusals, unidentified);
        let sizes = sizes.into_iter().flat_map(|rows| rows.decoded);
        let sizes = sizes.map(|size| (size.oid, size)).collect();
        Ok(Self { layouts, toast_tables, texts, sizes }.completed(chosen, refusals))
    }

    /// With sizes and refusals joined to each table, and what nobody asked for told from what is not there.
    fn completed(mut self, chosen: &Chosen, refusals: Observation<BTreeMap<i64, Refusal>>) -> Self {
        let refusals = match refusals {
            Observation::Seen(refusals) => refusals,
            // What nobody knows to be allowed is not advised.
            Observation::Unseen(gap) => {
                self.toast_tables = Observation::Unseen(gap.clone());
                self.layouts = Observation::Unseen(gap);
                BTreeMap::new()
            }
        };
        if chosen.values.is_none() {
            self.toast_tables = Observation::Unseen(gaps::unasked(Topic::ToastTables));
        }
        if chosen.layouts.is_none() {
            self.layouts = Observation::Unseen(gaps::unasked(Topic::Layouts));
        }
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

/// Refusals by relation, those of publications among them; none where either could not be seen.
fn all_refusals(
    refusals: Observation<Vec<Refusal>>,
    unidentified: Observation<Vec<Unidentified>>,
) -> Observation<BTreeMap<i64, Refusal>> {
    let (refusals, unidentified) = match (refusals, unidentified) {
        (Observation::Seen(refusals), Observation::Seen(unidentified)) => (refusals, unidentified),
        (Observation::Unseen(gap), _) | (_, Observation::Unseen(gap)) => {
            return Observation::Unseen(gap);
        }
    };
    let mut all: BTreeMap<i64, Refusal> = refusals.into_iter().map(|r| (r.oid, r)).collect();
    for Unidentified { oid } in unidentified {
        let why = || Refusal { oid, why: UNIDENTIFIED.to_owned(), stores_anew: false };
        all.entry(oid).or_insert_with(why).stores_anew = false;
    }
    Observation::Seen(all)
}

/// Which relations the questions are about.
struct About {
    major: u32,
    members: Vec<i64>,
    laid_out: Vec<i64>,
    /// Those whose rows an action may update.
    updated: Vec<i64>,
    measured: BTreeSet<i64>,
}

impl About {
    fn of(chosen: &Chosen, major: u32) -> Self {
        let (values, layouts) = (chosen.values.as_ref(), chosen.layouts.as_ref());
        let samples = values.into_iter().flat_map(|choice| &choice.samples);
        let documents = layouts.into_iter().flat_map(|choice| &choice.documents);
        let leaves = documents.flat_map(|table| &table.leaves);
        let members = values.into_iter().flat_map(|choice| &choice.members);
        let rooted = layouts.into_iter().flat_map(|choice| &choice.documents);
        // The rows of a partitioned table are its partitions', and so are the triggers that fire for them.
        let rooted = rooted.flat_map(|table| table.leaves.iter().chain([&table.root]));
        let updated: BTreeSet<i64> = members.chain(rooted).copied().collect();
        Self {
            major,
            updated: updated.into_iter().collect(),
            members: values.map_or_else(Vec::new, |choice| choice.members.clone()),
            laid_out: layouts.map_or_else(Vec::new, |choice| choice.relations.clone()),
            measured: samples.chain(leaves).copied().collect(),
        }
    }

    fn all(&self, source: &Source, relations: &[i64]) -> Question {
        Question {
            source: source.name,
            sql: source.sql_for(self.major),
            parameters: vec![(Box::new(relations.to_vec()), Type::INT8_ARRAY)],
        }
    }

    fn one(&self, relation: i64) -> Question {
        let source = &source::RELATION_SIZES;
        Question {
            source: source.name,
            sql: source.sql_for(self.major),
            parameters: vec![(Box::new(relation), Type::INT8)],
        }
    }
}
