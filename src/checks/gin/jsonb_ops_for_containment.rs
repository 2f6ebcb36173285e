//! `gin/jsonb-ops-for-containment`, explained in the page beside this file.

use super::existing::existing;
use super::index::{GinTree, trees};
use super::ledger::{
    JsonbSearches, ROWS_LEFT_MAX, SEARCH_CALLS_MIN, Sought, ambiguous, certain, column_usage,
    workload,
};
use super::serving::may_serve;
use crate::checks::Check;
use crate::checks::existing::free_suffix;
use crate::checks::number::float;
use crate::model::observation::{Predicate, Workload};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Confidence, Declined, Finding, Gap, IndexKey, IndexReplacement, Judgement,
    KeyPart, NewIndex, QualifiedName, Severity, Superpower, Threshold, Topic, Unit, grouped,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Gin,
    worst: Severity::Medium,
    needs: &[
        Topic::CONTEXT,
        Topic::RELATIONS,
        Topic::INDEXES,
        Topic::INDEX_DETAILS,
        Topic::GIN,
        Topic::STATEMENTS,
    ],
    uses: &[],
    requires: &[],
    thresholds: &[&CONTAINMENT_SHARE, &SEARCH_CALLS_MIN, &ROWS_LEFT_MAX, &TABLE_BYTES_MIN],
    page: include_str!("jsonb_ops_for_containment.md"),
    judge,
};

const ID: &str = "gin/jsonb-ops-for-containment";

static CONTAINMENT_SHARE: Threshold = Threshold {
    name: "containment_share",
    default: 0.9,
    unit: Unit::Ratio,
    reason: "share of the calls that search by @>, and of the calls whose columns are known: the rest must not need what jsonb_path_ops lacks",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let workload = workload(case)?;
    case.snapshot.common.index_details.get()?;
    let mut judgement = Judgement::default();
    for tree in trees(case)?.iter().filter(|tree| tree.root.is_valid) {
        let class = tree.root.classes.first();
        let class = class.and_then(|oid| case.snapshot.common.operator_class(*oid));
        let is_jsonb_ops =
            class.is_some_and(|class| class.name == "jsonb_ops" && class.schema == "pg_catalog");
        if is_jsonb_ops && tree.table_bytes >= case.policy.get(&TABLE_BYTES_MIN) {
            judge_tree(&mut judgement, tree, workload, case);
        }
    }
    Ok(judgement)
}

fn judge_tree<'a>(
    judgement: &mut Judgement,
    tree: &GinTree<'a>,
    workload: &'a Workload,
    case: &Case<'a>,
) {
    let Some((column, usage)) = column_usage(tree, case, workload) else { return };
    let searches = JsonbSearches::of(usage);
    // Of an index on a part of the rows that no search asks for, the class does not matter.
    let of_column = Sought::new(tree.table, tree.heap_bytes, workload, case);
    let uses = |one: &Predicate| of_column.column(one) == Some(column);
    let detail = case.snapshot.common.index_detail(tree.root.oid);
    if !detail.is_some_and(|d| may_serve(d, &of_column, &uses, searches.all())) {
        return;
    }
    let share = float(searches.contains) / float(searches.all()).max(1.0);
    let least = case.policy.get(&CONTAINMENT_SHARE);
    let sure = certain(usage, searches.contains);
    if share >= least {
        judgement.gaps.extend(ambiguous(usage, searches.contains, case));
    }
    if share < least || float(sure) < case.policy.get(&SEARCH_CALLS_MIN) {
        return;
    }
    let known = workload.coverage.columns_ratio.unwrap_or(0.0);
    let reason = match searches {
        JsonbSearches { keys: 1.., .. } => "key existence is searched for, too",
        JsonbSearches { paths: 1.., .. } => {
            "what jsonb_path_ops makes of a JSON path depends on the path"
        }
        _ if known < least || usage.left_out_calls > 0 => "too little of the workload is known",
        _ => {
            judgement.findings.extend(finding(tree, column, searches, case));
            return;
        }
    };
    judgement.declined.push(Declined::new(ID, tree.whole_object(), reason, format!(
            "{} calls by @>, {} by ?, ?| or ?&, {} by @? or @@; the columns of {} of all calls are known",
            searches.contains,
            searches.keys,
            searches.paths,
            crate::model::percent(known)
        )));
}

fn finding(
    tree: &GinTree<'_>,
    column: &str,
    searches: JsonbSearches,
    case: &Case<'_>,
) -> Option<Finding> {
    let object = tree.whole_object();
    let old = existing(tree, &object, case.snapshot)?;
    let detail = case.snapshot.common.index_detail(tree.root.oid)?;
    let new = NewIndex {
        object: object.clone(),
        table: tree.table.qualified_name(),
        partitions: tree.partitions(case),
        suffix: free_suffix(
            case.snapshot,
            &tree.table.qualified_name(),
            &tree.partitions(case),
            &format!("{column}_path"),
        ),
        method: "gin".to_owned(),
        keys: vec![path_ops(column)],
        include: Vec::new(),
        unique: false,
        options: old.extras.options.clone(),
        predicate: detail.predicate.clone(),
        purpose: "jsonb_path_ops".to_owned(),
        instead_of: None,
        caveats: vec![
            "it serves @> and equality in JSON paths, and neither ? nor ranges".to_owned(),
            "sizes measured on four data sets: 19 % smaller to 20 % larger; searches 6 to 8 times as fast".to_owned(),
        ],
    };
    let bytes = tree.bytes(case);
    let message = format!(
        "`{object}` has the class jsonb_ops, and all {} searches use @>, which jsonb_path_ops serves with one key for each value",
        grouped(float(searches.contains))
    );
    Some(
        Finding::new(ID, object, Severity::Medium, message)
            .confidence(Confidence::Medium)
            .statistic("workload.containment_calls", count(searches.contains), Unit::Count)
            .statistic("workload.other_calls", count(searches.keys + searches.paths), Unit::Count)
            .statistic("index_sizes.index_bytes", bytes, Unit::Bytes)
            .action(Action::ReplaceIndex(IndexReplacement {
                new: Box::new(new),
                old: Box::new(old),
            })),
    )
}

fn count(calls: u64) -> i64 {
    i64::try_from(calls).unwrap_or(i64::MAX)
}

/// A key of the class that hashes paths with their values.
pub(super) fn path_ops(column: &str) -> IndexKey {
    IndexKey {
        on: KeyPart::Column(column.to_owned()),
        class: Some(QualifiedName {
            schema: "pg_catalog".to_owned(),
            name: "jsonb_path_ops".to_owned(),
        }),
        ordering: String::new(),
    }
}
