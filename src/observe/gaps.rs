//! What could not be seen, said with the reason and what would lift it.

use std::collections::BTreeSet;

use super::batch::{SAMPLED_BYTES_MAX, SAMPLED_TIME_MAX};
use super::choice::{Choice, LayoutChoice};
use super::sample::readable;
use super::texts::{CountedStatement, ServerStatementText};
use super::visit::VisitPlan;
use crate::model::observation::{Index, Layout, Relation, StoredSample, ToastTable};
use crate::model::{
    Gap, GapReason, Observation, QualifiedName, Topic, alter_role, alter_system, counted, grant,
    grant_in, quote_identifier,
};
use crate::pg::Failure;

/// A source that failed.
pub(super) fn failed(source: &'static str, failure: &Failure) -> Gap {
    let detail = format!("the query failed with SQLSTATE {}", failure.sqlstate);
    passing(Gap::new(source, failure.reason, detail))
}

/// What another try may lift says so.
fn passing(gap: Gap) -> Gap {
    match gap.reason {
        GapReason::Locked => gap.lifted_by("analyse again when no other session locks it"),
        GapReason::TimedOut => gap.lifted_by(
            "analyse again when the server is less busy, or narrow it with `schema` or `table`",
        ),
        _ => gap,
    }
}

/// Rows that our role is not shown: a sample without them would not be one of the table.
pub(super) fn hidden_by_row_security(observation: impl Into<String>, sql: &str) -> Gap {
    let detail = format!("row security hides rows of `{sql}` from our role");
    Gap::new(observation, GapReason::MissingPrivilege, detail).lifted_by(alter_role("BYPASSRLS"))
}

/// Why a relation is not sampled at all.
pub(super) fn unsampled(name: &QualifiedName, table: &ToastTable) -> Option<Gap> {
    let gap = |reason, detail: String| Gap::new(observation(name), reason, detail);
    let sql = name.to_sql();
    let unread = !table.columns.is_empty() && readable(table).is_empty();
    let select = grant_in(&name.schema, format_args!("SELECT ON {sql}"));
    if table.row_security {
        let hidden = hidden_by_row_security(observation(name), &sql);
        let bypass = hidden.lift.clone().unwrap_or_default();
        return Some(if unread { hidden.lifted_by(format!("{select} {bypass}")) } else { hidden });
    }
    if table.heap_bytes.is_none() {
        let detail = format!("`{sql}` was locked, or dropped, during the visit");
        return Some(passing(gap(GapReason::Locked, detail)));
    }
    if unread {
        let detail = format!("our role may not read `{sql}`");
        return Some(gap(GapReason::MissingPrivilege, detail).lifted_by(select));
    }
    table.columns.is_empty().then(|| {
        gap(GapReason::NotEnoughEvidence, format!("`{sql}` has no column of variable length"))
    })
}

/// Relations whose columns were to be read and were not: those that another session has locked are left out.
pub(super) fn unseen_layouts(
    choice: &LayoutChoice,
    relations: &[Relation],
    layouts: &[Layout],
) -> Vec<Gap> {
    let seen: BTreeSet<i64> = layouts.iter().map(|layout| layout.oid).collect();
    let chosen: BTreeSet<i64> = choice.relations.iter().copied().collect();
    let unseen = relations.iter().filter(|r| chosen.contains(&r.oid) && !seen.contains(&r.oid));
    let gap = |relation: &Relation| {
        let name = relation.qualified_name().to_sql();
        let detail = format!("`{name}` was locked, or dropped, during the visit");
        passing(Gap::new(format!("layouts of {name}"), GapReason::Locked, detail))
    };
    unseen.map(gap).collect()
}

/// An index whose definition was to be read and was not: its table was locked.
pub(super) fn unseen_index(index: &Index) -> Gap {
    let name = index.qualified_name().to_sql();
    let detail = format!("the table of `{name}` was locked, or dropped, during the visit");
    passing(Gap::new(format!("definition of {name}"), GapReason::Locked, detail))
}

/// Why a standby holds no rows of a table that has some: unlogged tables are not sent.
pub(super) fn left_on_the_primary(relation: &Relation, table: &ToastTable) -> Option<Gap> {
    let name = relation.qualified_name();
    let detail = format!("`{}` is unlogged, and its rows are on the primary alone", name.to_sql());
    (table.heap_bytes == Some(0) && relation.pages > 0).then(|| {
        Gap::new(observation(&name), GapReason::InRecovery, detail).lifted_by("analyse the primary")
    })
}

/// A sample of documents that was left before its end, so that others are read, too.
pub(super) fn too_many_documents(table: &QualifiedName) -> Gap {
    let detail = format!(
        "the sample of `{}` ended early: one visit counts {} MB of documents as text, for {} s at most",
        table.to_sql(),
        SAMPLED_BYTES_MAX >> 20,
        SAMPLED_TIME_MAX.as_secs()
    );
    Gap::new("documents", GapReason::BudgetSpent, detail)
        .lifted_by("narrow the request with `schema` or `table`")
}

/// Columns our role may not read, in tables of which it may read others.
pub(super) fn unread_columns(
    choice: &Choice,
    relations: &[Relation],
    tables: &[ToastTable],
) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for table in tables.iter().filter(|table| choice.samples.contains(&table.oid)) {
        let hidden: Vec<_> = table
            .columns
            .iter()
            .filter(|column| !column.readable)
            .map(|column| quote_identifier(&column.name))
            .collect();
        let relation = relations.iter().find(|relation| relation.oid == table.oid);
        let Some(relation) = relation.filter(|_| !hidden.is_empty()) else { continue };
        // Where none can be read, the table is not sampled, and that is said of it.
        if hidden.len() == table.columns.len() {
            continue;
        }
        let (name, hidden) = (relation.qualified_name(), hidden.join(", "));
        let detail = format!("our role may not read {hidden} of `{}`", name.to_sql());
        gaps.push(
            Gap::new(observation(&name), GapReason::MissingPrivilege, detail)
                .lifted_by(grant(format_args!("SELECT ({hidden}) ON {}", name.to_sql()))),
        );
    }
    gaps
}

/// A sample, or why there is none.
pub(super) fn sampled(
    relation: &Relation,
    answer: Result<Option<StoredSample>, Failure>,
) -> Observation<StoredSample> {
    let name = relation.qualified_name();
    let gap = |reason, detail: String| {
        Observation::Unseen(passing(Gap::new(observation(&name), reason, detail)))
    };
    match answer {
        Ok(Some(sample)) => Observation::Seen(sample),
        Ok(None) => gap(
            GapReason::NotVisibleInSql,
            format!("the sample of `{}` could not be read", name.to_sql()),
        ),
        // `object_not_in_prerequisite_state`: a materialized view that was never filled.
        Err(failure) if failure.sqlstate == "55000" => gap(
            GapReason::NotEnoughEvidence,
            format!("`{}` has no rows that could be read here", name.to_sql()),
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

/// What this visit was not to look at.
pub(super) fn unasked(observation: &str) -> Gap {
    let detail = "this visit was not asked to look at it";
    Gap::new(observation, GapReason::NotEnoughEvidence, detail)
}

/// A workload of which nothing was sent, and the server knows nothing.
pub(super) fn no_statements() -> Gap {
    let detail = "no statement that was run is known with its keys; pg_stat_statements does not keep the keys they name";
    of_workload(GapReason::NotEnoughEvidence, detail)
        .lifted_by("send a server log or a list of statements: POST /v1/targets/{target}/workload, or --workload FILE")
}

fn of_workload(reason: GapReason, detail: impl Into<String>) -> Gap {
    Gap::new(Topic::WORKLOAD.as_str(), reason, detail)
}

/// What the server keeps of the workload, in an extension's schema or elsewhere, and did not show.
pub(super) fn source_failed(source: &'static str, failure: &Failure, schema: Option<&str>) -> Gap {
    let gap = failed(source, failure);
    let detail = format!("{source}: {}", gap.detail);
    let gap = Gap { observation: Topic::WORKLOAD.as_str().to_owned(), detail, ..gap };
    match (failure.sqlstate.as_str(), schema) {
        ("55000", Some(_)) => gap.lifted_by(format!(
            "add pg_{source} to shared_preload_libraries, and restart the server"
        )),
        ("42703", Some(_)) => gap.lifted_by(format!("ALTER EXTENSION pg_{source} UPDATE;")),
        ("42501", Some(schema)) => {
            gap.lifted_by(grant(format_args!("USAGE ON SCHEMA {}", quote_identifier(schema))))
        }
        _ => gap,
    }
}

/// Sessions that do not show what they run.
pub(super) fn untracked_activities() -> Gap {
    let detail = "`track_activities` is off, so no session shows what it runs";
    of_workload(GapReason::NotVisibleInSql, detail)
        .lifted_by(alter_system("track_activities", "on"))
}

/// No one counts calls.
pub(super) fn no_stat_statements() -> Gap {
    let detail = "pg_stat_statements is not installed in this database, so calls are not counted";
    of_workload(GapReason::MissingExtension, detail).lifted_by(
        "add pg_stat_statements to shared_preload_libraries, restart the server, then CREATE EXTENSION pg_stat_statements;",
    )
}

/// No statement is known that could be explained.
pub(super) fn no_statement_to_explain(counted: bool) -> Gap {
    let gap = |reason, detail: &str| Gap::new(Topic::PLANS.as_str(), reason, detail);
    if counted {
        let detail =
            "pg_stat_statements counts no statement of this database that can be explained";
        gap(GapReason::NotEnoughHistory, detail)
            .lifted_by("analyse again when the application has run")
    } else {
        let detail = "No statement was explained: no source says which take most time";
        gap(GapReason::NotEnoughEvidence, detail).lifted_by(
            "CREATE EXTENSION pg_stat_statements, or send a server log: POST /v1/targets/{target}/workload, --workload FILE",
        )
    }
}

/// Nothing shows which text belongs to which count.
pub(super) fn no_query_id() -> Gap {
    let detail = "`compute_query_id` is off, so statements are neither counted nor distinguished";
    of_workload(GapReason::NotVisibleInSql, detail)
        .lifted_by(alter_system("compute_query_id", "auto"))
}

/// A log that our role may not read, for it may not call these functions.
pub(super) fn unread_log(denied: &[String]) -> Gap {
    of_workload(GapReason::MissingPrivilege, "our role may not read the server's log").lifted_by(
        format!(
            "send the log, or let the role read it, and every file of the data directory with it: {}",
            grant(format_args!("EXECUTE ON FUNCTION {}", denied.join(", ")))
        ),
    )
}

/// A log that does not say which database a line belongs to.
pub(super) fn log_of_others() -> Gap {
    let detail = "the server's log is plain text, which does not name the database of a line";
    of_workload(GapReason::NotVisibleInSql, detail)
        .lifted_by(alter_system("log_destination", "'csvlog'"))
}

/// Statements of other roles, which ours is not shown.
pub(super) fn hidden_texts(
    activity: &[ServerStatementText],
    counted: &[CountedStatement],
) -> Option<Gap> {
    let hidden = activity.iter().any(|text| text.sql.is_none())
        || counted.iter().any(|statement| statement.hidden);
    hidden.then(|| {
        of_workload(GapReason::MissingPrivilege, "our role is not shown what other roles run")
            .lifted_by(grant("pg_read_all_stats"))
    })
}

/// Statements that are longer than sessions show.
pub(super) fn cut_texts(activity: &[ServerStatementText]) -> Option<Gap> {
    let cut = activity.iter().filter(|text| text.cut_off).count();
    (cut > 0).then(|| {
        let detail = format!(
            "{cut} of {} sessions run statements longer than `track_activity_query_size`",
            activity.len()
        );
        of_workload(GapReason::NotVisibleInSql, detail).lifted_by(
            "ALTER SYSTEM SET track_activity_query_size = '16kB'; and restart the server",
        )
    })
}

/// Why the documents of a column cannot be read in one relation.
pub(super) fn unread_documents(relation: &Relation, layout: &Layout, column: &str) -> Option<Gap> {
    let sql = relation.qualified_name().to_sql();
    if layout.row_security {
        return Some(hidden_by_row_security("documents", &sql));
    }
    if layout.heap_bytes.is_none() {
        let detail = format!("`{sql}` was locked, or dropped, during the visit");
        return Some(passing(Gap::new("documents", GapReason::Locked, detail)));
    }
    let readable = layout.column(column).is_some_and(|column| column.readable);
    (!readable).then(|| unread_column(&relation.qualified_name(), column))
}

/// A column our role may not read.
pub(super) fn unread_column(name: &QualifiedName, column: &str) -> Gap {
    let (sql, column) = (name.to_sql(), quote_identifier(column));
    Gap::new(
        "documents",
        GapReason::MissingPrivilege,
        format!("our role may not read {column} of `{sql}`"),
    )
    .lifted_by(grant_in(&name.schema, format_args!("SELECT ({column}) ON {sql}")))
}

/// Tables that the budget left out.
pub(super) fn left_out(plan: &VisitPlan) -> Vec<Gap> {
    let values = plan.values.as_ref().map_or(0, |choice| choice.families_left_out);
    let layouts = plan.layouts.as_ref();
    [
        ("stored_values", values),
        ("layouts", layouts.map_or(0, |choice| choice.left_out)),
        ("documents", layouts.map_or(0, |choice| choice.documents_left_out)),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(observation, count)| {
        let detail = format!(
            "{} not looked into; the largest came first",
            counted(count, "smaller table was", "smaller tables were")
        );
        Gap::new(observation, GapReason::BudgetSpent, detail)
            .lifted_by("narrow the analysis with `schema` or `table`")
    })
    .collect()
}
