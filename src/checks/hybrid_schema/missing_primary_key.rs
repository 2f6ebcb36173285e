//! `hybrid-schema/missing-primary-key`, explained in the page beside this file.

use super::table::{Table, Tables, tables};
use crate::checks::Check;
use crate::checks::number::whole;
use crate::checks::staging::names_staging;
use crate::model::observation::{LayoutColumn, UniqueKey};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, AddedIdentity, AdoptedKey, Case, Declined, Finding, Gap, Judgement, NAME_BYTES_MAX,
    Policy, Severity, Superpower, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::HybridSchema,
    worst: Severity::High,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::LAYOUTS],
    uses: &[],
    requires: &[],
    thresholds: &[&TABLE_BYTES_MIN],
    page: include_str!("missing_primary_key.md"),
    judge,
};

pub(in crate::checks) const ID: &str = "hybrid-schema/missing-primary-key";

/// Names that say a column identifies something.
const IDENTIFYING: [&str; 4] = ["id", "uuid", "guid", "key"];
/// Types whose values identify things.
const IDENTIFYING_TYPES: [&str; 6] = ["int4", "int8", "uuid", "text", "varchar", "bpchar"];
/// Rows from which on it says something that a sample saw no value twice.
const ROWS_MIN: f64 = 1000.0;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let policy = case.policy;
    let Tables { all, gaps } = tables(case)?;
    let mut judgement = Judgement { gaps, ..Judgement::default() };
    for table in all {
        if table.root.primary_key || table.is_materialized_view() || table.layout.columns.is_empty()
        {
            continue;
        }
        if let Some((reason, detail)) = exemption(&table) {
            judgement.declined.push(Declined::new(ID, table.object(), reason, detail));
        } else {
            judgement.findings.push(find(&table, policy));
            judgement.declined.extend(partitioned(&table));
        }
    }
    Ok(judgement)
}

/// Why no key is recommended for a partitioned table.
fn partitioned(table: &Table<'_>) -> Option<Declined> {
    table.is_partitioned().then(|| Declined::new(
        ID,
        table.object(),
        "partitioned",
        "its key must hold the columns it is partitioned by; PostgreSQL adopts no index there as a key (ADD CONSTRAINT \
                 with USING INDEX is refused), so it is built while every partition is locked; only you know which \
                 columns identify a row",
    ))
}

/// Why a table may do without.
fn exemption(table: &Table<'_>) -> Option<(&'static str, String)> {
    let layout = table.layout;
    if names_staging(&table.root.schema) || names_staging(&table.root.name) {
        let detail = "its name says staging table; duplicates are expected there";
        return Some(("a staging table", detail.to_owned()));
    }
    if layout.unlogged {
        let detail =
            "an unlogged table holds what can be loaded again, and is loaded without a key";
        return Some(("unlogged", detail.to_owned()));
    }
    if layout.inheritance {
        let detail = "a key of one table says nothing about the tables it shares rows with";
        return Some(("inheritance", detail.to_owned()));
    }
    let serves = |key: &&UniqueKey| {
        let adopted = key.adoptable && !key.is_constraint && !table.is_partitioned();
        key.identifies && key.nullable.is_empty() && !adopted
    };
    let key = layout.keys.iter().find(serves)?;
    let detail = format!("`{}` is unique over columns that are never NULL", key.index);
    Some(("a unique constraint serves as one", detail))
}

fn find(table: &Table<'_>, policy: &Policy) -> Finding {
    let (object, layout) = (table.object(), table.layout);
    let unidentified = layout.published && matches!(layout.replica_identity, 'd' | 'n');
    let (severity, consequence) = if unidentified {
        (Severity::High, ", and is published: every UPDATE and DELETE of it fails")
    } else if table.is_large(policy) {
        (Severity::Medium, "")
    } else {
        (Severity::Low, "")
    };
    let message = format!("`{object}` has no primary key{consequence}");
    // Neither counted nor analyzed, as on a standby, is not empty.
    let is_counted = table.rows > 0.0 || table.bytes == 0;
    let finding = Finding::new(ID, object, severity, message)
        .known_statistic(
            "relations.table_rows",
            is_counted.then_some(whole(table.rows)),
            Unit::Rows,
        )
        .statistic("relations.table_bytes", table.bytes, Unit::Bytes)
        .statistic("layouts.replica_identity", identity(layout.replica_identity), Unit::Name);
    actions(table).into_iter().fold(finding, Finding::action)
}

fn identity(letter: char) -> &'static str {
    match letter {
        'n' => "nothing",
        'f' => "full",
        'i' => "index",
        _ => "default",
    }
}

/// What is there becomes the key; else what looks like one; else a column is added.
fn actions(table: &Table<'_>) -> Vec<Action> {
    // A key of a partitioned table must hold the columns it is partitioned by, and no index can be adopted there.
    if table.is_partitioned() {
        return Vec::new();
    }
    if let Some(key) = best_index(table) {
        return vec![adopt(table, key)];
    }
    let natural = natural_key(table).and_then(|column| build(table, column));
    natural.into_iter().chain(identity_key(table)).collect()
}

/// The unique index of the fewest columns that hold no NULL.
fn best_index<'a>(table: &Table<'a>) -> Option<&'a UniqueKey> {
    let filled =
        |name: &String| table.column(name).is_some_and(|column| column.null_share == Some(0.0));
    let usable =
        |key: &&UniqueKey| key.adoptable && !key.is_constraint && key.nullable.iter().all(filled);
    let keys = table.layout.keys.iter().filter(usable);
    keys.min_by_key(|key| (key.nullable.len(), key.columns.len()))
}

fn adopt(table: &Table<'_>, key: &UniqueKey) -> Action {
    Action::AdoptPrimaryKey(AdoptedKey {
        object: table.object(),
        table: table.name(),
        index: key.index.clone(),
        columns: key.columns.clone(),
        nullable: key.nullable.clone(),
        before: Some((key.definition.clone(), key.comment.clone())),
    })
}

/// A column that is called like a key, and of which no value was met twice, nor NULL.
fn natural_key<'a>(table: &Table<'a>) -> Option<&'a LayoutColumn> {
    let named = |column: &&LayoutColumn| {
        let name = column.name.to_lowercase();
        let own = format!("{}_id", table.root.name.trim_end_matches('s').to_lowercase());
        IDENTIFYING.contains(&name.as_str()) || name == own
    };
    let unique = |column: &&LayoutColumn| {
        column.built_in
            && IDENTIFYING_TYPES.contains(&column.type_name.as_str())
            && column.distinct == Some(-1.0)
            && (column.not_null || column.null_share == Some(0.0))
    };
    let layout = table.leaf.unwrap_or(table.layout);
    let found = layout.columns.iter().find(|column| named(column) && unique(column));
    found.filter(|_| table.rows >= ROWS_MIN)
}

fn build(table: &Table<'_>, column: &LayoutColumn) -> Option<Action> {
    let columns = vec![column.name.clone()];
    Some(Action::AdoptPrimaryKey(AdoptedKey {
        object: table.object(),
        table: table.name(),
        index: free_name(table)?,
        nullable: if column.not_null { Vec::new() } else { columns.clone() },
        columns,
        before: None,
    }))
}

fn identity_key(table: &Table<'_>) -> Option<Action> {
    let layout = table.layout;
    if layout.row_type_used || layout.columns.iter().any(|column| column.identity) {
        return None;
    }
    let own = format!("{}_id", table.root.name);
    let names = ["id", own.as_str(), "row_id", "surrogate_id"];
    let column = names
        .into_iter()
        .find(|name| layout.column(name).is_none() && name.len() < NAME_BYTES_MAX)?;
    Some(Action::AddIdentityKey(AddedIdentity {
        object: table.object(),
        table: table.name(),
        column: column.to_owned(),
        bytes: table.bytes,
    }))
}

/// A name as the server would give it, cut to what it keeps: with a number where one is taken.
fn free_name(table: &Table<'_>) -> Option<String> {
    let suffixes = ["pkey", "pkey1", "pkey2", "pkey3"].into_iter();
    let mut names = suffixes.map(|suffix| {
        let mut stem = table.root.name.clone();
        while stem.len() + 1 + suffix.len() > NAME_BYTES_MAX {
            stem.pop();
        }
        format!("{stem}_{suffix}")
    });
    names.find(|name| !table.has_name(name))
}
