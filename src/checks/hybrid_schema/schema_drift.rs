//! `hybrid-schema/schema-drift`, explained in the page beside this file.

use std::collections::BTreeMap;

use super::key_change;
use super::table::{DocumentColumn, Table, columns, tables};
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::model::observation::{ColumnContract, ColumnDocuments, Drift, DriftAt, DriftKind};
use crate::model::{
    Case, Declined, Finding, Gap, GapReason, Judgement, Object, Observation, Policy, Severity,
    Snapshot, Superpower, Threshold, Topic, Unit, grouped,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::HybridSchema,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::LAYOUTS, Topic::DOCUMENTS],
    uses: &[],
    requires: &[],
    thresholds: &[&DRIFT_SHARE_MAX, &key_change::KEY_CHANCE_MAX],
    page: include_str!("schema_drift.md"),
    judge,
};

pub(in crate::checks) const ID: &str = "hybrid-schema/schema-drift";

static DRIFT_SHARE_MAX: Threshold = Threshold {
    name: "drift_share_max",
    default: 0.001,
    unit: Unit::Ratio,
    reason: "one document in a thousand may be left from before the contract; more of them are met by every batch of a reader",
};

/// Key paths that are reported of each column: what is found first is corrected first.
const PATHS_LISTED: usize = 20;
/// Standard errors to each side that hold 95 % of a normal distribution.
const Z_95: f64 = 1.96;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    // Where nothing was promised, nothing is said.
    if seen.contracts.is_empty() {
        return Ok(Judgement::default());
    }
    let tables = tables(case)?;
    let (columns, _) = columns(seen, &tables)?;
    let mut judgement = Judgement::default();
    for contract in &seen.contracts {
        let column = columns.iter().find(|column| is_of(contract, column));
        match column.and_then(|column| Some((column, column.drift?))) {
            Some((column, drift)) => {
                JudgedColumn { column, drift, contract }.judge(&mut judgement, policy);
            }
            None => judgement.gaps.extend(unseen(seen, &tables.all, contract)),
        }
    }
    Ok(judgement)
}

fn is_of(contract: &ColumnContract, column: &DocumentColumn<'_>) -> bool {
    let root = column.table.root;
    root.schema == contract.schema
        && root.name == contract.table
        && column.layout.name == contract.column
}

/// A column whose documents were judged by a contract.
struct JudgedColumn<'c, 'a> {
    column: &'c DocumentColumn<'a>,
    drift: &'c Drift,
    contract: &'c ColumnContract,
}

impl JudgedColumn<'_, '_> {
    fn judge(&self, judgement: &mut Judgement, policy: &Policy) {
        let Self { column, drift, contract } = *self;
        let broken = broken(column, drift, policy);
        judgement.gaps.extend(unjudged(column, drift));
        let listed =
            broken.iter().filter(|finding| matches!(finding.object, Object::Key { .. })).count();
        judgement.gaps.extend(unlisted(column, drift, listed, policy));
        let names: Vec<&Object> = broken.iter().map(|finding| &finding.object).collect();
        let changed = key_change::changed(drift, contract, policy);
        let changed = changed.into_iter().filter_map(|change| {
            let object = key_of(column, &change.path);
            // What breaks the contract is reported already.
            (!names.contains(&&object)).then(|| change.finding(ID, object))
        });
        let changed: Vec<Finding> = changed.collect();
        if !broken.is_empty() {
            judgement.declined.push(Declined::new(
            ID,
            column.object(),
            "no SQL statement corrects documents",
            "change what writes them and migrate those that are there, or register the contract as it is meant now",
        ));
        }
        judgement.findings.extend(broken);
        judgement.findings.extend(changed);
    }
}

/// What breaks the contract, by key path; of the column where it is the document itself, or many keys, each seldom.
fn broken(column: &DocumentColumn<'_>, drift: &Drift, policy: &Policy) -> Vec<Finding> {
    let share_max = policy.get(&DRIFT_SHARE_MAX);
    let is_much = |documents: u64| share(documents, drift) > share_max;
    let often = drift.paths.iter().filter(|at| is_much(at.documents));
    let findings: Vec<Finding> =
        often.take(PATHS_LISTED).map(|at| find(column, drift, at)).collect();
    if findings.is_empty() && is_much(drift.broken) {
        let kinds = drift.kinds.clone();
        let all = DriftAt { path: String::new(), documents: drift.broken, kinds };
        return vec![find(column, drift, &all)];
    }
    findings
}

fn find(column: &DocumentColumn<'_>, drift: &Drift, at: &DriftAt) -> Finding {
    let object = key_of(column, &at.path);
    let (documents, judged) = (at.documents, drift.judged);
    let how: Vec<String> = by_count(&at.kinds)
        .into_iter()
        .map(|(kind, count)| {
            if count == documents {
                words(kind).to_owned()
            } else {
                format!("{} in {}", words(kind), grouped(float(count)))
            }
        })
        .collect();
    let message = format!(
        "`{object}` breaks its contract in {} of {} documents: {}",
        grouped(float(documents)),
        grouped(float(judged)),
        how.join(", ")
    );
    let [low, high] = interval(documents, drift, column.documents.sample.complete);
    let finding = Finding::new(ID, object, Severity::Medium, message)
        .measured("documents", whole(float(judged)), Unit::Count)
        .measured("drifting_documents", whole(float(documents)), Unit::Count)
        .measured("drift_share", share(documents, drift), Unit::Ratio)
        .measured("drift_share_low", low, Unit::Ratio)
        .measured("drift_share_high", high, Unit::Ratio);
    at.kinds.iter().fold(finding, |finding, (kind, count)| {
        let name = format!("{}_documents", kind.as_str());
        finding.measured(&name, whole(float(*count)), Unit::Count)
    })
}

/// The most frequent first.
fn by_count(kinds: &BTreeMap<DriftKind, u64>) -> Vec<(DriftKind, u64)> {
    let mut kinds: Vec<_> = kinds.iter().map(|(kind, count)| (*kind, *count)).collect();
    kinds.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
    kinds
}

fn words(kind: DriftKind) -> &'static str {
    match kind {
        DriftKind::MissingKey => "the key is missing",
        DriftKind::UnknownKey => "no such key is allowed",
        DriftKind::WrongType => "the value is of another type",
        DriftKind::NotAllowed => "the value is none of those allowed",
        DriftKind::OutOfRange => "the value, its length or its count is out of range",
        DriftKind::Malformed => "the text does not match its pattern or format",
        DriftKind::Other => "a rule of the contract is broken",
    }
}

/// What a finding at a path is about: the column, where it is the document itself.
fn key_of(column: &DocumentColumn<'_>, path: &str) -> Object {
    match column.object() {
        Object::Column { schema, table, column, .. } if !path.is_empty() => {
            Object::Key { schema, table, column, key: path.to_owned() }
        }
        object => object,
    }
}

fn share(documents: u64, drift: &Drift) -> f64 {
    float(documents) / float(drift.judged).max(1.0)
}

/// Where the share among all rows is with 95 % confidence (Wilson), as far as the rows read were drawn one by one.
fn interval(documents: u64, drift: &Drift, complete: bool) -> [f64; 2] {
    let (count, share) = (float(drift.judged).max(1.0), share(documents, drift));
    if complete && drift.unjudged == 0 {
        return [share, share];
    }
    let squared = Z_95 * Z_95;
    let middle = share + squared / (2.0 * count);
    let half = Z_95 * (share * (1.0 - share) / count + squared / (4.0 * count * count)).sqrt();
    [middle - half, middle + half].map(|end| (end / (1.0 + squared / count)).clamp(0.0, 1.0))
}

fn unjudged(column: &DocumentColumn<'_>, drift: &Drift) -> Option<Gap> {
    let (unjudged, all) = (drift.unjudged, drift.unjudged + drift.judged);
    let object = column.object();
    let detail = format!(
        "{} of {} documents of `{object}` were not judged by its contract: that takes too many steps, or they \
         hold numbers that no reader of JSON takes",
        grouped(float(unjudged)),
        grouped(float(all)),
    );
    (unjudged > 0).then(|| {
        Gap::new("documents", GapReason::BudgetSpent, detail).lifted_by(
            "register a contract with fewer choices within choices and with simpler patterns",
        )
    })
}

/// Paths that drift and are not named.
fn unlisted(
    column: &DocumentColumn<'_>,
    drift: &Drift,
    listed: usize,
    policy: &Policy,
) -> Option<Gap> {
    let share_max = policy.get(&DRIFT_SHARE_MAX);
    let often = drift.paths.iter().filter(|at| share(at.documents, drift) > share_max).count();
    let (left, beyond) = (often.saturating_sub(PATHS_LISTED), drift.paths_left_out);
    if (left == 0 && beyond == 0) || listed == 0 {
        return None;
    }
    let more = if beyond > 0 {
        format!(
            ", and what {} times breaks it at others was not counted separately",
            grouped(float(beyond))
        )
    } else {
        String::new()
    };
    let detail = format!(
        "{left} more key paths of `{}` break its contract than the {listed} that are named{more}",
        column.object()
    );
    Some(
        Gap::new("documents", GapReason::BudgetSpent, detail)
            .lifted_by("correct what is named first, and analyse again"),
    )
}

/// Why a column with a contract was not judged; nothing where it is out of the scope or left out by the budget, which is
/// said elsewhere.
fn unseen(snapshot: &Snapshot, tables: &[Table<'_>], contract: &ColumnContract) -> Option<Gap> {
    let relations = snapshot.relations.get().ok()?;
    let named = |schema: &str, name: &str| schema == contract.schema && name == contract.table;
    let relation = relations.iter().find(|relation| named(&relation.schema, &relation.name));
    let object = Object::Column {
        schema: contract.schema.clone(),
        table: contract.table.clone(),
        column: contract.column.clone(),
        partition: None,
    };
    let gap = |why: &str| {
        let detail = format!("`{object}` has a contract and was not judged by it: {why}");
        Gap::new("documents", GapReason::NotEnoughEvidence, detail).lifted_by(
            "register the contract for a column of JSON, of the root where the table is partitioned, and forget this one: \
             DELETE /v1/targets/{target}/contracts/{schema}/{table}/{column}",
        )
    };
    let Some(relation) = relation else { return Some(gap("there is no such table")) };
    if relation.parent.is_some() {
        return Some(gap("the table is a partition of another"));
    }
    let table = tables.iter().find(|table| table.root.oid == relation.oid)?;
    let Some(column) = table.layout.column(&contract.column) else {
        return Some(gap("the table has no such column"));
    };
    if !column.is_json() {
        return Some(gap("the column is not of JSON"));
    }
    let all = snapshot.documents.get().ok()?;
    let mine = |of: &&ColumnDocuments| of.oid == relation.oid && of.column == contract.column;
    match all.iter().find(mine).map(|of| &of.sample) {
        Some(Observation::Unseen(gap)) => Some(gap.clone()),
        _ => None,
    }
}
