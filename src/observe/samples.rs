//! The third round trip: how values are stored, and what documents hold, from samples.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::batch::{Ask, ask_finally};
use super::choice::DocumentTable;
use super::closer_look::CloserLook;
use super::documents::{Budget, Extent, Sampled};
use super::tally::Counter;
use super::visit::{Chosen, FirstLook};
use super::{gaps, sample};
use crate::contract::{Contract, Registered};
use crate::model::observation::{
    ColumnDocuments, Layout, LayoutColumn, Relation, StoredValues, ToastTable,
};
use crate::model::{Gap, Observation, Topic};
use crate::pg::{Answer, Error, Question, ServerFacts, Session};

/// How long to wait for verdicts on documents, once all of them have come. Judging goes on while they come, and a
/// thousand keys take less than a millisecond: only a contract that was made to take long takes so long.
const JUDGING_MAX: Duration = Duration::from_secs(5);

type Samples = (Observation<Vec<StoredValues>>, Observation<Vec<ColumnDocuments>>);

/// Take all samples at once.
pub(super) async fn take(
    session: &mut Session,
    first: &FirstLook,
    chosen: &Chosen,
    closer: &CloserLook,
) -> Result<Samples, Error> {
    let facts = session.facts().clone();
    let mut values = ValueSamples::plan(first, chosen, closer, &facts);
    let mut documents = DocumentSamples::plan(first, chosen, closer);
    let mut asks: Vec<Ask<'_>> = Vec::new();
    if let Ok(values) = &mut values {
        asks.extend(values.asks(facts.major));
    }
    let of_values = asks.len();
    if let Ok(documents) = &mut documents {
        asks.extend(documents.asks(facts.major));
    }
    let answers = ask_finally(session, asks).await?;
    let (of_values, of_documents) = answers.split_at(of_values);
    if let Ok(documents) = &mut documents {
        documents.settle().await;
    }
    Ok((
        values.map_or_else(Observation::Unseen, |all| Observation::Seen(all.finish(of_values))),
        documents.map_or_else(Observation::Unseen, |all| {
            Observation::Seen(all.finish(of_documents, facts.major))
        }),
    ))
}

/// How the values of each relation are stored.
struct ValueSamples<'a> {
    asked: Vec<(&'a Relation, &'a ToastTable, Counter)>,
    /// Those that need no question, or may not be asked.
    settled: Vec<StoredValues>,
}

impl<'a> ValueSamples<'a> {
    fn plan(
        first: &'a FirstLook,
        chosen: &Chosen,
        closer: &'a CloserLook,
        facts: &ServerFacts,
    ) -> Result<Self, Gap> {
        let relations = first.relations.get().map_err(Clone::clone)?;
        let tables = closer.toast_tables.get().map_err(Clone::clone)?;
        let mut plan = Self { asked: Vec::new(), settled: Vec::new() };
        for oid in chosen.values.iter().flat_map(|choice| &choice.samples) {
            let relation = relations.iter().find(|relation| relation.oid == *oid);
            let table = tables.iter().find(|table| table.oid == *oid);
            if let (Some(relation), Some(table)) = (relation, table) {
                plan.add(relation, table, facts.in_recovery);
            }
        }
        Ok(plan)
    }

    fn add(&mut self, relation: &'a Relation, table: &'a ToastTable, in_recovery: bool) {
        let lost = in_recovery.then(|| gaps::left_on_the_primary(relation, table)).flatten();
        let sample = match gaps::unsampled(&relation.qualified_name(), table).or(lost) {
            Some(gap) => Observation::Unseen(gap),
            None if table.heap_bytes == Some(0) => {
                gaps::sampled(relation, Ok(Counter::new(table, 0.0).finish(table)))
            }
            None => {
                let counter = Counter::new(table, relation.rows_now(table.heap_bytes));
                return self.asked.push((relation, table, counter));
            }
        };
        self.settled.push(StoredValues { oid: relation.oid, sample });
    }

    fn asks(&mut self, major: u32) -> impl Iterator<Item = Ask<'_>> {
        self.asked.iter_mut().map(move |(relation, table, counter)| {
            let rows = relation.rows_now(table.heap_bytes);
            let sql = sample::sql(&relation.qualified_name(), table, rows, major);
            Ask {
                question: Question { source: "stored_values", sql, parameters: Vec::new() },
                on_row: Box::new(|row| counter.add(row)),
            }
        })
    }

    fn finish(self, answers: &[Answer]) -> Vec<StoredValues> {
        let mut samples = self.settled;
        for ((relation, table, counter), answer) in self.asked.into_iter().zip(answers) {
            let counted = answer.clone().map(|()| counter.finish(table));
            let sample = gaps::sampled(relation, counted);
            samples.push(StoredValues { oid: relation.oid, sample });
        }
        samples
    }
}

/// What the documents of each column hold.
struct DocumentSamples {
    asked: Vec<DocumentSample>,
    /// Columns that may not be read.
    hidden: Vec<ColumnDocuments>,
}

struct DocumentSample {
    oid: i64,
    column: String,
    sampled: Sampled,
    /// Rows of the whole table, and whether all its relations are asked.
    of: (f64, bool),
    /// Questions it asks.
    questions: usize,
}

impl DocumentSamples {
    fn plan(first: &FirstLook, chosen: &Chosen, closer: &CloserLook) -> Result<Self, Gap> {
        let Some(choice) = &chosen.layouts else { return Err(gaps::unasked(Topic::Documents)) };
        if let Some(gap) = first.documents_unseen() {
            return Err(gap.clone());
        }
        let relations = first.relations.get().map_err(Clone::clone)?;
        let layouts = closer.layouts.get().map_err(Clone::clone)?;
        let catalog = Catalog {
            relations: relations.iter().map(|relation| (relation.oid, relation)).collect(),
            layouts: layouts.iter().map(|layout| (layout.oid, layout)).collect(),
            contracts: &chosen.contracts,
        };
        let mut plan = Self { asked: Vec::new(), hidden: Vec::new() };
        for table in &choice.documents {
            let Some(root) = catalog.layouts.get(&table.root) else { continue };
            for column in root.columns.iter().filter(|column| column.is_json()) {
                match catalog.sample(table, column) {
                    Ok(sample) => plan.asked.push(sample),
                    Err(gap) => plan.hidden.push(ColumnDocuments {
                        oid: table.root,
                        column: column.name.clone(),
                        sample: Observation::Unseen(gap),
                        drift: None,
                    }),
                }
            }
        }
        Ok(plan)
    }

    fn asks(&mut self, major: u32) -> impl Iterator<Item = Ask<'_>> {
        self.asked.iter_mut().flat_map(move |sample| sample.sampled.asks(major))
    }

    /// Wait for the verdicts on documents that are judged. Nothing is held on the target meanwhile.
    async fn settle(&mut self) {
        let until = Instant::now() + JUDGING_MAX;
        for sample in &mut self.asked {
            sample.sampled.settle(until).await;
        }
    }

    fn finish(self, mut answers: &[Answer], major: u32) -> Vec<ColumnDocuments> {
        let mut columns = self.hidden;
        for sample in self.asked {
            let (own, rest) = answers.split_at(sample.questions.min(answers.len()));
            answers = rest;
            let (documents, drift, mut gaps) = sample.sampled.sum_up(own, sample.of, major);
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
struct Catalog<'a> {
    relations: BTreeMap<i64, &'a Relation>,
    layouts: BTreeMap<i64, &'a Layout>,
    contracts: &'a [Registered],
}

impl Catalog<'_> {
    /// The sample of one column, or why it cannot be taken.
    fn sample(&self, table: &DocumentTable, column: &LayoutColumn) -> Result<DocumentSample, Gap> {
        let mut leaves = Vec::new();
        for oid in &table.leaves {
            let (Some(relation), Some(layout)) = (self.relations.get(oid), self.layouts.get(oid))
            else {
                continue;
            };
            if let Some(gap) = gaps::unread_documents(relation, layout, &column.name) {
                return Err(gap);
            }
            let bytes = layout.heap_bytes.unwrap_or(0) + layout.toast_bytes.unwrap_or(0);
            let extent = Extent { rows: relation.rows_now(layout.heap_bytes), bytes };
            leaves.push((relation.qualified_name(), extent));
        }
        let questions = leaves.len();
        let rows = table.other_rows + leaves.iter().map(|(_, extent)| extent.rows).sum::<f64>();
        let contract = self.contract(table.root, &column.name);
        let budget = if contract.is_some() { Budget::JUDGED } else { Budget::EACH };
        let sampled = Sampled::new(&column.name, column.type_name == "json", leaves, budget);
        Ok(DocumentSample {
            oid: table.root,
            column: column.name.clone(),
            sampled: match contract {
                Some(contract) => sampled.judged_by(contract),
                None => sampled,
            },
            of: (rows, table.all),
            questions,
        })
    }

    /// The contract of a column.
    fn contract(&self, root: i64, column: &str) -> Option<Arc<Contract>> {
        let root = self.relations.get(&root)?;
        let of = |registered: &&Registered| registered.is_of(&root.schema, &root.name, column);
        self.contracts.iter().find(of).map(|registered| Arc::clone(&registered.contract))
    }
}
