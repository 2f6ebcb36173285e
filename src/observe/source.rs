//! Where an observation comes from: one query, and its spellings for newer servers.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_aux::serde_introspection::serde_introspect;

/// A query, as each major version takes it. Spellings differ in where they read, never in what they return, so one type decodes
/// them all.
pub(super) struct Source {
    /// The name in metrics and gaps.
    pub(super) name: &'static str,
    /// As the oldest version takes it.
    sql: &'static str,
    /// By the version since which it is written otherwise, oldest first.
    rewritten: &'static [(u32, &'static str)],
    /// Columns that newer versions know.
    newer: &'static [NewerColumn],
}

/// A column for which older versions have no value. It stands on a line of its own.
pub(super) struct NewerColumn {
    /// The version that has it.
    pub(super) since: u32,
    /// Its name.
    pub(super) name: &'static str,
    /// Its expression.
    pub(super) value: &'static str,
}

pub(super) static CONTEXT: Source = Source::new("context", include_str!("sql/context.sql"));

pub(super) static FOREIGN_CODE: Source =
    Source::new("foreign_code", include_str!("sql/foreign_code.sql"));

pub(super) static UPDATES_REFUSED: Source =
    Source::new("updates_refused", include_str!("sql/updates_refused.sql"));

pub(super) static UNIDENTIFIED_UPDATES: Source =
    Source::new("unidentified_updates", include_str!("sql/unidentified_updates.sql"))
        .rewritten(&[(15, include_str!("sql/unidentified_updates.pg15.sql"))]);

pub(super) static NAMES: Source = Source::new("names", include_str!("sql/names.sql"));

pub(super) static SEARCH_PATH: Source =
    Source::new("search_path", include_str!("sql/search_path.sql"));

pub(super) static WORKLOAD_SOURCES: Source =
    Source::new("workload_sources", include_str!("sql/workload_sources.sql"));

pub(super) static ACTIVITY: Source = Source::new("activity", include_str!("sql/activity.sql"));

pub(super) static STAT_STATEMENTS: Source =
    Source::new("stat_statements", include_str!("sql/stat_statements.sql"));

pub(super) static STAT_STATEMENTS_INFO: Source =
    Source::new("stat_statements_info", include_str!("sql/stat_statements_info.sql"));

pub(super) static QUALSTATS: Source = Source::new("qualstats", include_str!("sql/qualstats.sql"));

pub(super) static DEFINITIONS: Source =
    Source::new("definitions", include_str!("sql/definitions.sql"));

pub(super) static LOG_TAIL: Source = Source::new("log_tail", include_str!("sql/log_tail.sql"))
    .rewritten(&[(15, include_str!("sql/log_tail.pg15.sql"))]);

pub(super) static EXISTING_TABLES: Source =
    Source::new("existing_tables", include_str!("sql/existing_tables.sql"));

pub(super) static RELATION_SIZES: Source =
    Source::new("relation_sizes", include_str!("sql/relation_sizes.sql"));

impl Source {
    /// A query that every version takes.
    pub(super) const fn new(name: &'static str, sql: &'static str) -> Self {
        Self { name, sql, rewritten: &[], newer: &[] }
    }

    /// A query that is written for each target.
    pub(super) const fn generated(name: &'static str) -> Self {
        Self::new(name, "")
    }

    /// The same, written otherwise since some versions, oldest first.
    pub(super) const fn rewritten(self, rewritten: &'static [(u32, &'static str)]) -> Self {
        Self { rewritten, ..self }
    }

    /// The same, with columns that newer versions know.
    pub(super) const fn newer(self, newer: &'static [NewerColumn]) -> Self {
        Self { newer, ..self }
    }

    /// The SQL as a version takes it.
    pub(super) fn spelling(&self, major: u32) -> Cow<'static, str> {
        let newest = self.rewritten.iter().rfind(|(since, _)| *since <= major);
        let sql = newest.map_or(self.sql, |(_, sql)| sql);
        let known: Vec<_> = self.newer.iter().filter(|column| column.since <= major).collect();
        if known.is_empty() {
            return Cow::Borrowed(sql);
        }
        let spelled = sql.lines().map(|line| {
            let (_, name) = line.rsplit_once(" as ").unwrap_or_default();
            let column = known.iter().find(|column| column.name == name.trim_end_matches(','));
            match column {
                Some(column) => Cow::Owned(format!("{} as {name}", column.value)),
                None => Cow::Borrowed(line),
            }
        });
        let spelled = spelled.collect::<Vec<_>>().join("\n");
        debug_assert!(
            known.iter().all(|column| spelled.matches(column.value).count() == 1),
            "{}: a newer column stands on one line",
            self.name
        );
        Cow::Owned(spelled)
    }
}

/// SQL whose rows are read as `T`, as a query of one column of JSON.
pub(super) fn as_json<T: DeserializeOwned>(sql: &str) -> String {
    with_row(&row_as_json::<T>(), sql)
}

/// SQL whose rows, called `r`, come as that expression, of text or JSON.
pub(super) fn with_row(expression: &str, sql: &str) -> String {
    format!("select /* dbopt */ {expression} from (\n{sql}) as r")
}

/// SQL whose rows come as columns, those that `T` asks for by name, in its order.
pub(super) fn as_columns<T: DeserializeOwned>(sql: &str) -> String {
    with_row(&columns::<T>(), sql)
}

/// The row `r` as an array of what `T` asks for, in its order: of a large catalog the names of columns would be three quarters
/// of all bytes.
pub(super) fn row_as_json<T: DeserializeOwned>() -> String {
    format!("pg_catalog.json_build_array({})", columns::<T>())
}

fn columns<T: DeserializeOwned>() -> String {
    let fields = serde_introspect::<T>().iter().map(|field| format!("r.\"{field}\""));
    fields.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    static SOURCE: Source =
        Source::new("test", "select\n    1     as a,\n    null::int8     as b\nfrom t")
            .newer(&[NewerColumn { since: 16, name: "b", value: "t.b" }]);

    #[test]
    fn a_column_has_its_value_since_the_version_that_knows_it() {
        assert_eq!(SOURCE.spelling(15), "select\n    1     as a,\n    null::int8     as b\nfrom t");
        assert_eq!(SOURCE.spelling(16), "select\n    1     as a,\nt.b as b\nfrom t");
    }
}
