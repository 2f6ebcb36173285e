//! `hybrid-schema/business-key-in-document`, explained in the page beside this file.

use std::collections::BTreeSet;

use super::names::{identified, normalized};
use super::promotion::{names_that_hold, promote};
use super::table::{DocumentColumn, Table, columns, tables};
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Case, Confidence, Declined, DocumentKey, Finding, Gap, Judgement, Policy, Severity, Snapshot,
    Superpower, Threshold, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::HybridSchema,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::LAYOUTS, Topic::DOCUMENTS],
    uses: &[],
    requires: &[],
    thresholds: &[&BUSINESS_KEY_PRESENCE_MIN, &TABLE_BYTES_MIN],
    page: include_str!("business_key_in_document.md"),
    judge,
};

const ID: &str = "hybrid-schema/business-key-in-document";

static BUSINESS_KEY_PRESENCE_MIN: Threshold = Threshold {
    name: "business_key_presence_min",
    default: 0.99,
    unit: Unit::Ratio,
    reason: "what identifies a row is in each, but for a few that were written wrongly",
};

/// Different values in the sample from which on a key identifies rows.
const DISTINCT_MIN: u64 = 10;
/// Names by which applications identify a row.
const ENTITY_KEYS: [&str; 1] = ["user_id"];
/// Names of the time an event happened at.
const TIME_KEYS: [&str; 5] =
    ["event_time", "event_timestamp", "event_at", "occurred_at", "timestamp"];

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let tables = tables(case)?;
    let (columns, gaps) = columns(seen, &tables)?;
    let entities = Entities::of(seen, &tables.all)?;
    let mut judgement = Judgement { gaps, ..Judgement::default() };
    for column in columns.iter().filter(|column| column.layout.type_name == "jsonb") {
        for key in &column.documents.keys {
            if let Some(why) = business_key(column, key, &entities, policy) {
                let (finding, declined) = find(column, key, why, policy);
                judgement.findings.push(finding);
                judgement.declined.extend(declined);
            }
        }
    }
    Ok(judgement)
}

/// What the database's tables are about.
struct Entities {
    /// Names of tables with a primary key.
    tables: BTreeSet<String>,
    /// Columns that are never NULL and are called like identifiers.
    identifiers: BTreeSet<String>,
}

impl Entities {
    fn of(snapshot: &Snapshot, tables: &[Table<'_>]) -> Result<Self, Gap> {
        let relations = snapshot.relations.get()?;
        let keyed = relations.iter().filter(|relation| relation.primary_key);
        let columns = tables.iter().flat_map(|table| &table.layout.columns);
        let names = columns.filter(|column| column.not_null).map(|c| normalized(&c.name));
        Ok(Self {
            tables: keyed.map(|relation| normalized(&relation.name)).collect(),
            identifiers: names.filter(|name| identified(name).is_some()).collect(),
        })
    }

    /// Where the entity of that key is known from.
    fn know(&self, name: &str) -> Option<&'static str> {
        let entity = identified(name)?;
        let plural = [entity.to_owned(), format!("{entity}s"), format!("{entity}es")];
        if plural.iter().any(|table| self.tables.contains(table)) {
            return Some("a table of that name has it as its key");
        }
        self.identifiers.contains(name).then_some("other tables have it as a column")
    }
}

/// Why the time of an event is missed.
const NO_OTHER_TIME: &str = "the table has no other time";

/// Why the key is one of the business; none where it is not, or the table has it as a column.
fn business_key(
    column: &DocumentColumn<'_>,
    key: &DocumentKey,
    entities: &Entities,
    policy: &Policy,
) -> Option<&'static str> {
    let always = key.presence_ratio >= policy.get(&BUSINESS_KEY_PRESENCE_MIN);
    let fits = key.fits.as_deref();
    // A key that is no plain word is not called like one of the business.
    let plain = !key.path.starts_with('"');
    if key.depth != 1
        || !plain
        || !always
        || key.distinct < DISTINCT_MIN
        || key.types.contains_key("null")
    {
        return None;
    }
    let name = normalized(&key.path);
    let columns = &column.table.layout.columns;
    let names = names_that_hold(column, key);
    if columns.iter().any(|column| names.contains(&normalized(&column.name))) {
        return None;
    }
    if matches!(fits, Some("bigint" | "uuid" | "text")) {
        let specified = ENTITY_KEYS.contains(&name.as_str()).then_some("it is called like one");
        return entities.know(&name).or(specified);
    }
    let is_time = |type_name: &str| type_name.starts_with("timestamp") || type_name == "date";
    let timeless = !columns.iter().any(|column| is_time(&column.type_name));
    let is_event_time =
        fits == Some("timestamp with time zone") && TIME_KEYS.contains(&name.as_str());
    (is_event_time && timeless).then_some(NO_OTHER_TIME)
}

fn find(
    column: &DocumentColumn<'_>,
    key: &DocumentKey,
    why: &'static str,
    policy: &Policy,
) -> (Finding, Option<Declined>) {
    let object = column.key_object(key);
    let severity = if column.table.is_large(policy) { Severity::Medium } else { Severity::Low };
    let table = column.table.name().to_sql();
    let what = if why == NO_OTHER_TIME { "dates" } else { "identifies" };
    let (name, document) = (&key.path, &column.layout.name);
    let message =
        format!("`{name}` {what} the rows of `{table}` but exists only inside `{document}`: {why}");
    let fits = key.fits.as_deref().unwrap_or("text");
    let finding = Finding::new(ID, object, severity, message)
        .confidence(Confidence::Medium)
        .measured("presence_ratio", key.presence_ratio, Unit::Ratio)
        .measured("distinct", whole(float(key.distinct)), Unit::Count)
        .measured("documents", whole(float(column.count())), Unit::Count)
        .measured("fits", fits, Unit::Name);
    match promote(ID, column, key, &[]) {
        Ok(action) => (finding.action(action), None),
        Err(declined) => (finding, Some(declined)),
    }
}
