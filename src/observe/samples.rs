//! The third round trip: how values are stored, and what documents hold, from samples; what names in statements mean.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::batch::{Batch, Receipt};
use super::choice::DocumentTable;
use super::detail::DetailStage;
use super::documents::{Budget, RelationExtent, Sampled};
use super::explained::{ExplainLook, Receipts};
use super::names::NameLook;
use super::texts::StatementTexts;
use super::toast::StorageCounter;
use super::visit::{CatalogStage, VisitPlan};
use super::{foreign_code, gaps, sample};
use crate::contract::{Contract, Registered};
use crate::model::observation::{
    ColumnDocuments, ForeignCode, Layout, LayoutColumn, Relation, StoredValues, ToastTable,
};
use crate::model::{Gap, Observation};
use crate::pg::{Error, Question, ServerFacts, Session};

/// How long to wait for verdicts on documents, once all of them have come. Judging goes on while they come, and a
/// thousand keys take less than a millisecond: only a contract that was made to take long takes so long.
const JUDGING_MAX: Duration = Duration::from_secs(5);

/// What the third round trip brought.
pub(super) struct SampleStage {
    pub(super) stored_values: Observation<Vec<StoredValues>>,
    pub(super) documents: Observation<Vec<ColumnDocuments>>,
    /// What became of the statements to explain.
    pub(super) receipts: Vec<Receipts>,
}

/// What is looked up about statements once their texts are there.
pub(super) struct StatementLook<'a> {
    /// Those to explain.
    pub(super) explain: Option<&'a mut ExplainLook>,
    /// Those whose names are looked up.
    pub(super) texts: Option<&'a mut StatementTexts>,
}

/// What the first two round trips brought, and what was chosen after the first.
pub(super) struct VisitStages<'v> {
    pub(super) first: &'v CatalogStage,
    pub(super) plan: &'v VisitPlan,
    pub(super) detail: &'v DetailStage,
}

/// Take all samples at once, explain what is to be explained, and look up what names in statements mean.
pub(super) async fn take(
    session: &mut Session,
    stages: &VisitStages<'_>,
    StatementLook { explain, texts }: StatementLook<'_>,
) -> Result<SampleStage, Error> {
    let trusted = session.trusts_code();
    let facts = session.facts().clone();
    let mut values = ValueSamples::plan(stages, &facts);
    let mut documents = DocumentSamples::plan(stages);
    let mut batch = Batch::new(facts.major);
    let of_values = values.as_mut().map(|values| values.query(&mut batch)).unwrap_or_default();
    if let Ok(documents) = &mut documents {
        documents.query(&mut batch);
    }
    let receipts = explain.map(|explain| explain.query(&mut batch, trusted)).unwrap_or_default();
    let texts = texts.filter(|texts| texts.name_something());
    let names = texts.is_some().then(|| NameLook::query(&mut batch));
    batch.send_finally(session).await?;
    if let (Some(texts), Some(names)) = (texts, names) {
        texts.names = names.seen();
    }
    if let Ok(documents) = &mut documents {
        documents.settle().await;
    }
    Ok(SampleStage {
        stored_values: values
            .map_or_else(Observation::Unseen, |all| Observation::Seen(all.finish(&of_values))),
        documents: documents
            .map_or_else(Observation::Unseen, |all| Observation::Seen(all.finish(facts.major))),
        receipts,
    })
}

/// A relation whose values are sampled.
#[derive(Clone, Copy)]
struct SampledRelation<'a> {
    relation: &'a Relation,
    table: &'a ToastTable,
}

/// How the values of each relation are stored.
struct ValueSamples<'a> {
    pending: Vec<(SampledRelation<'a>, StorageCounter)>,
    /// Those that need no question, or may not be asked.
    settled: Vec<StoredValues>,
}

impl<'a> ValueSamples<'a> {
    fn plan(stages: &VisitStages<'a>, facts: &ServerFacts) -> Result<Self, Gap> {
        let VisitStages { first, plan, detail } = *stages;
        let relations = first.catalog.relations.get()?;
        let tables = detail.toast_tables.get()?;
        let mut samples = Self { pending: Vec::new(), settled: Vec::new() };
        for oid in plan.values.iter().flat_map(|choice| &choice.samples) {
            let relation = relations.iter().find(|relation| relation.oid == *oid);
            let table = tables.iter().find(|table| table.oid == *oid);
            if let (Some(relation), Some(table)) = (relation, table) {
                let one = SampledRelation { relation, table };
                samples.add(one, &first.catalog.foreign_code, facts.in_recovery);
            }
        }
        Ok(samples)
    }

    fn add(
        &mut self,
        sampled: SampledRelation<'a>,
        foreign: &Observation<Vec<ForeignCode>>,
        in_recovery: bool,
    ) {
        let SampledRelation { relation, table } = sampled;
        let lost = in_recovery.then(|| gaps::left_on_the_primary(relation, table)).flatten();
        let name = relation.qualified_name();
        let observation = format!("stored_values of {}", name.to_sql());
        let refused = foreign_code::refusal(foreign, relation.oid, &name, &observation);
        let sample = match gaps::unsampled(&name, table).or(refused).or(lost) {
            Some(gap) => Observation::Unseen(gap),
            None if table.heap_bytes == Some(0) => {
                gaps::sampled(relation, Ok(StorageCounter::new(table, 0.0).finish(table)))
            }
            None => {
                let counter = StorageCounter::new(table, relation.rows_now(table.heap_bytes));
                return self.pending.push((sampled, counter));
            }
        };
        self.settled.push(StoredValues { oid: relation.oid, sample });
    }

    /// A receipt for each relation that is sampled.
    fn query<'b>(&'b mut self, batch: &mut Batch<'b>) -> Vec<(i64, Receipt)> {
        let major = batch.major();
        let query = |(sampled, counter): &'b mut (SampledRelation<'_>, StorageCounter)| {
            let SampledRelation { relation, table } = *sampled;
            let rows = relation.rows_now(table.heap_bytes);
            let sql = sample::sql(&relation.qualified_name(), table, rows, major);
            let question = Question::new("stored_values", sql);
            (relation.oid, batch.stream(question, |row| counter.add(row)))
        };
        self.pending.iter_mut().map(query).collect()
    }

    fn finish(self, receipts: &[(i64, Receipt)]) -> Vec<StoredValues> {
        let mut samples = self.settled;
        for (SampledRelation { relation, table }, counter) in self.pending {
            let receipt = receipts.iter().find(|(oid, _)| *oid == relation.oid);
            let sample = match receipt.and_then(|(_, receipt)| receipt.answer()) {
                Some(answer) => {
                    gaps::sampled(relation, answer.clone().map(|()| counter.finish(table)))
                }
                None => Observation::Unseen(gaps::unasked("stored_values")),
            };
            samples.push(StoredValues { oid: relation.oid, sample });
        }
        samples
    }
}

/// What the documents of each column hold.
struct DocumentSamples {
    pending: Vec<DocumentSampling>,
    /// Columns that may not be read.
    hidden: Vec<ColumnDocuments>,
}

struct DocumentSampling {
    oid: i64,
    column: String,
    sampled: Sampled,
    /// Rows of the whole table.
    rows: f64,
    /// Whether all its relations are asked.
    is_whole: bool,
}

impl DocumentSamples {
    fn plan(stages: &VisitStages<'_>) -> Result<Self, Gap> {
        let VisitStages { first, plan, detail } = *stages;
        let Some(choice) = &plan.layouts else { return Err(gaps::unasked("documents")) };
        if let Some(gap) = first.documents_unseen() {
            return Err(gap.clone());
        }
        let relations = first.catalog.relations.get()?;
        let layouts = detail.layouts.get()?;
        let catalog = RelationsById {
            relations: relations.iter().map(|relation| (relation.oid, relation)).collect(),
            layouts: layouts.iter().map(|layout| (layout.oid, layout)).collect(),
            foreign_code: &first.catalog.foreign_code,
            contracts: &plan.contracts,
        };
        let mut samples = Self { pending: Vec::new(), hidden: Vec::new() };
        for table in &choice.documents {
            let Some(root) = catalog.layouts.get(&table.root) else { continue };
            let wanted =
                |column: &&LayoutColumn| column.is_json() || catalog.may_hold_json(table, column);
            for column in root.columns.iter().filter(wanted) {
                match catalog.sample(table, column) {
                    Ok(sample) => samples.pending.push(sample),
                    // Nothing says that there are documents.
                    Err(_) if column.is_text() => {}
                    Err(gap) => samples.hidden.push(ColumnDocuments {
                        oid: table.root,
                        column: column.name.clone(),
                        sample: Observation::Unseen(gap),
                        drift: None,
                    }),
                }
            }
        }
        Ok(samples)
    }

    fn query<'b>(&'b mut self, batch: &mut Batch<'b>) {
        for sample in &mut self.pending {
            sample.sampled.query(batch);
        }
    }

    /// Wait for the verdicts on documents that are judged. Nothing is held on the target meanwhile.
    async fn settle(&mut self) {
        let until = Instant::now() + JUDGING_MAX;
        for sample in &mut self.pending {
            sample.sampled.settle(until).await;
        }
    }

    fn finish(self, major: u32) -> Vec<ColumnDocuments> {
        let mut columns = self.hidden;
        for sample in self.pending {
            let (documents, drift, mut gaps) =
                sample.sampled.sum_up(sample.rows, sample.is_whole, major);
            // A sample that ended early is none: what is missing may be what matters.
            let sample_or_gap = match gaps.pop() {
                Some(gap) => Observation::Unseen(gap),
                None => Observation::Seen(documents),
            };
            let (oid, column) = (sample.oid, sample.column);
            columns.push(ColumnDocuments { oid, column, sample: sample_or_gap, drift });
        }
        columns
    }
}

/// What is known of the relations, by their oids.
struct RelationsById<'a> {
    relations: BTreeMap<i64, &'a Relation>,
    layouts: BTreeMap<i64, &'a Layout>,
    foreign_code: &'a Observation<Vec<ForeignCode>>,
    contracts: &'a [Registered],
}

impl RelationsById<'_> {
    /// Whether a column of text may hold documents, by the statistics of the relations that hold its rows.
    fn may_hold_json(&self, table: &DocumentTable, column: &LayoutColumn) -> bool {
        let looks = |oid: &i64| {
            let of = self.layouts.get(oid).and_then(|layout| layout.column(&column.name));
            of.is_some_and(|column| column.looks_json)
        };
        column.is_text() && table.leaves.iter().any(looks)
    }

    /// The sample of one column, or why it cannot be taken.
    fn sample(
        &self,
        table: &DocumentTable,
        column: &LayoutColumn,
    ) -> Result<DocumentSampling, Gap> {
        let mut leaves = Vec::new();
        for oid in &table.leaves {
            let (Some(relation), Some(layout)) = (self.relations.get(oid), self.layouts.get(oid))
            else {
                continue;
            };
            if let Some(gap) = gaps::unread_documents(relation, layout, &column.name) {
                return Err(gap);
            }
            let name = relation.qualified_name();
            if let Some(gap) = foreign_code::refusal(self.foreign_code, *oid, &name, "documents") {
                return Err(gap);
            }
            let bytes = layout.heap_bytes.unwrap_or(0) + layout.toast_bytes.unwrap_or(0);
            let extent = RelationExtent { rows: relation.rows_now(layout.heap_bytes), bytes };
            leaves.push((name, extent));
        }
        let rows = table.other_rows + leaves.iter().map(|(_, extent)| extent.rows).sum::<f64>();
        let contract = self.contract(table.root, &column.name);
        let budget = if contract.is_some() { Budget::JUDGED } else { Budget::EACH };
        let sampled = Sampled::new(&column.name, column.type_name != "jsonb", leaves, budget);
        Ok(DocumentSampling {
            oid: table.root,
            column: column.name.clone(),
            sampled: match contract {
                Some(contract) => sampled.judged_by(contract),
                None => sampled,
            },
            rows,
            is_whole: table.all,
        })
    }

    /// The contract of a column.
    fn contract(&self, root: i64, column: &str) -> Option<Arc<Contract>> {
        let root = self.relations.get(&root)?;
        let of = |registered: &&Registered| registered.is_of(&root.schema, &root.name, column);
        self.contracts.iter().find(of).map(|registered| Arc::clone(&registered.contract))
    }
}
