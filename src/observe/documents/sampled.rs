//! A column's sample: a part of each relation that holds its rows, counted together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::time::Instant;

use super::counter::DocumentCounter;
use super::judging::Judging;
use super::part::{Budget, RelationExtent, SamplePart};
use crate::contract::{self, Contract};
use crate::jsonb::GROUP_DOCUMENTS;
use crate::model::observation::{Documents, Drift, KeySample};
use crate::model::{Gap, QualifiedName};
use crate::observe::batch::{Batch, Receipt};
use crate::observe::gaps;
use crate::pg::Question;

/// A column's documents, sampled from one relation or several.
pub(in crate::observe) struct Sampled {
    column: String,
    leaves: Vec<SampledLeaf>,
    counter: Mutex<DocumentCounter>,
    /// What they promise.
    contract: Option<Arc<Contract>>,
    /// How they keep it, once all were judged.
    drift: Option<Drift>,
}

struct SampledLeaf {
    name: QualifiedName,
    part: SamplePart,
    /// Rows that came.
    rows: u64,
    /// Whether some of them were not counted: the visit had taken enough by then.
    is_cut: bool,
    receipt: Receipt,
}

impl Sampled {
    /// Of the column, of type `json` or not, in these relations, in proportion to their rows.
    pub(in crate::observe) fn new(
        column: &str,
        is_text: bool,
        leaves: Vec<(QualifiedName, RelationExtent)>,
        budget: Budget,
    ) -> Self {
        let total = leaves.iter().map(|(_, extent)| extent.rows).sum();
        let leaf = |(name, extent)| SampledLeaf {
            name,
            part: SamplePart::of(extent, total, budget),
            rows: 0,
            is_cut: false,
            receipt: Receipt::default(),
        };
        Self {
            column: column.to_owned(),
            leaves: leaves.into_iter().map(leaf).collect(),
            counter: Mutex::new(DocumentCounter::of(is_text)),
            contract: None,
            drift: None,
        }
    }

    /// Judge each document by a contract on the way.
    pub(in crate::observe) fn judged_by(self, contract: Arc<Contract>) -> Self {
        let of = Some(Judging::begin(Arc::clone(&contract)));
        self.counter.lock().unwrap_or_else(PoisonError::into_inner).judging = of;
        Self { contract: Some(contract), ..self }
    }

    /// Wait for the verdicts, until then at most.
    pub(in crate::observe) async fn settle(&mut self, until: Instant) {
        let counter = self.counter.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(judging) = counter.judging.take() {
            self.drift = Some(judging.end(until).await.into_drift());
        }
    }

    /// A query for each relation.
    pub(in crate::observe) fn query<'b>(&'b mut self, batch: &mut Batch<'b>) {
        let (counter, column, major) = (&self.counter, &self.column, batch.major());
        for SampledLeaf { name, part, rows, is_cut, receipt } in &mut self.leaves {
            let sql = part.sql(name, column, major);
            let taken = batch.documents();
            let on_row = move |row: &str| {
                *rows += 1;
                if !taken.has_room_for(row.len()) {
                    *is_cut = true;
                    return;
                }
                // Never contended: answers come one after the other.
                counter.lock().unwrap_or_else(PoisonError::into_inner).add(row);
            };
            let question = Question::new("documents", sql);
            *receipt = batch.stream(question, on_row);
        }
    }

    /// What was counted, of a table of so many rows on such a server, and what could not be seen of it. It is
    /// the `whole` table only if every relation was asked, and answered to the last row.
    pub(in crate::observe) fn sum_up(
        self,
        of_rows: f64,
        whole: bool,
        major: u32,
    ) -> (Documents, Option<Drift>, Vec<Gap>) {
        let failed = |leaf: &SampledLeaf| {
            let gap = match leaf.receipt.answer() {
                Some(Ok(())) if leaf.is_cut => return Some(gaps::too_many_documents(&leaf.name)),
                Some(answer) => gaps::failed("documents", answer.as_ref().err()?),
                None => gaps::unasked("documents"),
            };
            let (name, reason) = (leaf.name.to_sql(), gap.detail.clone());
            Some(Gap { detail: format!("the sample of `{name}` ended early: {reason}"), ..gap })
        };
        let gaps: Vec<Gap> = self.leaves.iter().filter_map(failed).collect();
        // Where more rows came than the statistics know of, there may be more yet.
        let ended = |leaf: &SampledLeaf| leaf.part.is_whole && leaf.rows < leaf.part.limit;
        let complete = whole && gaps.is_empty() && self.leaves.iter().all(ended);
        let counter = self.counter.into_inner().unwrap_or_else(PoisonError::into_inner);
        let documents = counter.sum_up(of_rows, complete, major);
        let contract = self.contract.as_deref();
        let drift = self.drift.zip(contract).map(|(drift, contract)| {
            let keys = keys(contract, &documents, &counter.presence());
            Drift { keys: Some(keys), ..drift }
        });
        (documents, drift, gaps)
    }
}

/// The keys of a sample that new and vanished ones are found against later.
fn keys(
    contract: &Contract,
    documents: &Documents,
    presence: &BTreeMap<String, (u64, u64)>,
) -> KeySample {
    let sample = &documents.sample;
    let count = sample.rows - sample.null_rows;
    KeySample {
        observed_at: Timestamp::now(),
        documents: count,
        groups: count.div_ceil(GROUP_DOCUMENTS),
        complete: sample.complete,
        keys_left_out: documents.keys_left_out > 0,
        keys: contract::names(contract, &documents.keys, presence),
    }
}
