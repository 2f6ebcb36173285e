//! What a few values of columns of vectors are like: how many elements they have, and how many no index would have.

use std::cmp::Reverse;

use crate::model::observation::{
    Relation, VectorColumn, VectorInstallation, VectorKind, VectorSample, VectorValues,
};
use crate::model::{Families, Gap, GapReason, Observation, QualifiedName, grant, quote_identifier};
use crate::observe::batch::{Batch, Slot};
use crate::observe::catalog::CatalogForest;
use crate::observe::foreign_code;
use crate::observe::source::Source;

/// Columns that are looked into: those of the largest tables.
const COLUMNS_MAX: usize = 20;
/// Rows that are read of each.
const ROWS: f64 = 200.0;

static VECTOR_VALUES: Source = Source::generated("vector_values");

/// What is read of one column.
pub(super) struct Reading {
    table_oid: i64,
    number: i64,
    values: ValuesQuery,
}

/// A relation that may not be read is not asked.
enum ValuesQuery {
    Pending(Slot<VectorValues>),
    Refused(Gap),
}

impl Reading {
    pub(super) fn seen(self) -> VectorSample {
        let Self { table_oid, number, values } = self;
        let values = match values {
            ValuesQuery::Pending(slot) => slot.row(),
            ValuesQuery::Refused(gap) => Observation::Unseen(gap),
        };
        VectorSample { table_oid, number, values }
    }
}

/// Ask for a few values of the columns of the largest tables; of a partitioned one of its largest partition.
pub(super) fn read(
    batch: &mut Batch<'_>,
    catalog: &CatalogForest<'_>,
    extension: &VectorInstallation,
    columns: &[VectorColumn],
) -> Vec<Reading> {
    let families = &catalog.families;
    let mut chosen: Vec<(&VectorColumn, &Relation)> =
        columns.iter().filter_map(|column| Some((column, source(column, families)?))).collect();
    chosen.sort_by_key(|(column, table)| {
        (Reverse(table.bytes_at_least()), column.table_oid, column.number)
    });
    chosen
        .into_iter()
        .take(COLUMNS_MAX)
        .filter_map(|(column, table)| {
            let sql = sql(&extension.schema, column, table)?;
            let name = table.qualified_name();
            let refused = unreadable(column, &name).or_else(|| {
                foreign_code::refusal(&catalog.foreign_code, table.oid, &name, VECTOR_VALUES.name)
            });
            let values = match refused {
                Some(gap) => ValuesQuery::Refused(gap),
                None => ValuesQuery::Pending(batch.query_with(&VECTOR_VALUES, &sql, vec![])),
            };
            Some(Reading { table_oid: column.table_oid, number: column.number, values })
        })
        .collect()
}

fn unreadable(column: &VectorColumn, table: &QualifiedName) -> Option<Gap> {
    let table = table.to_sql();
    let detail = format!("our role may not read `{table}.{}`", quote_identifier(&column.name));
    let gap = Gap::new(VECTOR_VALUES.name, GapReason::MissingPrivilege, detail);
    (!column.readable).then(|| gap.lifted_by(grant(format_args!("SELECT ON {table}"))))
}

/// The relation whose rows are read for the column of a root.
fn source<'a>(column: &VectorColumn, families: &Families<'a>) -> Option<&'a Relation> {
    let family = families.family(column.table_oid)?;
    if family.root.oid != column.table_oid {
        return None;
    }
    family.leaves().max_by_key(|leaf| (leaf.bytes_at_least(), Reverse(leaf.oid)))
}

fn sql(schema: &str, column: &VectorColumn, table: &Relation) -> Option<String> {
    let length = match column.kind {
        VectorKind::Vector => "vector_norm",
        VectorKind::Halfvec => "l2_norm",
        VectorKind::Sparsevec | VectorKind::Bit | VectorKind::Varbit => return None,
    };
    let (schema, name) = (quote_identifier(schema), quote_identifier(&column.name));
    let percent = ROWS * 1.5 / table.rows_now(None).max(1.0) * 100.0;
    let sampled = if percent < 100.0 {
        format!(" tablesample system ({percent}) repeatable (14)")
    } else {
        String::new()
    };
    Some(format!(
        "select
    count(*)                                            as rows,
    count(*) filter (where s.value is null)             as nulls,
    count(*) filter (where {schema}.{length}(s.value) = 0) as zeros,
    min({schema}.vector_dims(s.value))::int8            as least_dimensions,
    max({schema}.vector_dims(s.value))::int8            as most_dimensions
from (select t.{name} as value from only {} as t{sampled} limit {ROWS}) as s",
        table.qualified_name().to_sql()
    ))
}
