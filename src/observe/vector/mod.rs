//! Columns of vectors, and what their searches depend on.

mod reach;
mod values;

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::Interest;
use super::batch::{Batch, Slot};
use super::catalog::CatalogForest;
use super::look::Look;
use super::source::Source;
use crate::model::observation::{
    IndexBuild, NeighbourColumn, Setting, Vector, VectorColumn, VectorInstallation,
};
use crate::model::{Observation, Topic, quote_identifier};
use reach::{ReachIndex, ReachQuery};
use values::Reading;

/// Tables whose other columns are looked at: the largest.
const TABLES_MAX: usize = 200;

static VECTOR_INSTALLATION: Source =
    Source::new("vector_installation", include_str!("sql/vector_installation.sql"));

static VECTOR_COLUMNS: Source =
    Source::new("vector_columns", include_str!("sql/vector_columns.sql"));

static VECTOR_NEIGHBOURS: Source =
    Source::new("vector_neighbours", include_str!("sql/vector_neighbours.sql"));

static VECTOR_BUILDS: Source = Source::new("vector_builds", include_str!("sql/vector_builds.sql"));

static VECTOR_INDEXES: Source =
    Source::new("vector_indexes", include_str!("sql/vector_indexes.sql"));

static VECTOR_SETTINGS: Source =
    Source::new("vector_settings", include_str!("sql/vector_settings.sql"));

/// The sources of vectors.
pub(super) struct VectorLook {
    installation: Slot<VectorInstallation>,
    columns: Slot<VectorColumn>,
    builds: Slot<IndexBuild>,
    indexes: Slot<ReachIndex>,
    neighbours: Slot<NeighbourColumn>,
    settings: Slot<Setting>,
    values: Vec<Reading>,
    reaches: Vec<ReachQuery>,
    /// What the first round trip showed, once it is over.
    seen: Option<VectorCatalog>,
}

struct VectorCatalog {
    installation: Observation<Vec<VectorInstallation>>,
    columns: Observation<Vec<VectorColumn>>,
}

impl VectorLook {
    pub(super) fn new() -> Self {
        Self {
            installation: Slot::unasked(&VECTOR_INSTALLATION),
            columns: Slot::unasked(&VECTOR_COLUMNS),
            builds: Slot::unasked(&VECTOR_BUILDS),
            indexes: Slot::unasked(&VECTOR_INDEXES),
            neighbours: Slot::unasked(&VECTOR_NEIGHBOURS),
            settings: Slot::unasked(&VECTOR_SETTINGS),
            values: Vec::new(),
            reaches: Vec::new(),
            seen: None,
        }
    }
}

impl Look for VectorLook {
    type Seen = Vector;

    fn catalog(&mut self, batch: &mut Batch<'_>, interest: &Interest) {
        if interest.in_any(&[Topic::VECTOR, Topic::VECTOR_SEARCH]) {
            self.installation = batch.query_together(&VECTOR_INSTALLATION);
            self.columns = batch.query(&VECTOR_COLUMNS, vec![]);
            self.builds = batch.query_together(&VECTOR_BUILDS);
        }
        if interest.in_any(&[Topic::VECTOR_SEARCH]) {
            self.indexes = batch.query_together(&VECTOR_INDEXES);
        }
    }

    fn detail(&mut self, batch: &mut Batch<'_>, catalog: &CatalogForest<'_>, interest: &Interest) {
        let installation =
            std::mem::replace(&mut self.installation, Slot::unasked(&VECTOR_INSTALLATION)).rows();
        let mut columns =
            std::mem::replace(&mut self.columns, Slot::unasked(&VECTOR_COLUMNS)).rows();
        if let Observation::Seen(columns) = &mut columns {
            let tables = in_scope(catalog, interest);
            columns.retain(|column| tables.contains(&column.table_oid));
        }
        let indexes = std::mem::replace(&mut self.indexes, Slot::unasked(&VECTOR_INDEXES)).rows();
        if interest.in_any(&[Topic::VECTOR_SEARCH])
            && let (Ok(installation), Ok(columns)) = (installation.get(), columns.get())
        {
            self.neighbours = batch.query_relations(&VECTOR_NEIGHBOURS, &largest(catalog, columns));
            match installation.first() {
                Some(extension) if !columns.is_empty() => {
                    self.values = values::read(batch, catalog, extension, columns);
                    if let Ok(indexes) = indexes.get() {
                        self.reaches = reach::read(batch, catalog, indexes, columns);
                    }
                    let schema = format!("::{}.vector", quote_identifier(&extension.schema));
                    let sql = VECTOR_SETTINGS.spelling(batch.major());
                    let sql = sql.replace("::public.vector", &schema);
                    self.settings = batch.query_with(&VECTOR_SETTINGS, &sql, vec![]);
                }
                // Where there is no column of vectors, no setting matters.
                _ => self.settings = batch.query_relations(&VECTOR_SETTINGS, &[]),
            }
        }
        self.seen = Some(VectorCatalog { installation, columns });
    }

    fn seen(self) -> Vector {
        let seen = self.seen.unwrap_or_else(|| VectorCatalog {
            installation: self.installation.rows(),
            columns: self.columns.rows(),
        });
        Vector {
            installation: seen.installation,
            columns: seen.columns,
            neighbours: self.neighbours.rows(),
            values: self.values.into_iter().map(Reading::seen).collect(),
            reaches: self.reaches.into_iter().map(ReachQuery::seen).collect(),
            builds: self.builds.rows(),
            settings: self.settings.rows(),
        }
    }
}

/// Tables of interest, with all their partitions.
fn in_scope(catalog: &CatalogForest<'_>, interest: &Interest) -> BTreeSet<i64> {
    let families = &catalog.families;
    let of_interest = families.iter().filter(|family| family.is_in(&interest.scope));
    of_interest.flat_map(|family| family.members.iter().map(|table| table.oid)).collect()
}

/// The largest tables with vectors: each by its root, whose statistics are those of the whole.
fn largest(catalog: &CatalogForest<'_>, columns: &[VectorColumn]) -> Vec<i64> {
    let families = &catalog.families;
    let tables: BTreeSet<i64> = columns.iter().map(|column| column.table_oid).collect();
    let roots: BTreeSet<(Reverse<i64>, i64)> = tables
        .into_iter()
        .filter_map(|oid| families.family(oid))
        .map(|family| (Reverse(family.bytes()), family.root.oid))
        .collect();
    roots.into_iter().take(TABLES_MAX).map(|(_, oid)| oid).collect()
}
