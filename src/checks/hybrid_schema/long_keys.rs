//! `hybrid-schema/long-keys`, explained in the page beside this file.

use super::table::{DocumentColumn, columns, tables};
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Confidence, Declined, DocumentKey, Finding, Gap, Judgement, NAME_BYTES_MAX,
    Policy, Renaming, Severity, Snapshot, Superpower, Threshold, Topic, Unit, counted, grouped,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::HybridSchema,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::LAYOUTS, Topic::DOCUMENTS],
    uses: &[],
    requires: &[],
    thresholds: &[&KEY_LENGTH_MAX, &KEY_INSTANCES_MAX, &SAVING_RATIO_MIN, &TABLE_BYTES_MIN],
    page: include_str!("long_keys.md"),
    judge,
};

pub(in crate::checks) const ID: &str = "hybrid-schema/long-keys";

pub(in crate::checks) static KEY_LENGTH_MAX: Threshold = Threshold {
    name: "key_length_max",
    default: 3.0,
    unit: Unit::Bytes,
    reason: "three bytes distinguish thirty thousand keys, more than any application has",
};

static KEY_INSTANCES_MAX: Threshold = Threshold {
    name: "key_instances_max",
    default: 1_000_000.0,
    unit: Unit::Count,
    reason: "a name stored less often costs some megabytes, and a contract costs more",
};

static SAVING_RATIO_MIN: Threshold = Threshold {
    name: "saving_ratio_min",
    default: 0.2,
    unit: Unit::Ratio,
    reason: "what changes every query and consumer must save a part of the table that is felt, in reads as on disk",
};

/// What is hung on the names of what is made, and the two joints.
const SUFFIX_BYTES: usize = "__lengthen".len();
/// The share of compressed documents from which on they are the reason why little is saved.
const MOSTLY: f64 = 0.5;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let tables = tables(case)?;
    let (columns, gaps) = columns(seen, &tables)?;
    let mut judgement = Judgement { gaps, ..Judgement::default() };
    for column in columns.iter().filter(|column| column.table.is_large(policy)) {
        let (names, data) = keys(column, policy);
        if !names.are_too_long(policy) {
            let with_data = names.and(data).are_too_long(policy);
            judgement.declined.extend(with_data.then(|| are_data(column, data)));
            continue;
        }
        if let Some(exemption) = exemption(column, policy) {
            // What they repeat above all is no name.
            let declined =
                if data.bytes > names.bytes { are_data(column, data) } else { exemption };
            judgement.declined.push(declined);
            continue;
        }
        let finding = find(column, names);
        match blocker(seen, column)? {
            None => judgement.findings.push(finding.action(shorten(column, policy))),
            Some((reason, detail)) => {
                judgement.findings.push(finding);
                judgement.declined.push(declined(column, reason, detail));
            }
        }
    }
    Ok(judgement)
}

/// What keys of a column's documents come to in the whole table.
#[derive(Debug, Clone, Copy, Default)]
struct KeyTotals {
    /// How often one is stored.
    instances: f64,
    /// How often one is stored that is longer than it should be.
    long_instances: f64,
    /// Bytes of all.
    bytes: f64,
}

impl KeyTotals {
    fn and(self, other: Self) -> Self {
        Self {
            instances: self.instances + other.instances,
            long_instances: self.long_instances + other.long_instances,
            bytes: self.bytes + other.bytes,
        }
    }

    fn mean_bytes(self) -> f64 {
        self.bytes / self.instances.max(1.0)
    }

    fn are_too_long(self, policy: &Policy) -> bool {
        self.mean_bytes() > policy.get(&KEY_LENGTH_MAX)
            && self.long_instances > policy.get(&KEY_INSTANCES_MAX)
    }
}

/// The keys that are names, and those that are data or were not distinguished.
fn keys(column: &DocumentColumn<'_>, policy: &Policy) -> (KeyTotals, KeyTotals) {
    let length_max = policy.get(&KEY_LENGTH_MAX);
    let (mut names, mut data) = (KeyTotals::default(), KeyTotals::default());
    for key in column.documents.keys.iter().filter(|key| key.name.is_some()) {
        let (instances, bytes) = (key.instances.estimate, float(key.key_bytes));
        let long_instances = if bytes > length_max { instances } else { 0.0 };
        let these = KeyTotals { instances, long_instances, bytes: instances * bytes };
        if key.is_data {
            data = data.and(these);
        } else {
            names = names.and(these);
        }
    }
    // Of these only the number is known: they are as long as the others.
    let sample = &column.documents.sample;
    let left_out = float(column.documents.keys_left_out) / float(sample.rows).max(1.0);
    let instances = left_out * sample.of_rows;
    let mean = data.and(names).mean_bytes();
    let others = KeyTotals { instances, long_instances: instances, bytes: instances * mean };
    (names, data.and(others))
}

/// Bytes that the whole table would save, and the share of it that they are.
fn saving(column: &DocumentColumn<'_>) -> (f64, f64) {
    let (sample, renamed) = (&column.documents.sample, &column.documents.renamed);
    let documents = float(column.count()) / float(sample.rows).max(1.0) * sample.of_rows;
    let saved = float(renamed.saved_bytes) / float(renamed.documents).max(1.0) * documents;
    (saved, saved / float(column.table.bytes).max(1.0))
}

/// Why the column is better left as it is.
fn exemption(column: &DocumentColumn<'_>, policy: &Policy) -> Option<Declined> {
    if column.layout.type_name == "json" {
        let detail = "convert it to jsonb first (hybrid-schema/text-json): that is another size";
        return Some(declined(column, "its documents are stored as text", detail.to_owned()));
    }
    let is_data = |key: &DocumentKey| key.is_data;
    if column.documents.keys_left_out > 0 && !column.documents.keys.iter().any(is_data) {
        let detail = format!(
            "beside {}, {} of others were met in the sample",
            counted(column.documents.keys.len(), "key", "keys"),
            counted(column.documents.keys_left_out, "occurrence", "occurrences")
        );
        return Some(declined(column, "more keys than are counted separately", detail));
    }
    let (_, ratio) = saving(column);
    (ratio < policy.get(&SAVING_RATIO_MIN)).then(|| saves_little(column, ratio))
}

fn saves_little(column: &DocumentColumn<'_>, ratio: f64) -> Declined {
    let renamed = &column.documents.renamed;
    let documents = float(renamed.documents).max(1.0);
    let mean = |bytes: u64| float(bytes) / documents;
    let compressed = float(renamed.compressed) / documents;
    let detail = format!(
        "codes would {} {} of the table: a document takes {:.0} bytes as stored and would take {:.0}, uncompressed {:.0} \
         and {:.0}; {} are stored compressed, which takes out most of what names repeat, and {} of {} would be too short \
         to be compressed any more",
        if ratio < 0.0 { "add" } else { "save" },
        crate::model::percent(ratio.abs()),
        mean(renamed.stored_bytes),
        mean(renamed.renamed_stored_bytes),
        mean(renamed.uncompressed_bytes),
        mean(renamed.renamed_uncompressed_bytes),
        crate::model::percent(compressed),
        renamed.no_longer_compressed,
        renamed.documents,
    );
    let reason = if compressed > MOSTLY {
        "its documents are stored compressed"
    } else {
        "codes would save too little"
    };
    declined(column, reason, detail)
}

fn are_data(column: &DocumentColumn<'_>, data: KeyTotals) -> Declined {
    let maps = column.documents.keys.iter().filter(|key| key.is_data).count();
    let detail = format!(
        "{} of the sample are one of very many below their path, most of them in few documents or made of digits, \
         and are stored {} times at {:.0} bytes: a list of objects with the key as a value, or a table, takes their place",
        counted(maps, "key", "keys"),
        grouped(data.instances),
        data.mean_bytes()
    );
    declined(column, "its keys are data", detail)
}

fn declined(column: &DocumentColumn<'_>, reason: &str, detail: String) -> Declined {
    Declined::new(ID, column.object(), reason, detail)
}

fn find(column: &DocumentColumn<'_>, names: KeyTotals) -> Finding {
    let (object, renamed) = (column.object(), &column.documents.renamed);
    let (saved, ratio) = saving(column);
    let message = format!(
        "`{object}` stores the names of its keys again in each document: codes would save {} of the table",
        crate::model::percent(ratio)
    );
    let documents = float(renamed.documents).max(1.0);
    Finding::new(ID, object, Severity::Medium, message)
        .confidence(Confidence::Medium)
        .statistic("relations.table_rows", whole(column.table.rows), Unit::Rows)
        .statistic("relations.table_bytes", column.table.bytes, Unit::Bytes)
        .measured("key_bytes_mean", names.mean_bytes(), Unit::Bytes)
        .measured("long_key_instances", whole(names.long_instances), Unit::Count)
        .measured("long_keys", whole(float(renamed.codes.len())), Unit::Count)
        .measured("document_bytes_mean", float(renamed.stored_bytes) / documents, Unit::Bytes)
        .measured(
            "renamed_document_bytes_mean",
            float(renamed.renamed_stored_bytes) / documents,
            Unit::Bytes,
        )
        .measured("compressed_share", float(renamed.compressed) / documents, Unit::Ratio)
        .measured("saved_bytes", whole(saved), Unit::Bytes)
        .measured("saving_ratio", ratio, Unit::Ratio)
}

/// What keeps statements from being recommended: they would fail, or break what depends on the column.
fn blocker(
    snapshot: &Snapshot,
    column: &DocumentColumn<'_>,
) -> Result<Option<(&'static str, String)>, Gap> {
    let (table, layout) = (column.table, column.layout);
    if !layout.pins.is_empty() {
        let detail =
            format!("{} reads its keys, and must change with them", layout.pins.join(" and "));
        return Ok(Some(("others depend on the column", detail)));
    }
    if table.is_materialized_view() {
        let detail = "give the documents their codes where its query finds them";
        return Ok(Some(("a materialized view", detail.to_owned())));
    }
    if table.is_partitioned() {
        let detail = "triggers and dependents of each partition would have to be known; convert them one by one";
        return Ok(Some(("partitioned", detail.to_owned())));
    }
    if table.layout.inheritance || layout.inherited || table.layout.row_type_used {
        let detail = "other tables or columns have the shape of this one, and its documents";
        return Ok(Some(("inheritance", detail.to_owned())));
    }
    if layout.type_sql != "jsonb" {
        let detail = format!("its type is the domain {}, which may know the keys", layout.type_sql);
        return Ok(Some(("a domain", detail)));
    }
    if layout.generated.is_some() {
        let detail = "change the expression it is generated by";
        return Ok(Some(("generated", detail.to_owned())));
    }
    if let Some(why) = table.updates_refused {
        return Ok(Some(("rows cannot be updated", why.to_owned())));
    }
    named(snapshot, column)
}

/// Whether what is made can have its names.
fn named(
    snapshot: &Snapshot,
    column: &DocumentColumn<'_>,
) -> Result<Option<(&'static str, String)>, Gap> {
    let root = column.table.root;
    let dictionary = format!("{}_{}_keys", root.name, column.layout.name);
    let relations = snapshot.relations.get()?;
    if relations.iter().any(|other| other.schema == root.schema && other.name == dictionary) {
        let detail = format!(
            "`{dictionary}` is there: give the keys that are stored long again their codes with it, or undo it first"
        );
        return Ok(Some(("a dictionary exists", detail)));
    }
    if root.name.len() + column.layout.name.len() + SUFFIX_BYTES > NAME_BYTES_MAX {
        let detail = "its table, functions and view would have names longer than 63 bytes";
        return Ok(Some(("no name is left for the dictionary", detail.to_owned())));
    }
    let made = ["long", "shorten", "lengthen"].map(|what| format!("{}_{what}", column.layout.name));
    Ok(made.iter().find_map(|suffix| column.table.taken_by(suffix)).map(|taken| {
        let detail = format!("`{taken}` is there already: rename it, or choose other names");
        ("no name is left for the dictionary", detail)
    }))
}

fn shorten(column: &DocumentColumn<'_>, policy: &Policy) -> Action {
    let (table, documents) = (column.table, column.documents);
    let names = documents.keys.iter().filter(|key| {
        key.name.as_ref().is_some_and(|name| documents.renamed.codes.contains_key(name))
    });
    // One at the top, where queries read it.
    let rank = |key: &&DocumentKey| (key.depth == 1, key.instances.estimate.max(0.0).to_bits());
    let most = names.max_by_key(rank);
    let filled = float(column.count()) / float(documents.sample.rows).max(1.0);
    Action::ShortenKeys(Renaming {
        object: column.object(),
        table: table.name(),
        columns: table.layout.columns.iter().map(|column| column.name.clone()).collect(),
        column: column.layout.name.clone(),
        codes: documents.renamed.codes.clone(),
        example: most.and_then(|key| key.name.clone()).unwrap_or_default(),
        rows: whole(documents.sample.of_rows * filled),
        bytes: table.bytes,
        saving_ratio_min: policy.get(&SAVING_RATIO_MIN),
    })
}
