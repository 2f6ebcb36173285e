//! The visit: three round trips, whatever the number of relations.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tokio_postgres::types::Type;

use crate::model::observation::{Context, Relation, StoredSample, StoredValues, ToastTable};
use crate::model::{
    Gap, GapReason, Observation, QualifiedName, Scope, Server, Snapshot, quote_identifier,
};
use crate::pg::{Answer, Error, Failure, Question, Session};

use super::choice::{Choice, choose};
use super::sample::{self, Counter};
use super::source::{self, Source};
use super::unmatched::unmatched;

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
    let stored_values = match (relations.get(), toast_tables.get()) {
        (Ok(relations), Ok(tables)) => samples(session, &choice, relations, tables).await?,
        (Err(gap), _) | (_, Err(gap)) => Observation::Unseen(gap.clone()),
    };
    let unmatched = relations.get().map(|relations| unmatched(relations, &interest.scope));
    let left_out = left_out(&choice).into_iter().chain(unmatched.unwrap_or_default());
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
        left_out: left_out.collect(),
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
    let mut sizes = Rows::<Sizes>::new(&source::RELATION_SIZES);
    let mut questions = vec![Question {
        source: source::TOAST_TABLES.name,
        sql: source::TOAST_TABLES.sql_for(major),
        parameters: vec![(Box::new(choice.members.clone()), Type::INT8_ARRAY)],
    }];
    questions.extend(choice.samples.iter().map(|oid| Question {
        source: source::RELATION_SIZES.name,
        sql: source::RELATION_SIZES.sql_for(major),
        parameters: vec![(Box::new(*oid), Type::INT8)],
    }));
    let answers = session
        .ask(&questions, |position, row| match position {
            0 => tables.add(row),
            _ => sizes.add(row),
        })
        .await?;
    let mut observation = tables.seen(&answers[0]);
    if let Observation::Seen(tables) = &mut observation {
        for table in tables {
            if let Some(size) = sizes.decoded.iter().find(|size| size.oid == table.oid) {
                table.heap_bytes = Some(size.heap_bytes);
                table.toast_bytes = Some(size.toast_bytes);
            }
        }
    }
    Ok(observation)
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
        if let Some(gap) = unsampled(&relation.qualified_name(), table) {
            samples.push(StoredValues { oid: *oid, sample: Observation::Unseen(gap) });
            continue;
        }
        let rows = rows(relation, table);
        asked.push((relation, Counter::new(table, Counter::is_whole(table, rows))));
        questions.push(Question {
            source: "stored_values",
            sql: sample::sql(&relation.qualified_name(), table, rows, major),
            parameters: Vec::new(),
        });
    }
    let answers =
        session.ask_finally(&questions, |position, row| asked[position].1.add(row)).await?;
    for ((relation, counter), answer) in asked.into_iter().zip(answers) {
        samples.push(StoredValues {
            oid: relation.oid,
            sample: sampled(&relation.qualified_name(), counter, answer),
        });
    }
    Ok(Observation::Seen(samples))
}

#[expect(clippy::cast_precision_loss, reason = "rows below 2^53")]
fn rows(relation: &Relation, table: &ToastTable) -> f64 {
    relation.rows.unwrap_or(0.0).max(table.rows_live as f64)
}

/// Why a relation is not sampled at all.
fn unsampled(name: &QualifiedName, table: &ToastTable) -> Option<Gap> {
    let gap = |reason, detail: String| Gap::new(observation(name), reason, detail);
    let sql = name.to_sql();
    if table.row_security {
        let detail = format!("row security hides rows of `{sql}` from our role");
        return Some(
            gap(GapReason::MissingPrivilege, detail)
                .lifted_by("let the role bypass row security: ALTER ROLE dbopt BYPASSRLS;"),
        );
    }
    if table.heap_bytes.is_none() {
        return Some(gap(
            GapReason::Locked,
            format!("`{sql}` was locked, or dropped, during the visit"),
        ));
    }
    if !table.columns.is_empty() && sample::readable(table).is_empty() {
        let detail = format!("our role may not read `{sql}`");
        let lift = format!(
            "GRANT USAGE ON SCHEMA {} TO dbopt; GRANT SELECT ON {sql} TO dbopt;",
            quote_identifier(&name.schema)
        );
        return Some(gap(GapReason::MissingPrivilege, detail).lifted_by(lift));
    }
    table.columns.is_empty().then(|| {
        gap(GapReason::NotEnoughEvidence, format!("`{sql}` has no column of variable length"))
    })
}

fn sampled(name: &QualifiedName, counter: Counter, answer: Answer) -> Observation<StoredSample> {
    let gap =
        |reason, detail: String| Observation::Unseen(Gap::new(observation(name), reason, detail));
    match answer.map(|()| counter.finish()) {
        Ok(Some(sample)) => Observation::Seen(sample),
        Ok(None) => gap(
            GapReason::NotVisibleInSql,
            format!("the sample of `{}` could not be read", name.to_sql()),
        ),
        Err(failure) => gap(
            failure.reason,
            format!("the sample of `{}` failed ({})", name.to_sql(), failure.sqlstate),
        ),
    }
}

fn observation(name: &QualifiedName) -> String {
    format!("stored_values of {}", name.to_sql())
}

fn left_out(choice: &Choice) -> Vec<Gap> {
    if choice.families_left_out == 0 {
        return Vec::new();
    }
    let detail = format!(
        "{} smaller tables were not looked into; the largest came first",
        choice.families_left_out
    );
    vec![
        Gap::new("stored_values", GapReason::BudgetSpent, detail)
            .lifted_by("narrow the analysis with `schema` or `table`"),
    ]
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
            (Err(failure), _) => Observation::Unseen(gap(self.source, failure)),
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

fn gap(source: &'static str, failure: &Failure) -> Gap {
    Gap::new(source, failure.reason, format!("the query failed with SQLSTATE {}", failure.sqlstate))
}
