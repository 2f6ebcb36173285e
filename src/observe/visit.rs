//! The visit: three round trips, whatever the number of relations.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;

use crate::contract::Registered;
use crate::model::observation::{Context, RegisteredContract, Relation, Workload};
use crate::model::{Observation, Scope, Snapshot, Topic};
use crate::pg::{Error, Session};

use super::batch::{Rows, ask, question};
use super::choice::{Choice, LayoutChoice, choose, lay_out};
use super::closer_look::CloserLook;
use super::texts::{TextRows, Texts, WorkloadSources};
use super::unmatched::unmatched;
use super::{gaps, samples, source};

/// What the caller is interested in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Interest {
    /// Schemas and tables to look at.
    pub scope: Scope,
    /// What to look at there; the server and its relations are looked at always.
    pub topics: BTreeSet<Topic>,
    /// Rows below which a table's stored values are passed over.
    pub table_rows_min: f64,
    /// Bytes, heap and TOAST, below which a table's stored values are passed over.
    pub table_bytes_min: f64,
    /// What documents are judged by.
    pub contracts: Vec<Registered>,
}

impl Interest {
    fn in_any(&self, topics: &[Topic]) -> bool {
        topics.iter().any(|topic| self.topics.contains(topic))
    }
}

/// Look at everything of interest once. What cannot be read leaves a [`Gap`](crate::model::Gap), not an error.
///
/// The texts of statements come beside the snapshot, where the workload is of interest and there are documents: they hold
/// literals, and the snapshot may be kept.
///
/// # Errors
/// Only a lost connection.
pub async fn observe(
    session: &mut Session,
    interest: &Interest,
) -> Result<(Snapshot, Option<Texts>), Error> {
    let observed_at = Timestamp::now();
    let first = FirstLook::take(session, interest).await?;
    let chosen = first.choose(interest);
    let texts = first.texts();
    let mut closer = CloserLook::take(session, &chosen, texts).await?;
    let texts = closer.texts.take();
    let mut left_out = gaps::left_out(&chosen);
    if let Ok(relations) = first.relations.get() {
        if let (Some(choice), Ok(tables)) = (&chosen.values, closer.toast_tables.get()) {
            left_out.extend(gaps::unread_columns(choice, relations, tables));
        }
        left_out.extend(unmatched(relations, &interest.scope));
    }
    let (stored_values, documents) = samples::take(session, &first, &chosen, &closer).await?;
    let workload = first.workload();
    let snapshot = Snapshot {
        observed_at,
        server: session.facts().clone().into(),
        cost: session.cost(),
        context: first.context,
        relations: first.relations,
        layouts: closer.layouts,
        documents,
        toast_tables: closer.toast_tables,
        stored_values,
        workload,
        contracts: interest.contracts.iter().map(registered).collect(),
        left_out,
    };
    Ok((snapshot, texts))
}

fn registered(contract: &Registered) -> RegisteredContract {
    let Registered { schema, table, column, before, .. } = contract.clone();
    RegisteredContract { schema, table, column, before }
}

/// The server, the database and our role alone.
///
/// # Errors
/// Only a lost connection.
pub async fn context(session: &mut Session) -> Result<Observation<Context>, Error> {
    let mut context = Rows::new(&source::CONTEXT);
    let major = session.facts().major;
    let asks = vec![context.asked(question(&source::CONTEXT, major))];
    let answers = ask(session, asks).await?;
    Ok(context.one(&answers[0]))
}

/// The first round trip: the server, every relation from the raw catalogs, and which of them hold JSON.
pub(super) struct FirstLook {
    context: Observation<Context>,
    pub(super) relations: Observation<Vec<Relation>>,
    json_tables: Observation<Vec<JsonTable>>,
    /// What can be had of the workload; none where nobody asked.
    workload_sources: Option<Observation<WorkloadSources>>,
}

/// What is worth a closer look; absent where nobody asked.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// Relations whose stored values are looked at.
    pub(super) values: Option<Choice>,
    /// Tables whose columns and documents are.
    pub(super) layouts: Option<LayoutChoice>,
    /// What their documents are judged by.
    pub(super) contracts: Vec<Registered>,
}

/// A relation with a column of JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonTable {
    oid: i64,
}

impl FirstLook {
    async fn take(session: &mut Session, interest: &Interest) -> Result<Self, Error> {
        let major = session.facts().major;
        let (mut context, mut relations) =
            (Rows::new(&source::CONTEXT), Rows::new(&source::RELATIONS));
        let mut json_tables = Rows::new(&source::JSON_TABLES);
        let mut workload_sources = Rows::new(&source::WORKLOAD_SOURCES);
        let mut asks = vec![
            context.asked(question(&source::CONTEXT, major)),
            relations.asked(question(&source::RELATIONS, major)),
        ];
        if interest.in_any(&[Topic::Layouts, Topic::Documents, Topic::Workload]) {
            asks.push(json_tables.asked(question(&source::JSON_TABLES, major)));
        }
        if interest.in_any(&[Topic::Workload]) {
            asks.push(workload_sources.asked(question(&source::WORKLOAD_SOURCES, major)));
        }
        let answers = ask(session, asks).await?;
        let unasked = || Observation::Unseen(gaps::unasked(Topic::Documents));
        Ok(Self {
            context: context.one(&answers[0]),
            relations: relations.seen(&answers[1]),
            json_tables: answers.get(2).map_or_else(unasked, |answer| json_tables.seen(answer)),
            workload_sources: answers.get(3).map(|answer| workload_sources.one(answer)),
        })
    }

    /// What to ask of the workload: nothing where no table has documents.
    fn texts(&self) -> Option<TextRows> {
        let tables = self.json_tables.get().ok().filter(|tables| !tables.is_empty())?;
        let sources = self.workload_sources.as_ref()?.get().ok()?;
        Some(TextRows::about(tables.iter().map(|table| table.oid).collect(), sources.clone()))
    }

    /// What is known of the workload before any text is read.
    fn workload(&self) -> Observation<Workload> {
        match (&self.workload_sources, &self.json_tables) {
            (Some(Observation::Unseen(gap)), _) => Observation::Unseen(gap.clone()),
            // Where there are no documents, none are used.
            (Some(_), Observation::Seen(tables)) if tables.is_empty() => {
                Observation::Seen(Workload::default())
            }
            _ => Observation::Unseen(gaps::untold()),
        }
    }

    fn choose(&self, interest: &Interest) -> Chosen {
        let Ok(relations) = self.relations.get() else { return Chosen::default() };
        let json: Vec<i64> = self
            .json_tables
            .get()
            .map_or_else(|_| Vec::new(), |all| all.iter().map(|t| t.oid).collect());
        let values = interest.in_any(&[Topic::ToastTables, Topic::StoredValues]);
        let layouts = interest.in_any(&[Topic::Layouts, Topic::Documents]);
        Chosen {
            values: values.then(|| choose(relations, interest)),
            layouts: layouts.then(|| lay_out(relations, &json, interest)),
            contracts: interest.contracts.clone(),
        }
    }

    /// Why no documents are sampled, where the reason lies here.
    pub(super) fn documents_unseen(&self) -> Option<&crate::model::Gap> {
        self.relations.get().err().or_else(|| self.json_tables.get().err())
    }
}
