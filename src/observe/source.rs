//! Where an observation comes from: one query, and its spellings for newer servers.

use serde::de::DeserializeOwned;
use serde_aux::serde_introspection::serde_introspect;

/// SQL by the first major version it works on, oldest first.
///
/// Variants differ in where they read, never in what they return, so one type decodes them all.
pub(super) struct Source {
    /// The name in metrics and gaps.
    pub(super) name: &'static str,
    pub(super) variants: &'static [(u32, &'static str)],
}

pub(super) static CONTEXT: Source =
    Source { name: "context", variants: &[(14, include_str!("sql/context.sql"))] };

pub(super) static FOREIGN_CODE: Source =
    Source { name: "foreign_code", variants: &[(14, include_str!("sql/foreign_code.sql"))] };

pub(super) static UPDATES_REFUSED: Source =
    Source { name: "updates_refused", variants: &[(14, include_str!("sql/updates_refused.sql"))] };

pub(super) static UNIDENTIFIED_UPDATES: Source = Source {
    name: "unidentified_updates",
    variants: &[
        (14, include_str!("sql/unidentified_updates.sql")),
        (15, include_str!("sql/unidentified_updates.pg15.sql")),
    ],
};

pub(super) static NAMES: Source =
    Source { name: "names", variants: &[(14, include_str!("sql/names.sql"))] };

pub(super) static SEARCH_PATH: Source =
    Source { name: "search_path", variants: &[(14, include_str!("sql/search_path.sql"))] };

pub(super) static WORKLOAD_SOURCES: Source = Source {
    name: "workload_sources",
    variants: &[(14, include_str!("sql/workload_sources.sql"))],
};

pub(super) static ACTIVITY: Source =
    Source { name: "activity", variants: &[(14, include_str!("sql/activity.sql"))] };

pub(super) static STAT_STATEMENTS: Source =
    Source { name: "stat_statements", variants: &[(14, include_str!("sql/stat_statements.sql"))] };

pub(super) static STAT_STATEMENTS_INFO: Source = Source {
    name: "stat_statements_info",
    variants: &[(14, include_str!("sql/stat_statements_info.sql"))],
};

pub(super) static QUALSTATS: Source =
    Source { name: "qualstats", variants: &[(14, include_str!("sql/qualstats.sql"))] };

pub(super) static DEFINITIONS: Source =
    Source { name: "definitions", variants: &[(14, include_str!("sql/definitions.sql"))] };

pub(super) static LOG_TAIL: Source = Source {
    name: "log_tail",
    variants: &[
        (14, include_str!("sql/log_tail.sql")),
        (15, include_str!("sql/log_tail.pg15.sql")),
    ],
};

pub(super) static EXISTING_TABLES: Source =
    Source { name: "existing_tables", variants: &[(14, include_str!("sql/existing_tables.sql"))] };

pub(super) static RELATION_SIZES: Source =
    Source { name: "relation_sizes", variants: &[(14, include_str!("sql/relation_sizes.sql"))] };

impl Source {
    /// The newest variant this server understands.
    pub(super) fn spelling(&self, major: u32) -> &'static str {
        let newest = self.variants.iter().rfind(|(first, _)| *first <= major);
        newest.unwrap_or(&self.variants[0]).1
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
