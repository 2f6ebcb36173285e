//! What an analysis saw of columns with a contract, for what keeps samples and reports drift.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::checks;
use crate::model::observation::{ColumnContract, DriftKind, KeySample};
use crate::model::{Finding, Object, Severity, Snapshot, finding_id};

/// Kinds of changes of keys beside those of [`DriftKind`].
const KEY_CHANGES: [&str; 2] = ["new_key", "vanished_key"];

/// What was seen of a column with a contract.
#[derive(Debug, Clone, PartialEq)]
pub struct ContractObservation {
    /// The table's schema.
    pub schema: String,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The keys of the sample.
    pub keys: KeySample,
    /// What was found, whatever severities were asked for.
    pub findings: Vec<DriftFound>,
    /// `path kind` of everything that breaks the contract, be it in one document.
    pub traces: BTreeSet<String>,
}

/// A finding as an event reports it. No value is in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriftFound {
    /// Its id.
    pub id: String,
    /// Harm if true.
    pub severity: Severity,
    /// What it is about.
    pub object: Object,
    /// One line.
    pub message: String,
    /// Documents by how they break the contract, or by how their keys changed.
    pub counts: BTreeMap<String, u64>,
}

impl ContractObservation {
    /// `path kind` of what was found.
    pub fn drift(&self) -> BTreeSet<String> {
        let found = self.findings.iter();
        found.flat_map(|found| found.counts.keys().map(|kind| trace(found.path(), kind))).collect()
    }

    /// Whether keys changed since the sample before.
    pub fn keys_changed(&self) -> bool {
        let kinds = self.findings.iter().flat_map(|found| found.counts.keys());
        kinds.into_iter().any(|kind| KEY_CHANGES.contains(&kind.as_str()))
    }

    /// What the finding of the whole is about.
    pub fn object(&self) -> Object {
        Object::Column {
            schema: self.schema.clone(),
            table: self.table.clone(),
            column: self.column.clone(),
            partition: None,
        }
    }
}

impl DriftFound {
    fn path(&self) -> &str {
        if let Object::Key { key, .. } = &self.object { key } else { "" }
    }
}

fn trace(path: &str, kind: &str) -> String {
    format!("{path} {kind}")
}

/// The thresholds that documents are judged by beside their contracts.
pub fn contract_thresholds() -> impl Iterator<Item = &'static str> {
    let judging = checks::all().filter(|check| check.judges_contracts());
    judging.flat_map(|check| check.thresholds).map(|threshold| threshold.name)
}

/// The columns with a contract whose documents were judged.
pub(super) fn observations(
    target: &str,
    snapshot: &Snapshot,
    findings: &[Finding],
) -> Vec<ContractObservation> {
    let drifting =
        |finding: &&Finding| checks::find(finding.check).is_ok_and(checks::Check::judges_contracts);
    let of = |contract: &ColumnContract| {
        let ColumnContract { schema, table, column, .. } = contract.clone();
        let drift = drift_of(snapshot, contract)?;
        let mine = findings.iter().filter(drifting).filter(|finding| is_of(contract, finding));
        let kinds = drift
            .paths
            .iter()
            .flat_map(|at| at.kinds.keys().map(|kind| trace(&at.path, kind.as_str())));
        let whole = drift.kinds.keys().map(|kind| trace("", kind.as_str()));
        Some(ContractObservation {
            schema,
            table,
            column,
            keys: drift.keys.clone()?,
            findings: mine.map(|finding| found(target, finding)).collect(),
            traces: kinds.chain(whole).collect(),
        })
    };
    snapshot.contracts.iter().filter_map(of).collect()
}

fn drift_of<'a>(
    snapshot: &'a Snapshot,
    contract: &ColumnContract,
) -> Option<&'a crate::model::observation::Drift> {
    let relations = snapshot.relations.get().ok()?;
    let root = relations
        .iter()
        .find(|root| root.schema == contract.schema && root.name == contract.table)?;
    let columns = snapshot.documents.get().ok()?.iter();
    let mut mine = columns.filter(|of| of.oid == root.oid && of.column == contract.column);
    // A sample that ended early is none.
    mine.find(|of| of.sample.get().is_ok())?.drift.as_ref()
}

fn is_of(contract: &ColumnContract, finding: &Finding) -> bool {
    match &finding.object {
        Object::Column { schema, table, column, .. }
        | Object::Key { schema, table, column, .. } => {
            *schema == contract.schema && *table == contract.table && *column == contract.column
        }
        _ => false,
    }
}

fn found(target: &str, finding: &Finding) -> DriftFound {
    let kinds = DriftKind::ALL.iter().map(|kind| kind.as_str()).chain(KEY_CHANGES);
    let count = |kind: &str| {
        let name = format!("{kind}_documents");
        let evidence = finding.evidence.iter().find(|evidence| evidence.name == name)?;
        let count = evidence.value.as_f64()?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        Some((kind.to_owned(), count as u64))
    };
    DriftFound {
        id: finding_id(target, finding.check, &finding.object),
        severity: finding.severity,
        object: finding.object.clone(),
        message: finding.message.clone(),
        counts: kinds.filter_map(count).collect(),
    }
}
