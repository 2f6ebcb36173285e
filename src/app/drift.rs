//! Contracts in an analysis: judged by, compared with the sample before, and reported once.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{App, Error};
use crate::analysis::{ContractObservation, DriftFound, Request, contract_thresholds};
use crate::contract::{Contract, Registered};
use crate::model::observation::KeySample;
use crate::model::{Gap, GapReason, Object, Policy};
use crate::store::{ContractColumn, ContractState, NotifiedChange, SampleChange};

/// For how long a change of keys is reported, before the sample that showed it becomes the one to compare with.
const NOTIFIED_FOR: SignedDuration = SignedDuration::from_hours(24);
/// A sample so many times as large takes the place of the one before: it shows more.
const LARGER: u64 = 2;

/// A contract, with what is known of its column.
pub(super) type DriftState = ContractState<KeySample>;

/// The contracts of a target that a request judges by.
#[derive(Default)]
pub(super) struct ContractsInScope {
    pub(super) states: Vec<DriftState>,
    /// What documents are judged by.
    pub(super) registered: Vec<Registered>,
    /// Contracts that cannot be read any more.
    pub(super) unread: Vec<Gap>,
}

/// What is sent when documents begin to break their contract. No value is in it.
#[derive(Debug, Serialize)]
struct Event<'a> {
    #[serde(rename = "event")]
    kind: &'static str,
    target: &'a str,
    check: &'static str,
    object: Object,
    observed_at: Timestamp,
    /// Documents that were read.
    documents: u64,
    findings: &'a [DriftFound],
}

/// The contracts, read. To make a schema ready is work, and not waiting.
async fn registered(states: Vec<DriftState>) -> ContractsInScope {
    let read = tokio::task::spawn_blocking(move || {
        let (mut registered, mut unread) = (Vec::new(), Vec::new());
        for state in &states {
            match read(state) {
                Ok(contract) => registered.push(contract),
                Err(gap) => unread.push(gap),
            }
        }
        ContractsInScope { states, registered, unread }
    });
    read.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

fn read(state: &DriftState) -> Result<Registered, Gap> {
    let ContractColumn { schema, table, column } = state.record.column.clone();
    if let Ok(contract) = Contract::parse(state.record.schema.get()) {
        let (contract, before) = (Arc::new(contract), state.sample.clone());
        return Ok(Registered { schema, table, column, contract, before });
    }
    // It was read by another release.
    let object = Object::Column { schema, table, column, partition: None };
    let detail = format!("the contract of `{object}` is none that this release can judge by");
    Err(Gap::new("documents", GapReason::NotEnoughEvidence, detail)
        .lifted_by("register it again, and see what is wrong with it"))
}

/// Whether an analysis judges documents under thresholds of its own: it says nothing about what is reported.
pub(super) fn has_own_thresholds(own: &Policy) -> bool {
    contract_thresholds().any(|name| own.0.contains_key(name))
}

impl App {
    /// The contracts of a target, where the request judges by them; and what cannot be judged by.
    pub(super) async fn contracts_in_scope(
        &self,
        target: &str,
        request: &Request,
    ) -> Result<ContractsInScope, Error> {
        if !request.judges_documents() {
            return Ok(ContractsInScope::default());
        }
        let states = self.inner.store.contract_states(target).await.map_err(Error::Store)?;
        Ok(if states.is_empty() { ContractsInScope::default() } else { registered(states).await })
    }

    /// Keep what was seen for the next analysis, and post the drift that was not posted yet. The analysis is right
    /// whether or not that can be done.
    pub(super) async fn record_drift(
        &self,
        target: &str,
        states: &[DriftState],
        seen: &[ContractObservation],
    ) {
        for observation in seen {
            let is_its = |state: &&DriftState| {
                let ContractColumn { schema, table, column } = &state.record.column;
                (schema, table, column)
                    == (&observation.schema, &observation.table, &observation.column)
            };
            // Forgotten while the target was visited.
            let Some(state) = states.iter().find(is_its) else { continue };
            let noted = async {
                self.keep_sample(target, state, observation).await?;
                self.notify(target, state, observation).await
            };
            if let Err(error) = noted.await {
                tracing::warn!(target, %error, "what was seen of a contract was not kept");
            }
        }
    }

    async fn keep_sample(
        &self,
        target: &str,
        state: &DriftState,
        seen: &ContractObservation,
    ) -> Result<(), Error> {
        let Some((sample, differs_since)) = next(state, seen) else { return Ok(()) };
        let change = SampleChange { sample: sample.then_some(&seen.keys), differs_since };
        let kept = self.inner.store.keep_sample(target, &state.record, change);
        kept.await.map_err(Error::Store)
    }

    /// Post to the webhook, where one is configured: each change once, whichever replica analysed it.
    async fn notify(
        &self,
        target: &str,
        state: &DriftState,
        seen: &ContractObservation,
    ) -> Result<(), Error> {
        let Some(webhook) = &self.inner.webhook else { return Ok(()) };
        let (drift, notified) = (seen.drift(), &state.notified);
        // What is still there in a few documents was not corrected, and is not posted again when it is in more of them.
        let left = notified.iter().filter(|trace| seen.traces.contains(*trace)).cloned();
        let now: BTreeSet<String> = drift.iter().cloned().chain(left).collect();
        if now == *notified {
            return Ok(());
        }
        let store = &self.inner.store;
        let sent = NotifiedChange { from: notified, to: &now };
        let mine = store.set_notified(target, &state.record, sent).await;
        if !mine.map_err(Error::Store)? || drift.is_subset(notified) {
            return Ok(());
        }
        let event = Event {
            kind: "schema_drift",
            target,
            check: crate::analysis::SCHEMA_DRIFT,
            object: seen.object(),
            observed_at: seen.keys.observed_at,
            documents: seen.keys.documents,
            findings: &seen.findings,
        };
        let body = serde_json::to_vec(&event).map_err(|source| Error::Render { source })?;
        let (app, webhook) = (self.clone(), webhook.clone());
        let (target, record, notified) =
            (target.to_owned(), state.record.clone(), notified.clone());
        // No one waits for it.
        tokio::spawn(async move {
            if webhook.deliver(body).await {
                return;
            }
            // An event that was not delivered is sent again after the next analysis.
            let unsent = NotifiedChange { from: &now, to: &notified };
            let back = app.inner.store.set_notified(&target, &record, unsent).await;
            if let Err(error) = back {
                tracing::warn!(target, %error, "an undelivered event is not sent again");
            }
        });
        Ok(())
    }
}

/// Whether the sample is to be kept, and since when samples differ from the kept one; none where nothing changes.
///
/// The sample to compare with stays as it is while nothing is reported: a key that comes slowly would otherwise be taken
/// for an old one before it is in enough documents to be reported.
fn next(state: &DriftState, seen: &ContractObservation) -> Option<(bool, Option<Timestamp>)> {
    let Some(before) = &state.sample else { return Some((true, None)) };
    let now = seen.keys.observed_at;
    match (seen.keys_changed(), state.differs_since) {
        (true, None) => Some((false, Some(now))),
        (true, Some(since)) => (now.duration_since(since) >= NOTIFIED_FOR).then_some((true, None)),
        (false, since) => {
            let larger = seen.keys.documents >= LARGER * before.documents.max(1);
            (larger || since.is_some()).then_some((larger, None))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::Severity;
    use crate::store::ContractRecord;

    fn at(time: &str) -> Timestamp {
        format!("2026-11-{time}:00Z").parse().unwrap()
    }

    fn sample(time: &str, documents: u64) -> KeySample {
        KeySample {
            observed_at: at(time),
            documents,
            groups: documents.div_ceil(20),
            complete: false,
            keys_left_out: false,
            keys: BTreeMap::new(),
        }
    }

    fn state(sample: Option<KeySample>, differs_since: Option<Timestamp>) -> DriftState {
        let [schema, table, column] = ["ml", "t", "data"].map(str::to_owned);
        let record = ContractRecord {
            column: ContractColumn { schema, table, column },
            schema: serde_json::value::RawValue::from_string("{}".to_owned()).unwrap(),
            created_at: at("22T10:00"),
            updated_at: at("22T10:00"),
        };
        ContractState { record, sample, differs_since, notified: BTreeSet::new() }
    }

    fn seen(keys: KeySample, changed: bool) -> ContractObservation {
        let [schema, table, column] = ["ml", "t", "data"].map(str::to_owned);
        let mut observation = ContractObservation {
            schema,
            table,
            column,
            keys,
            findings: Vec::new(),
            traces: BTreeSet::new(),
        };
        if changed {
            observation.findings.push(DriftFound {
                id: "f".to_owned(),
                severity: Severity::Low,
                object: observation.object(),
                message: String::new(),
                counts: BTreeMap::from([("vanished_key".to_owned(), 7)]),
            });
        }
        observation
    }

    #[test]
    fn a_change_of_keys_is_told_for_a_day_and_then_known() {
        let first = seen(sample("22T10:00", 2000), false);
        assert_eq!(next(&state(None, None), &first), Some((true, None)));
        let before = || Some(sample("22T10:00", 2000));
        let later = |time, changed| seen(sample(time, 2000), changed);
        assert_eq!(next(&state(before(), None), &later("22T11:00", false)), None);
        let since = Some(at("22T12:00"));
        assert_eq!(next(&state(before(), None), &later("22T12:00", true)), Some((false, since)));
        assert_eq!(next(&state(before(), since), &later("23T11:00", true)), None);
        assert_eq!(next(&state(before(), since), &later("23T12:00", true)), Some((true, None)));
        // It was but a moment, or chance.
        assert_eq!(next(&state(before(), since), &later("22T13:00", false)), Some((false, None)));
    }

    #[test]
    fn a_sample_of_a_table_that_was_small_gives_way_to_a_larger_one() {
        let small = state(Some(sample("22T10:00", 30)), None);
        assert_eq!(next(&small, &seen(sample("22T11:00", 59), false)), None);
        assert_eq!(next(&small, &seen(sample("22T11:00", 60), false)), Some((true, None)));
    }
}
