//! `gin/missing-containment-index`, explained in the page beside this file.

use super::indexed::{Indexed, SearchKey, indexed};
use super::ledger::{
    ROWS_LEFT_MAX, SEARCH_CALLS_MIN, Sought, ambiguous, certain, column_object, searches, workload,
};
use super::partial::{SharedCondition, shared_condition};
use super::{any_of_array, known_defect, searched_expression};
use crate::checks::Check;
use crate::checks::existing::free_suffix;
use crate::checks::gin::jsonb_ops_for_containment::path_ops;
use crate::checks::number::float;
use crate::model::observation::{ColumnUsage, Common, Layout, LayoutColumn, Predicate};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Confidence, Declined, Family, Finding, Gap, IndexKey, Judgement, KeyPart,
    NewIndex, Object, QualifiedName, Severity, Superpower, Topic, Unit, counted, percent,
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
    thresholds: &[&SEARCH_CALLS_MIN, &ROWS_LEFT_MAX, &TABLE_BYTES_MIN],
    page: include_str!("missing_containment_index.md"),
    judge,
};

pub(super) const ID: &str = "gin/missing-containment-index";

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let workload = workload(case)?;
    let layouts = seen.layouts.get()?;
    seen.common.indexes.get()?;
    seen.common.index_details.get()?;
    seen.common.table_activity.get()?;
    let families = case.families()?;
    let mut judgement = Judgement::default();
    for usage in &workload.usage {
        let family = families.named(&usage.schema, &usage.table);
        let Some(family) =
            family.filter(|f| float(f.total_bytes()) >= policy.get(&TABLE_BYTES_MIN))
        else {
            continue;
        };
        // Its columns were left out by the visit's budget, which says so.
        let Some(layout) = layouts.iter().find(|layout| layout.oid == family.root.oid) else {
            continue;
        };
        // No index is built on what is computed when it is read.
        if layout.column(&usage.column).is_some_and(|column| column.generated == Some('v')) {
            continue;
        }
        let sought = &Sought::new(family.root, float(family.bytes()), workload, case);
        let field = FieldOfSearch { usage, layout, family, sought, case };
        judge_column(&mut judgement, &field);
        searched_expression::judge(&mut judgement, &field);
    }
    Ok(judgement)
}

/// A column with the statements that search it.
#[derive(Clone, Copy)]
pub(super) struct FieldOfSearch<'f, 'a> {
    pub(super) usage: &'f ColumnUsage,
    pub(super) layout: &'f Layout,
    pub(super) family: &'f Family<'a>,
    pub(super) sought: &'f Sought<'a>,
    pub(super) case: &'f Case<'a>,
}

fn judge_column(judgement: &mut Judgement, field: &FieldOfSearch<'_, '_>) {
    let FieldOfSearch { usage, layout, family, sought, case, .. } = *field;
    let Some(any) = wanted(field, false) else {
        judgement.findings.extend(any_of_array(field));
        return;
    };
    let indexed = indexed(field, SearchKey::Column(&usage.column), any.calls);
    let by_paths = indexed == Indexed::ByPaths;
    let Some(mut wanted) = wanted(field, by_paths) else { return };
    let uses = |one: &Predicate| {
        sought.column(one) == Some(&*usage.column) && wanted.served.contains(&one.operator.as_str())
    };
    let searched = wanted.calls;
    wanted.calls -= sought.calls_found_otherwise(&uses, &|_: &Predicate| false).min(wanted.calls);
    let sure = certain(usage, wanted.calls);
    let enough = float(sure) >= case.policy.get(&SEARCH_CALLS_MIN);
    match indexed {
        Indexed::Everywhere => return,
        Indexed::Partly(without) => {
            judgement.declined.extend(enough.then(|| partly(usage, family, &without)));
            return;
        }
        Indexed::Nowhere | Indexed::ByPaths if layout.inheritance => {
            judgement.declined.extend(enough.then(|| inherited(usage)));
            return;
        }
        Indexed::Nowhere | Indexed::ByPaths => {}
    }
    judgement.gaps.extend(ambiguous(usage, wanted.calls, case));
    let least = case.policy.get(&SEARCH_CALLS_MIN);
    judgement.gaps.extend(sought.unknown_rows(&uses, least));
    wanted.calls = sure;
    if enough {
        let shared = shared_condition(sought, &uses, layout, searched);
        judgement.findings.push(finding(field, wanted, shared));
    }
}

/// An array that is searched by `= ANY` alone, and has no index. One that serves `@>` has an effect once statements are changed.
fn any_of_array(field: &FieldOfSearch<'_, '_>) -> Option<Finding> {
    let FieldOfSearch { usage, layout, family, sought, case, .. } = *field;
    let common = &case.snapshot.common;
    let column = layout.column(&usage.column)?;
    let all = any_of_array::calls(usage);
    let ordered = all > 0 && is_array_with_an_order(column, common);
    let rewrite = any_of_array::rewrite(column).filter(|_| ordered)?;
    let key = SearchKey::Column(&usage.column);
    if indexed(field, key, all) != Indexed::Nowhere {
        return None;
    }
    let uses =
        |one: &Predicate| key.is_of(sought, one) && any_of_array::is_any(one.operator.as_str());
    let otherwise = sought.calls_found_otherwise(&uses, &|_: &Predicate| false);
    let calls = certain(usage, all.saturating_sub(otherwise));
    let object = column_object(usage);
    let message = format!(
        "`{object}` is searched by `= ANY` in {}, which no index serves: each reads up to {:.0} MB; `@>` finds the same rows, by a GIN index",
        counted(calls, "call", "calls"),
        float(family.bytes()) / 1e6
    );
    let finding = Finding::new(ID, object, Severity::Medium, message)
        .confidence(Confidence::Medium)
        .statistic("workload.search_calls", i64::try_from(calls).unwrap_or(i64::MAX), Unit::Count)
        .statistic("relations.table_bytes", family.bytes(), Unit::Bytes)
        .statistic("rewrite.condition", &*rewrite, Unit::Name);
    (float(calls) >= case.policy.get(&SEARCH_CALLS_MIN)).then_some(finding)
}

/// A search of a table reads those that inherit from it, too.
pub(super) fn inherited(usage: &ColumnUsage) -> Declined {
    Declined::new(
        ID,
        column_object(usage),
        "inheritance",
        "an index of one table finds no rows of those it shares them with: build one on each that holds rows",
    )
}

/// Which partitions a statement reads is known to the server alone.
pub(super) fn partly(
    usage: &ColumnUsage,
    family: &Family<'_>,
    without: &[QualifiedName],
) -> Declined {
    let first: Vec<String> = without.iter().take(3).map(QualifiedName::to_sql).collect();
    let more = if without.len() > first.len() { ", …" } else { "" };
    Declined::new(
        ID,
        column_object(usage),
        "an index is on some partitions alone",
        format!(
            "{} of {} partitions have none: {}{more}; whether the searches read these is not known",
            without.len(),
            family.leaves().count(),
            first.join(", ")
        ),
    )
}

/// The index that searches of a column ask for.
struct WantedIndex {
    key: IndexKey,
    /// Its class as prose names it.
    class: &'static str,
    /// Operators in use that it serves, as prose names them.
    operators: String,
    /// All that it serves.
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
fn wanted(field: &FieldOfSearch<'_, '_>, by_paths: bool) -> Option<WantedIndex> {
    let FieldOfSearch { usage, layout, sought, case, .. } = *field;
    let common = &case.snapshot.common;
    let column = layout.column(&usage.column)?;
    let left = |operators: &[&str]| sought.calls_left(usage, operators);
    let (operators, class): (&'static [&'static str], _) = match column.type_name.as_str() {
        "jsonb" if by_paths => (&["?", "?|", "?&"], "jsonb_ops"),
        "jsonb" => {
            let contains_alone = left(&["?", "?|", "?&", "@?", "@@"]) == 0;
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
    let in_use: Vec<&str> =
        operators.iter().copied().filter(|operator| left(&[operator]) > 0).collect();
    let total_ms = usage.uses.iter().filter(serves).map(|one| one.total_ms).sum();
    (calls > 0).then_some(WantedIndex {
        key,
        class,
        operators: in_use.join(", "),
        served: operators,
        calls,
        total_ms,
    })
}

fn finding(
    field: &FieldOfSearch<'_, '_>,
    wanted: WantedIndex,
    shared: Option<SharedCondition>,
) -> Finding {
    let FieldOfSearch { usage, family, .. } = *field;
    let object = column_object(usage);
    let message = format!(
        "`{object}` is searched by {} in {}, and no index serves them: each reads up to {:.0} MB",
        wanted.operators,
        counted(wanted.calls, "call", "calls"),
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
        .statistic("workload.class", wanted.class, Unit::Name)
        .known_statistic(
            "workload.search_ms",
            (wanted.total_ms > 0.0).then_some(wanted.total_ms),
            Unit::Ms,
        );
    let name = format!("{}_gin", usage.column);
    let whole = index(field, &name, wanted.key, object);
    let Some(shared) = shared else { return finding.action(Action::BuildIndex(whole)) };
    // Where it is known how few rows it is of, it comes first.
    let is_small = shared.rows_share.is_some();
    let partial = of_rows(field, whole.clone(), &shared);
    let (first, second) = if is_small { (partial, whole) } else { (whole, partial) };
    finding.action(Action::BuildIndex(first)).action(Action::BuildIndex(second))
}

pub(super) fn index(
    field: &FieldOfSearch<'_, '_>,
    name: &str,
    key: IndexKey,
    object: Object,
) -> NewIndex {
    NewIndex {
        object,
        table: field.family.root.qualified_name(),
        partitions: field.family.partitions(),
        suffix: suffix(field, name),
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
        .chain(known_defect::caveats(field.case))
        .collect(),
    }
}

/// The same index on the rows alone that every search asks for.
fn of_rows(field: &FieldOfSearch<'_, '_>, whole: NewIndex, shared: &SharedCondition) -> NewIndex {
    let rows = match shared.rows_share {
        Some(share) => format!("it holds {} of the rows, as last analyzed", percent(share)),
        None => "statistics do not say how many rows it holds".to_owned(),
    };
    let mut partial = NewIndex {
        suffix: suffix(field, &format!("{}_gin_partial", field.usage.column)),
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

fn suffix(field: &FieldOfSearch<'_, '_>, wanted: &str) -> String {
    let FieldOfSearch { family, case, .. } = *field;
    free_suffix(case.snapshot, &family.root.qualified_name(), &family.partitions(), wanted)
}
