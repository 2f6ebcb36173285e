//! `gin/missing-containment-index`, explained in the page beside this file.

use super::known_defect;
use super::ledger::{
    JsonbSearches, SEARCH_CALLS_MIN, Sought, ambiguous, certain, searches, workload,
};
use super::partial::{SharedCondition, shared_condition};
use super::serving::may_serve;
use crate::checks::Check;
use crate::checks::existing::free_suffix;
use crate::checks::gin::jsonb_ops_for_containment::path_ops;
use crate::checks::number::float;
use crate::model::observation::{
    ColumnUsage, Common, Index, Layout, LayoutColumn, Predicate, Relation, Workload,
};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Confidence, Declined, Family, Finding, Gap, IndexKey, Judgement, KeyPart,
    NewIndex, Object, QualifiedName, Severity, Superpower, Topic, Unit, percent,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Gin,
    worst: Severity::Medium,
    needs: &[
        Topic::CONTEXT,
        Topic::RELATIONS,
        Topic::LAYOUTS,
        Topic::INDEXES,
        Topic::INDEX_DETAILS,
        Topic::STATEMENTS,
        Topic::TABLE_ACTIVITY,
    ],
    uses: &[],
    requires: &[],
    thresholds: &[&SEARCH_CALLS_MIN, &TABLE_BYTES_MIN],
    page: include_str!("missing_containment_index.md"),
    judge,
};

const ID: &str = "gin/missing-containment-index";

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let workload = workload(case)?;
    let layouts = seen.layouts.get().map_err(Clone::clone)?;
    seen.common.indexes.get().map_err(Clone::clone)?;
    seen.common.index_details.get().map_err(Clone::clone)?;
    seen.common.table_activity.get().map_err(Clone::clone)?;
    let families = case.families()?;
    let mut judgement = Judgement::default();
    for usage in &workload.usage {
        let family = families.named(&usage.schema, &usage.table);
        let Some(family) =
            family.filter(|f| float(f.total_bytes()) >= policy.get(&TABLE_BYTES_MIN))
        else {
            continue;
        };
        let Some(layout) = layouts.iter().find(|layout| layout.oid == family.root.oid) else {
            continue;
        };
        // No index is built on what is computed when it is read.
        if layout.column(&usage.column).is_some_and(|column| column.generated == Some('v')) {
            continue;
        }
        judge_column(&mut judgement, (usage, layout), (family, workload), case);
    }
    Ok(judgement)
}

fn judge_column(
    judgement: &mut Judgement,
    (usage, layout): (&ColumnUsage, &Layout),
    (family, workload): (&Family<'_>, &Workload),
    case: &Case<'_>,
) {
    let common = &case.snapshot.common;
    let sought = Sought::new(family.root, float(family.bytes()), common);
    let Some(any) = wanted(usage, layout, common, false) else { return };
    let indexed = indexed(&usage.column, any.calls, (family, &sought, workload), common);
    let by_paths = indexed == Indexed::ByPaths;
    let Some(mut wanted) = wanted(usage, layout, common, by_paths) else { return };
    let uses = |one: &Predicate| {
        sought.column(one) == Some(&*usage.column) && wanted.served.contains(&one.operator.as_str())
    };
    let searched = wanted.calls;
    wanted.calls -=
        sought.calls_found_otherwise(workload, &uses, &|_: &Predicate| false).min(wanted.calls);
    let sure = certain(usage, wanted.calls);
    let enough = float_of(sure) >= case.policy.get(&SEARCH_CALLS_MIN);
    match indexed {
        Indexed::Everywhere => return,
        Indexed::Partly(without) => {
            judgement.declined.extend(enough.then(|| partly(usage, family, &without)));
            return;
        }
        Indexed::Nowhere | Indexed::ByPaths => {}
    }
    judgement.gaps.extend(ambiguous(usage, wanted.calls, case));
    wanted.calls = sure;
    if enough {
        let shared = shared_condition(&sought, workload, &uses, (layout, searched));
        judgement.findings.push(finding(case, (usage, wanted), family, shared));
    }
}

/// Where an index is that serves searches of a column.
#[derive(Debug, PartialEq)]
enum Indexed {
    /// Nowhere.
    Nowhere,
    /// On every table that holds rows, by paths alone: not by keys.
    ByPaths,
    /// On some partitions; without one are these.
    Partly(Vec<QualifiedName>),
    /// On every table that holds rows.
    Everywhere,
}

/// How an index serves a column of one table.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Serves {
    Not,
    Paths,
    Fully,
}

/// Where an index of any kind that can serve containment is on the column, as any part: one that is invalid is for other checks.
fn indexed(
    column: &str,
    calls: u64,
    (family, sought, workload): (&Family<'_>, &Sought<'_>, &Workload),
    common: &Common,
) -> Indexed {
    let indexes = common.indexes.get().map(Vec::as_slice).unwrap_or_default();
    let uses = |one: &Predicate| sought.column(one) == Some(column);
    let serves = |index: &Index| {
        // What was not read may be on it.
        let Some(detail) = common.index_detail(index.oid) else { return Serves::Fully };
        let position = detail.parts.iter().position(|part| part.column.as_deref() == Some(column));
        let Some(position) = position else { return Serves::Not };
        if !may_serve(detail, (sought, workload), &uses, calls) {
            return Serves::Not;
        }
        let class = index.classes.get(position).and_then(|oid| common.operator_class(*oid));
        let by_paths = class.is_some_and(|class| class.name == "jsonb_path_ops");
        if by_paths { Serves::Paths } else { Serves::Fully }
    };
    let of_table = |table: i64| {
        let others = indexes.iter().filter(|index| {
            index.table_oid == table && !matches!(index.method.as_str(), "btree" | "hash" | "brin")
        });
        others.map(serves).fold(Serves::Not, |one, other| if other > one { other } else { one })
    };
    let tables: Vec<(&Relation, Serves)> =
        family.leaves().map(|leaf| (leaf, of_table(leaf.oid))).collect();
    let all = |serves: Serves| tables.iter().all(|(_, served)| *served == serves);
    if all(Serves::Not) && !tables.is_empty() {
        return Indexed::Nowhere;
    }
    if all(Serves::Paths) && !tables.is_empty() {
        return Indexed::ByPaths;
    }
    let without = tables.iter().filter(|(_, served)| *served == Serves::Not);
    let without: Vec<QualifiedName> = without.map(|(table, _)| table.qualified_name()).collect();
    if without.is_empty() { Indexed::Everywhere } else { Indexed::Partly(without) }
}

/// Which partitions a statement reads is known to the server alone.
fn partly(usage: &ColumnUsage, family: &Family<'_>, without: &[QualifiedName]) -> Declined {
    let first: Vec<String> = without.iter().take(3).map(QualifiedName::to_sql).collect();
    let more = if without.len() > first.len() { ", …" } else { "" };
    Declined {
        check: ID.to_owned(),
        object: object(usage),
        reason: "an index is on some partitions alone".to_owned(),
        detail: format!(
            "{} of {} partitions have none: {}{more}; whether the searches read these is not known",
            without.len(),
            family.leaves().count(),
            first.join(", ")
        ),
    }
}

fn object(usage: &ColumnUsage) -> Object {
    Object::Column {
        schema: usage.schema.clone(),
        table: usage.table.clone(),
        column: usage.column.clone(),
        partition: None,
    }
}

fn float_of(calls: u64) -> f64 {
    float(i64::try_from(calls).unwrap_or(i64::MAX))
}

/// The index that searches of a column ask for.
struct WantedIndex {
    key: IndexKey,
    /// Its class as prose names it.
    class: &'static str,
    /// Operators that it serves, as prose names them.
    operators: &'static str,
    /// The same.
    served: &'static [&'static str],
    calls: u64,
    total_ms: f64,
}

/// Types of the server's own that have an order, as the names of their arrays spell them.
const ORDERED_ELEMENTS: [&str; 14] = [
    "bool",
    "bpchar",
    "bytea",
    "date",
    "float4",
    "float8",
    "int2",
    "int4",
    "int8",
    "numeric",
    "text",
    "timestamptz",
    "uuid",
    "varchar",
];

/// Whether `array_ops` takes an array of this type: it compares elements, so they need an order. Types that are not the
/// server's own are enums, composites and domains, which have one as a rule.
fn is_array_with_an_order(column: &LayoutColumn, common: &Common) -> bool {
    // Of a domain the name of its base type is known alone: that of an array begins so.
    let of_domain = || column.type_name.strip_prefix('_').filter(|_| column.built_in);
    if !column.type_sql.ends_with("[]") {
        return of_domain().is_some_and(|element| ORDERED_ELEMENTS.contains(&element));
    }
    let Some(element) = column.type_sql.strip_suffix("[]") else { return false };
    let element = element.split('(').next().unwrap_or(element).trim();
    let classes = common.operator_classes.get().map(Vec::as_slice).unwrap_or_default();
    let ordered = |name: &str| {
        classes
            .iter()
            .any(|class| class.method == "btree" && class.is_default && class.type_name == name)
    };
    !column.built_in || element == "character varying" || ordered(element)
}

/// `by_paths` says that an index of `jsonb_path_ops` is there: what it lacks are the operators for keys.
fn wanted(
    usage: &ColumnUsage,
    layout: &Layout,
    common: &Common,
    by_paths: bool,
) -> Option<WantedIndex> {
    let column = layout.column(&usage.column)?;
    let (operators, class): (&'static [&'static str], _) = match column.type_name.as_str() {
        "jsonb" if by_paths => (&["?", "?|", "?&"], "jsonb_ops"),
        "jsonb" => {
            let searches = JsonbSearches::of(usage);
            let contains_alone = searches.keys == 0 && searches.paths == 0;
            let class = if contains_alone { "jsonb_path_ops" } else { "jsonb_ops" };
            (&["@>", "?", "?|", "?&", "@?", "@@"], class)
        }
        "tsvector" => (&["@@"], "tsvector_ops"),
        _ if is_array_with_an_order(column, common) => (&["@>", "&&"], "array_ops"),
        _ => return None,
    };
    // Under OR an index serves a condition only where one serves each of the others.
    let serves =
        |one: &&crate::model::observation::OperatorUse| searches(one, operators) && !one.under_or;
    let calls = usage.calls_where(|one| serves(&one));
    let key = match class {
        "jsonb_path_ops" => path_ops(&usage.column),
        _ => IndexKey {
            on: KeyPart::Column(usage.column.clone()),
            class: None,
            ordering: String::new(),
        },
    };
    let printed = match class {
        "jsonb_path_ops" => "@>",
        "jsonb_ops" if by_paths => "?, ?| and ?&",
        "jsonb_ops" => "@> and ?",
        "tsvector_ops" => "@@",
        _ => "@> and &&",
    };
    let total_ms = usage.uses.iter().filter(serves).map(|one| one.total_ms).sum();
    (calls > 0).then_some(WantedIndex {
        key,
        class,
        operators: printed,
        served: operators,
        calls,
        total_ms,
    })
}

fn finding(
    case: &Case<'_>,
    (usage, wanted): (&ColumnUsage, WantedIndex),
    family: &Family<'_>,
    shared: Option<SharedCondition>,
) -> Finding {
    let object = object(usage);
    let message = format!(
        "`{object}` is searched by {} in {} calls, and no index serves them: each reads {:.0} MB",
        wanted.operators,
        wanted.calls,
        float(family.bytes()) / 1e6
    );
    let finding = Finding::new(ID, object.clone(), Severity::Medium, message)
        .confidence(Confidence::Medium)
        .statistic(
            "workload.search_calls",
            i64::try_from(wanted.calls).unwrap_or(i64::MAX),
            Unit::Count,
        )
        .statistic("relations.table_bytes", family.bytes(), Unit::Bytes)
        .statistic("workload.class", wanted.class, Unit::Name);
    let finding = if wanted.total_ms > 0.0 {
        finding.statistic("workload.search_ms", wanted.total_ms, Unit::Ms)
    } else {
        finding
    };
    let whole = index(case, (usage, wanted.key), family, object);
    let Some(shared) = shared else { return finding.action(Action::BuildIndex(whole)) };
    // Where it is known how few rows it is of, it comes first.
    let is_small = shared.rows_share.is_some();
    let partial = of_rows(case, (usage, whole.clone()), family, &shared);
    let (first, second) = if is_small { (partial, whole) } else { (whole, partial) };
    finding.action(Action::BuildIndex(first)).action(Action::BuildIndex(second))
}

fn index(
    case: &Case<'_>,
    (usage, key): (&ColumnUsage, IndexKey),
    family: &Family<'_>,
    object: Object,
) -> NewIndex {
    NewIndex {
        object,
        table: family.root.qualified_name(),
        partitions: family.partitions(),
        suffix: suffix(case, family, &format!("{}_gin", usage.column)),
        method: "gin".to_owned(),
        keys: vec![key],
        include: Vec::new(),
        unique: false,
        options: Vec::new(),
        predicate: None,
        purpose: "gin".to_owned(),
        instead_of: None,
        caveats: vec![
            "every insert, and every update that is not HOT, then writes each key of the row: measure your writes before and after".to_owned(),
            "updates of the column can no longer be HOT; the build holds back VACUUM on all tables until it ends".to_owned(),
        ]
        .into_iter()
        .chain(known_defect::caveats(case))
        .collect(),
    }
}

/// The same index on the rows alone that every search asks for.
fn of_rows(
    case: &Case<'_>,
    (usage, whole): (&ColumnUsage, NewIndex),
    family: &Family<'_>,
    shared: &SharedCondition,
) -> NewIndex {
    let rows = match shared.rows_share {
        Some(share) => format!("it holds {} of the rows, as last analyzed", percent(share)),
        None => "statistics do not say how many rows it holds".to_owned(),
    };
    let mut partial = NewIndex {
        suffix: suffix(case, family, &format!("{}_gin_partial", usage.column)),
        predicate: Some(shared.predicate.clone()),
        purpose: "gin on the rows that every search asks for".to_owned(),
        ..whole
    };
    let only = format!(
        "serves only searches with `{}`, which all known ones have; {rows}",
        shared.predicate
    );
    partial.caveats.insert(0, only);
    partial
}

fn suffix(case: &Case<'_>, family: &Family<'_>, wanted: &str) -> String {
    free_suffix(case.snapshot, &family.root.qualified_name(), &family.partitions(), wanted)
}
