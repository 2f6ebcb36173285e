//! The visit: three round trips, whatever the number of relations.

use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;
use serde::Deserialize;

use crate::contract::Registered;
use crate::model::observation::{
    ColumnContract, Context, Relation, Wal, Workload, WorkloadStatement,
};
use crate::model::{Observation, Policy, Scope, Snapshot, Topic};
use crate::pg::{Error, Session};

use super::batch::{Batch, Slot};
use super::catalog::{CatalogFacts, CatalogForest};
use super::choice::{Choice, LayoutChoice, choose, choose_layouts};
use super::common::CommonLook;
use super::detail::DetailStage;
use super::explained::{ExplainLook, ExplainedStatements};
use super::foreign_code::{self, ForeignLook};
use super::look::Look as _;
use super::relations::RelationLook;
use super::samples::{self, SampleStage, StatementLook, VisitStages};
use super::texts::{StatementTexts, TextLook, WorkloadSources};
use super::wal::WalLook;
use super::{documents, gaps, source};

/// What the caller is interested in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Interest {
    /// Schemas and tables to look at.
    pub scope: Scope,
    /// What to look at there; the server and its relations are looked at always.
    pub topics: BTreeSet<Topic>,
    /// Thresholds in force, for what the size of a table decides.
    pub policy: Policy,
    /// What documents are judged by.
    pub contracts: Vec<Registered>,
    /// Statements of the workload that was sent, where some are to be explained.
    pub statements: Vec<WorkloadStatement>,
}

/// What a visit saw.
pub struct Observed {
    /// What may be kept.
    pub snapshot: Snapshot,
    /// Texts of statements, where the workload is of interest. They hold literals.
    pub texts: Option<StatementTexts>,
    /// Statements that were explained, where plans are of interest. They hold literals.
    pub explained: Option<ExplainedStatements>,
}

impl Interest {
    /// Whether any of these topics is of interest.
    pub(super) fn in_any(&self, topics: &[Topic]) -> bool {
        topics.iter().any(|topic| self.topics.contains(topic))
    }
}

/// A visit while its round trips are made.
pub(super) struct Visit<'v> {
    pub(super) session: &'v mut Session,
    pub(super) interest: &'v Interest,
    pub(super) looks: Looks,
}

/// Look at everything of interest once. What cannot be read leaves a [`Gap`](crate::model::Gap), not an error.
///
/// Texts and plans of statements come beside the snapshot: they hold literals, and the snapshot may be kept.
///
/// # Errors
/// Only a lost connection.
pub async fn observe(session: &mut Session, interest: &Interest) -> Result<Observed, Error> {
    let observed_at = Timestamp::now();
    let mut visit = Visit { session, interest, looks: Looks::new() };
    let mut first = CatalogStage::take(&mut visit).await?;
    let plan = first.plan(interest);
    let mut detail = DetailStage::take(&mut visit, &mut first, &plan).await?;
    let mut texts = detail.texts.take();
    let explains = interest.in_any(&[Topic::PLANS]);
    let mut explain = texts
        .as_ref()
        .filter(|_| explains)
        .map(|texts| ExplainLook::choose(&first, texts, &interest.statements));
    let mut left_out = gaps::left_out(&plan);
    left_out.extend(detail.common.left_out(&first.catalog.common));
    if let Ok(relations) = first.catalog.relations.get() {
        if let (Some(choice), Ok(tables)) = (&plan.values, detail.toast_tables.get()) {
            left_out.extend(gaps::unread_columns(choice, relations, tables));
        }
        if let (Some(choice), Ok(layouts)) = (&plan.layouts, detail.layouts.get()) {
            left_out.extend(gaps::unseen_layouts(choice, relations, layouts));
        }
    }
    let statements = StatementLook { explain: explain.as_mut(), texts: texts.as_mut() };
    let stages = VisitStages { first: &first, plan: &plan, detail: &detail };
    let Visit { session, looks, .. } = visit;
    let sampled = Box::pin(samples::take(session, &stages, statements)).await?;
    let SampleStage { stored_values, documents, receipts } = sampled;
    let explained = explain.map(|explain| explain.seen(&receipts));
    let workload = first.workload();
    let CatalogFacts { context, relations, foreign_code, common } = first.catalog;
    let mut snapshot = Snapshot {
        cost: session.cost(),
        context,
        relations,
        foreign_code,
        common: detail.common.complete(common),
        wal: detail.wal,
        layouts: detail.layouts,
        documents,
        toast_tables: detail.toast_tables,
        stored_values,
        workload,
        contracts: interest.contracts.iter().map(registered).collect(),
        left_out,
        ..Snapshot::new(session.facts().clone().into(), observed_at)
    };
    looks.report(&mut snapshot);
    let texts = texts.filter(|_| interest.in_any(&[Topic::WORKLOAD, Topic::STATEMENTS]));
    Ok(Observed { snapshot, texts, explained })
}

fn registered(contract: &Registered) -> ColumnContract {
    let Registered { schema, table, column, before, .. } = contract.clone();
    ColumnContract { schema, table, column, before }
}

/// The server, the database and our role alone.
///
/// # Errors
/// Only a lost connection.
pub async fn context(session: &mut Session) -> Result<Observation<Context>, Error> {
    let mut batch = Batch::new(session.facts().major);
    let context = batch.query(&source::CONTEXT, vec![]);
    batch.send(session).await?;
    Ok(context.row())
}

macro_rules! define_looks {
    ($($(#[$doc:meta])* $part:ident: $type:ident, $look:ident;)*) => {
        /// What single superpowers look at in the round trips that all share.
        pub(super) struct Looks {
            $(pub(super) $part: super::$part::$look,)*
        }

        impl Looks {
            fn new() -> Self {
                Self { $($part: super::$part::$look::new(),)* }
            }

            /// The first round trip.
            fn catalog(&mut self, batch: &mut Batch<'_>, interest: &Interest) {
                $(self.$part.catalog(batch, interest);)*
            }

            /// The second.
            pub(super) fn detail(
                &mut self,
                batch: &mut Batch<'_>,
                catalog: &CatalogForest<'_>,
                interest: &Interest,
            ) {
                $(self.$part.detail(batch, catalog, interest);)*
            }

            /// What was seen, as parts of the snapshot.
            fn report(self, snapshot: &mut Snapshot) {
                $(*snapshot.$part = self.$part.seen();)*
            }
        }
    };
}

snapshot_parts!(define_looks);

/// The first round trip: the server, every relation from the raw catalogs, and which of them hold JSON.
pub(super) struct CatalogStage {
    pub(super) catalog: CatalogFacts,
    json_tables: Observation<Vec<JsonTable>>,
    /// WAL, checkpoints, transactions and partitions.
    pub(super) wal: Box<Wal>,
    /// What can be had of the workload; absent where it is of no interest.
    workload_sources: Option<Observation<WorkloadSources>>,
}

/// What the second and third round trips look at; absent where it is of no interest.
#[derive(Debug, Default)]
pub(super) struct VisitPlan {
    /// Relations whose stored values are looked at.
    pub(super) values: Option<Choice>,
    /// Tables whose columns and documents are.
    pub(super) layouts: Option<LayoutChoice>,
    /// What their documents are judged by.
    pub(super) contracts: Vec<Registered>,
}

/// A relation with a column of JSON, or a table with one of text that may hold some.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonTable {
    oid: i64,
    /// Whether a column is of type `json` or `jsonb`.
    json: bool,
}

/// What the first round trip asks.
struct CatalogLook {
    context: Slot<Context>,
    relations: RelationLook,
    foreign_code: ForeignLook,
    common: CommonLook,
    wal: WalLook,
    json_tables: Slot<JsonTable>,
    workload_sources: Option<Slot<WorkloadSources>>,
}

impl CatalogLook {
    fn query(batch: &mut Batch<'_>, trusted: bool, interest: &Interest, looks: &mut Looks) -> Self {
        let (mut common, mut wal) = (CommonLook::new(), WalLook::new());
        common.catalog(batch, interest);
        wal.catalog(batch, interest);
        looks.catalog(batch, interest);
        let workload = interest.in_any(&[Topic::WORKLOAD, Topic::STATEMENTS]);
        let json = workload || interest.in_any(&[Topic::LAYOUTS, Topic::DOCUMENTS]);
        let texts = workload || interest.in_any(&[Topic::PLANS]);
        Self {
            context: batch.query(&source::CONTEXT, vec![]),
            relations: RelationLook::query(batch, interest),
            foreign_code: foreign_code::query(batch, trusted, interest),
            common,
            wal,
            json_tables: if json {
                batch.query(&documents::JSON_TABLES, vec![])
            } else {
                Slot::unasked(&documents::JSON_TABLES)
            },
            workload_sources: texts.then(|| batch.query_together(&source::WORKLOAD_SOURCES)),
        }
    }
}

impl CatalogStage {
    async fn take(visit: &mut Visit<'_>) -> Result<Self, Error> {
        let Visit { session, interest, looks } = visit;
        let mut batch = Batch::new(session.facts().major);
        let look = CatalogLook::query(&mut batch, session.trusts_code(), interest, looks);
        batch.send(session).await?;
        let common = look.common.seen();
        let relations = look.relations.seen(&common.indexes);
        Ok(Self {
            json_tables: json_tables(look.json_tables.rows(), &relations),
            catalog: CatalogFacts {
                context: look.context.row(),
                relations,
                foreign_code: look.foreign_code.seen(),
                common,
            },
            wal: Box::new(look.wal.seen()),
            workload_sources: look.workload_sources.map(Slot::row),
        })
    }

    /// What to ask of the workload: for keys of documents nothing where no table has documents.
    pub(super) fn texts(&self, interest: &Interest) -> Option<TextLook> {
        let sources = self.workload_sources.as_ref()?.get().ok()?;
        let to_explain = || {
            let explains = interest.in_any(&[Topic::PLANS]);
            explains.then(|| TextLook::to_explain(sources.clone()))
        };
        let Ok(tables) = self.json_tables.get() else { return to_explain() };
        let tables = tables.iter().filter(|table| table.json);
        let tables: Vec<i64> = tables.map(|table| table.oid).collect();
        let documents = interest.in_any(&[Topic::WORKLOAD]) && !tables.is_empty();
        if !documents && !interest.in_any(&[Topic::STATEMENTS]) {
            return to_explain();
        }
        Some(TextLook::about(tables, sources.clone()))
    }

    /// What is known of the workload before any text is read.
    fn workload(&self) -> Observation<Workload> {
        match (&self.workload_sources, &self.json_tables) {
            (Some(Observation::Unseen(gap)), _) => Observation::Unseen(gap.clone()),
            // Where there are no documents, none are used.
            (Some(_), Observation::Seen(tables)) if tables.iter().all(|table| !table.json) => {
                Observation::Seen(Workload::default())
            }
            _ => Observation::Unseen(gaps::no_statements()),
        }
    }

    fn plan(&self, interest: &Interest) -> VisitPlan {
        let Ok(relations) = self.catalog.relations.get() else { return VisitPlan::default() };
        let json: Vec<i64> = self
            .json_tables
            .get()
            .map_or_else(|_| Vec::new(), |all| all.iter().map(|t| t.oid).collect());
        let values = interest.in_any(&[Topic::TOAST_TABLES, Topic::STORED_VALUES]);
        let layouts = interest.in_any(&[Topic::LAYOUTS, Topic::DOCUMENTS]);
        VisitPlan {
            values: values.then(|| choose(relations, interest)),
            layouts: layouts.then(|| choose_layouts(relations, &json, interest)),
            contracts: interest.contracts.clone(),
        }
    }

    /// Why no documents are sampled, where the reason lies here.
    pub(super) fn documents_unseen(&self) -> Option<&crate::model::Gap> {
        self.catalog.relations.get().err().or_else(|| self.json_tables.get().err())
    }
}

/// Those that are tables: the query does not look at what else has columns of JSON, as every table costs time there.
fn json_tables(
    found: Observation<Vec<JsonTable>>,
    relations: &Observation<Vec<Relation>>,
) -> Observation<Vec<JsonTable>> {
    let (found, relations) = match (found, relations) {
        (Observation::Seen(found), Observation::Seen(relations)) => (found, relations),
        (Observation::Unseen(gap), _) => return Observation::Unseen(gap),
        (_, Observation::Unseen(gap)) => return Observation::Unseen(gap.clone()),
    };
    let tables: HashSet<i64> = relations.iter().map(|relation| relation.oid).collect();
    Observation::Seen(found.into_iter().filter(|found| tables.contains(&found.oid)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that a source of the first round trip is asked for.
    const TOPICS: &[Topic] = &[
        Topic::CONTEXT,
        Topic::RELATIONS,
        Topic::LAYOUTS,
        Topic::DOCUMENTS,
        Topic::TOAST_TABLES,
        Topic::STORED_VALUES,
        Topic::WORKLOAD,
        Topic::STATEMENTS,
        Topic::INDEXES,
        Topic::INDEX_DETAILS,
        Topic::SETTINGS,
        Topic::TABLE_ACTIVITY,
        Topic::MAINTAINED_TABLES,
        Topic::GIN,
        Topic::GIN_PENDING,
        Topic::GIN_KEYS,
        Topic::VECTOR,
        Topic::VECTOR_SEARCH,
        Topic::WAL_SERVER,
        Topic::WAL_HORIZON,
        Topic::WAL_PARTITIONS,
        Topic::WAL_STAGING,
        Topic::WAL_TIME_COLUMNS,
        Topic::WAL_BLOAT,
        Topic::SESSIONS,
        Topic::CONNECTION_LIMITS,
    ];

    #[test]
    fn the_catalog_stage_takes_twelve_statements_at_most_whatever_is_of_interest() {
        let topics = TOPICS.iter().copied().collect();
        let interest = Interest { topics, ..Interest::default() };
        for major in 14..=19 {
            let (mut batch, mut looks) = (Batch::new(major), Looks::new());
            CatalogLook::query(&mut batch, false, &interest, &mut looks);
            assert!(batch.statements() <= 12, "{} on {major}", batch.statements());
        }
    }
}
