//! The visit: three round trips, whatever the number of relations.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tokio_postgres::types::Type;

use crate::model::observation::{Context, Relation, StoredValues, ToastTable};
use crate::model::{Gap, GapReason, Observation, Scope, Server, Snapshot};
use crate::pg::{Answer, Error, Question, Session};

use super::choice::{Choice, choose};
use super::source::{self, Source};
use super::tally::Counter;
use super::unmatched::unmatched;
use super::{gaps, sample};

/// What the caller is interested in.
#[derive(Debug, Clone, PartialEq)]
pub struct Interest {
    /// Schemas and tables to look at.
    pub scope: Scope,
    /// Rows below which a table is passed over.
    pub table_rows_min: f64,
    /// Bytes, heap and TOAST, below which a table is passed over.
    pub table_bytes_min: f64,
}

/// Look at everything once. What cannot be read leaves a [`Gap`], not an error.
///
/// # Errors
/// Only a lost connection.
pub async fn observe(session: &mut Session, interest: &Interest) -> Result<Snapshot, Error> {
    let observed_at = Timestamp::now();
    let facts = session.facts().clone();
    let (context, relations) = first_look(session).await?;
    let choice = relations.get().map(|relations| choose(relations, interest)).unwrap_or_default();
    let toast_tables = closer_look(session, &choice).await?;
    let mut left_out = gaps::left_out(&choice);
    let stored_values = match (relations.get(), toast_tables.get()) {
        (Ok(relations), Ok(tables)) => {
            left_out.extend(gaps::unread_columns(&choice, relations, tables));
            samples(session, &choice, relations, tables).await?
        }
        (Err(gap), _) | (_, Err(gap)) => Observation::Unseen(gap.clone()),
    };
    if let Ok(relations) = relations.get() {
        left_out.extend(unmatched(relations, &interest.scope));
    }
    Ok(Snapshot {
        observed_at,
        server: Server {
            version: facts.version,
            major: facts.major,
            in_recovery: facts.in_recovery,
        },
        cost: session.cost(),
        context,
        relations,
        toast_tables,
        stored_values,
        left_out,
    })
}

/// The server, the database and our role alone.
///
/// # Errors
/// Only a lost connection.
pub async fn context(session: &mut Session) -> Result<Observation<Context>, Error> {
    let questions = [question(&source::CONTEXT, session.facts().major)];
    let mut context = Rows::new(&source::CONTEXT);
    let answers = session.ask(&questions, |_, row| context.add(row)).await?;
    Ok(context.one(&answers[0]))
}

/// The first round trip: the server, and every relation from the raw catalogs.
async fn first_look(
    session: &mut Session,
) -> Result<(Observation<Context>, Observation<Vec<Relation>>), Error> {
    let major = session.facts().major;
    let questions = [question(&source::CONTEXT, major), question(&source::RELATIONS, major)];
    let (mut context, mut relations) = (Rows::new(&source::CONTEXT), Rows::new(&source::RELATIONS));
    let answers = session
        .ask(&questions, |position, row| match position {
            0 => context.add(row),
            _ => relations.add(row),
        })
        .await?;
    let [about, all] = answers.as_slice() else { unreachable!("two questions, two answers") };
    Ok((context.one(about), relations.seen(all)))
}

/// The second: columns, options and counters of the chosen, and true sizes of those to be sampled.
async fn closer_look(
    session: &mut Session,
    choice: &Choice,
) -> Result<Observation<Vec<ToastTable>>, Error> {
    if choice.members.is_empty() {
        return Ok(Observation::Seen(Vec::new()));
    }
    let major = session.facts().major;
    let mut tables = Rows::<ToastTable>::new(&source::TOAST_TABLES);
    let mut refusals = Rows::<Refusal>::new(&source::UPDATES_REFUSED);
    let mut sizes = Rows::<Sizes>::new(&source::RELATION_SIZES);
    let about_members = |source: &Source| Question {
        source: source.name,
        sql: source.sql_for(major),
        parameters: vec![(Box::new(choice.members.clone()), Type::INT8_ARRAY)],
    };
    let mut questions =
        vec![about_members(&source::TOAST_TABLES), about_members(&source::UPDATES_REFUSED)];
    questions.extend(choice.samples.iter().map(|oid| Question {
        source: source::RELATION_SIZES.name,
        sql: source::RELATION_SIZES.sql_for(major),
        parameters: vec![(Box::new(*oid), Type::INT8)],
    }));
    let answers = session
        .ask(&questions, |position, row| match position {
            0 => tables.add(row),
            1 => refusals.add(row),
            _ => sizes.add(row),
        })
        .await?;
    let refusals = match refusals.seen(&answers[1]) {
        Observation::Seen(refusals) => refusals,
        // What nobody knows to be allowed is not advised.
        Observation::Unseen(gap) => return Ok(Observation::Unseen(gap)),
    };
    let mut observation = tables.seen(&answers[0]);
    if let Observation::Seen(tables) = &mut observation {
        complete(tables, &refusals, &sizes.decoded);
    }
    Ok(observation)
}

/// Join what was asked beside it to each table.
fn complete(tables: &mut [ToastTable], refusals: &[Refusal], sizes: &[Sizes]) {
    let refusals: BTreeMap<i64, &Refusal> = refusals.iter().map(|r| (r.oid, r)).collect();
    let sizes: BTreeMap<i64, &Sizes> = sizes.iter().map(|size| (size.oid, size)).collect();
    for table in tables {
        table.updates_refused = refusals.get(&table.oid).map(|refusal| refusal.why.clone());
        table.heap_bytes = sizes.get(&table.oid).map(|size| size.heap_bytes);
        table.toast_bytes = sizes.get(&table.oid).map(|size| size.toast_bytes);
    }
}

/// The third: how values are stored.
async fn samples(
    session: &mut Session,
    choice: &Choice,
    relations: &[Relation],
    tables: &[ToastTable],
) -> Result<Observation<Vec<StoredValues>>, Error> {
    let major = session.facts().major;
    let mut samples = Vec::new();
    let mut asked = Vec::new();
    let mut questions = Vec::new();
    for oid in &choice.samples {
        let Some(relation) = relations.iter().find(|relation| relation.oid == *oid) else {
            continue;
        };
        let Some(table) = tables.iter().find(|table| table.oid == *oid) else { continue };
        if let Some(gap) = gaps::unsampled(&relation.qualified_name(), table) {
            samples.push(StoredValues { oid: *oid, sample: Observation::Unseen(gap) });
            continue;
        }
        if session.facts().in_recovery
            && let Some(gap) = gaps::left_on_the_primary(relation, table)
        {
            samples.push(StoredValues { oid: *oid, sample: Observation::Unseen(gap) });
            continue;
        }
        if table.heap_bytes == Some(0) {
            let sample = gaps::sampled(relation, Ok(Counter::new(table, 0.0).finish(table)));
            samples.push(StoredValues { oid: *oid, sample });
            continue;
        }
        let rows = rows(relation, table);
        asked.push((relation, table, Counter::new(table, rows)));
        questions.push(Question {
            source: "stored_values",
            sql: sample::sql(&relation.qualified_name(), table, rows, major),
            parameters: Vec::new(),
        });
    }
    let answers =
        session.ask_finally(&questions, |position, row| asked[position].2.add(row)).await?;
    for ((relation, table, counter), answer) in asked.into_iter().zip(answers) {
        let sample = gaps::sampled(relation, answer.map(|()| counter.finish(table)));
        samples.push(StoredValues { oid: relation.oid, sample });
    }
    Ok(Observation::Seen(samples))
}

#[expect(clippy::cast_precision_loss, reason = "rows below 2^53")]
fn rows(relation: &Relation, table: &ToastTable) -> f64 {
    relation.rows.unwrap_or(0.0).max(table.rows_live as f64)
}

fn question(source: &Source, major: u32) -> Question {
    Question { source: source.name, sql: source.sql_for(major), parameters: Vec::new() }
}

/// True sizes of one relation.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Sizes {
    oid: i64,
    heap_bytes: i64,
    toast_bytes: i64,
}

/// A relation whose rows cannot be updated as they should be.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusal {
    oid: i64,
    why: String,
}

/// Rows of one source, decoded as they come.
struct Rows<T> {
    source: &'static str,
    decoded: Vec<T>,
    unreadable: Option<String>,
}

impl<T: DeserializeOwned> Rows<T> {
    fn new(source: &Source) -> Self {
        Self { source: source.name, decoded: Vec::new(), unreadable: None }
    }

    fn add(&mut self, row: &str) {
        match serde_json::from_str(row) {
            Ok(row) => self.decoded.push(row),
            Err(error) => {
                self.unreadable = Some(format!("{:?} at {}", error.classify(), error.column()));
            }
        }
    }

    fn seen(self, answer: &Answer) -> Observation<Vec<T>> {
        match (answer, self.unreadable) {
            (Err(failure), _) => Observation::Unseen(gaps::failed(self.source, failure)),
            (Ok(()), Some(how)) => Observation::Unseen(Gap::new(
                self.source,
                GapReason::NotVisibleInSql,
                format!("the server's answer has another shape than expected ({how})"),
            )),
            (Ok(()), None) => Observation::Seen(self.decoded),
        }
    }

    fn one(self, answer: &Answer) -> Observation<T> {
        let source = self.source;
        match self.seen(answer) {
            Observation::Seen(rows) => match rows.into_iter().next() {
                Some(row) => Observation::Seen(row),
                None => Observation::Unseen(Gap::new(
                    source,
                    GapReason::NotVisibleInSql,
                    "no row came back",
                )),
            },
            Observation::Unseen(gap) => Observation::Unseen(gap),
        }
    }
}
