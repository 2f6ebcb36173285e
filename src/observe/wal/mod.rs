//! What the WAL Orchestrator looks at.

mod source;

use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use super::Interest;
use super::batch::{Batch, Slot};
use super::catalog::CatalogForest;
use super::foreign_code::refusal;
use super::look::Look;
use crate::model::observation::{
    Archiver, Checkpoints, DatabaseAge, ExtensionSchema, Manager, MeasuredBloat, OpenTransaction,
    PartitionBound, PartitionKey, PartmanSet, Relation, RelationKind, ReplicationSlot, Sender,
    StagingTable, TableRoles, TimeColumn, Wal, WalDirectory, WalWritten,
};
use crate::model::size::{TABLE_BYTES_MIN, UNPARTITIONED_BYTES_MIN};
use crate::model::toast::BLOCK_BYTES;
use crate::model::{Gap, GapReason, Observation, QualifiedName, Topic, grant_in, quote_identifier};
use crate::pg::{Error, QueryParameters, Session};

/// Tables with most inserts, of which is asked what stands against their being unlogged.
const STAGING_MAX: usize = 300;
/// Large tables whose columns of time are read.
const TIME_TABLES_MAX: usize = 200;
/// Tables whose free space is measured, where the server can.
const MEASURED_MAX: usize = 5;
/// The largest of these: pages that are not all-visible are read.
const MEASURED_BYTES_MAX: i64 = 1_073_741_824;
/// What stands for the schema of an extension.
const EXTENSION_SCHEMA: &str = "\"extension schema\"";

/// The sources of the first round trip.
pub(super) struct WalLook {
    checkpoints: Slot<Checkpoints>,
    written: Slot<WalWritten>,
    archiver: Slot<Archiver>,
    slots: Slot<ReplicationSlot>,
    senders: Slot<Sender>,
    directory: Slot<WalDirectory>,
    transactions: Slot<OpenTransaction>,
    databases: Slot<DatabaseAge>,
    manager: Slot<Manager>,
    partition_keys: Slot<PartitionKey>,
    partition_bounds: Slot<PartitionBound>,
    extensions: Slot<ExtensionSchema>,
}

impl WalLook {
    pub(super) fn new() -> Self {
        Self {
            checkpoints: Slot::unasked(&source::CHECKPOINTS),
            written: Slot::unasked(&source::WAL_WRITTEN),
            archiver: Slot::unasked(&source::ARCHIVER),
            slots: Slot::unasked(&source::SLOTS),
            senders: Slot::unasked(&source::SENDERS),
            directory: Slot::unasked(&source::WAL_DIRECTORY),
            transactions: Slot::unasked(&source::TRANSACTIONS),
            databases: Slot::unasked(&source::DATABASES),
            manager: Slot::unasked(&source::MANAGER),
            partition_keys: Slot::unasked(&source::PARTITION_KEYS),
            partition_bounds: Slot::unasked(&source::PARTITION_BOUNDS),
            extensions: Slot::unasked(&source::EXTENSION_SCHEMAS),
        }
    }
}

impl Look for WalLook {
    type Seen = Wal;

    fn catalog(&mut self, batch: &mut Batch<'_>, interest: &Interest) {
        if interest.in_any(&[Topic::WAL_SERVER]) {
            self.checkpoints = batch.query_together(&source::CHECKPOINTS);
            self.written = batch.query_together(&source::WAL_WRITTEN);
            self.archiver = batch.query_together(&source::ARCHIVER);
            self.directory = batch.query(&source::WAL_DIRECTORY, vec![]);
            self.manager = batch.query_together(&source::MANAGER);
        }
        if interest.in_any(&[Topic::WAL_SERVER, Topic::WAL_HORIZON, Topic::WAL_STAGING]) {
            self.slots = batch.query_together(&source::SLOTS);
            self.senders = batch.query_together(&source::SENDERS);
        }
        if interest.in_any(&[Topic::WAL_HORIZON]) {
            self.transactions = batch.query_together(&source::TRANSACTIONS);
            self.databases = batch.query_together(&source::DATABASES);
        }
        if interest.in_any(&[Topic::WAL_PARTITIONS]) {
            self.partition_keys = batch.query_together(&source::PARTITION_KEYS);
            self.partition_bounds = batch.query(&source::PARTITION_BOUNDS, vec![]);
        }
        if interest.in_any(&[Topic::WAL_PARTITIONS, Topic::WAL_BLOAT]) {
            self.extensions = batch.query_together(&source::EXTENSION_SCHEMAS);
        }
    }

    fn seen(self) -> Wal {
        Wal {
            checkpoints: self.checkpoints.row(),
            written: self.written.row(),
            archiver: self.archiver.row(),
            slots: self.slots.rows(),
            senders: self.senders.rows(),
            directory: self.directory.row(),
            transactions: self.transactions.rows(),
            databases: self.databases.rows(),
            manager: self.manager.row(),
            partition_keys: self.partition_keys.rows(),
            partition_bounds: self.partition_bounds.rows(),
            extensions: self.extensions.rows(),
            ..Wal::default()
        }
    }
}

/// The sources of the second round trip, and what the first one saw.
pub(super) struct WalDetail {
    first: Box<Wal>,
    /// None where the extension is not installed.
    partman_sets: Option<Result<Slot<PartmanSet>, Gap>>,
    table_roles: Slot<TableRoles>,
    time_columns: Slot<TimeColumn>,
    bloat: Vec<Slot<MeasuredBloat>>,
}

impl WalDetail {
    pub(super) fn new(first: Box<Wal>) -> Self {
        Self {
            first,
            partman_sets: None,
            table_roles: Slot::unasked(&source::TABLE_ROLES),
            time_columns: Slot::unasked(&source::TIME_COLUMNS),
            bloat: Vec::new(),
        }
    }

    fn extension(&self, name: &str) -> Option<&ExtensionSchema> {
        let extensions = self.first.extensions.get().ok()?;
        extensions.iter().find(|installed| installed.name == name)
    }

    /// The quoted schema of an extension; absent where it is not installed.
    fn schema(&self, extension: &str) -> Option<String> {
        let found = self.extension(extension)?;
        Some(quote_identifier(&found.schema).into_owned())
    }

    /// The configuration of `pg_partman`, unless the owner of the extension has it run code.
    fn partman(
        &self,
        batch: &mut Batch<'_>,
        catalog: &CatalogForest<'_>,
    ) -> Option<Result<Slot<PartmanSet>, Gap>> {
        let ExtensionSchema { schema, configuration, .. } = self.extension("pg_partman")?;
        let name = QualifiedName { schema: schema.clone(), name: "part_config".to_owned() };
        let observation = source::PARTMAN_SETS.name;
        let Some(table) = configuration else {
            let detail = format!("`{}` is not the table of the extension", name.to_sql());
            return Some(Err(Gap::new(observation, GapReason::ForeignCode, detail)));
        };
        if let Some(gap) = refusal(&catalog.foreign_code, *table, &name, observation) {
            return Some(Err(gap));
        }
        let sql = source::PARTMAN_SETS.spelling(batch.major());
        let sql = sql.replace(EXTENSION_SCHEMA, &quote_identifier(schema));
        Some(Ok(batch.query_with(&source::PARTMAN_SETS, &sql, vec![])))
    }

    fn measure(&mut self, batch: &mut Batch<'_>, catalog: &CatalogForest<'_>, interest: &Interest) {
        let Some(schema) = self.schema("pgstattuple") else { return };
        let sql = source::BLOAT.spelling(batch.major()).replace(EXTENSION_SCHEMA, &schema);
        let least = interest.policy.get(&TABLE_BYTES_MIN);
        let fits = |table: &Relation| {
            let bytes = table.pages * BLOCK_BYTES;
            as_bytes(bytes) >= least && bytes <= MEASURED_BYTES_MAX
        };
        for oid in largest(catalog, interest, MEASURED_MAX, fits) {
            let parameters: QueryParameters = vec![(Box::new(oid), Type::INT8)];
            self.bloat.push(batch.query_with(&source::BLOAT, &sql, parameters));
        }
    }
}

impl Look for WalDetail {
    type Seen = Box<Wal>;

    fn detail(&mut self, batch: &mut Batch<'_>, catalog: &CatalogForest<'_>, interest: &Interest) {
        if interest.in_any(&[Topic::WAL_PARTITIONS]) {
            self.partman_sets = self.partman(batch, catalog);
        }
        if interest.in_any(&[Topic::WAL_STAGING]) {
            self.table_roles = batch.query_relations(&source::TABLE_ROLES, &most_inserted(catalog));
        }
        if interest.in_any(&[Topic::WAL_TIME_COLUMNS]) {
            let least = interest.policy.get(&UNPARTITIONED_BYTES_MIN);
            let large = |table: &Relation| {
                table.kind == RelationKind::Table
                    && table.parent.is_none()
                    && as_bytes(table.bytes_at_least()) >= least
            };
            let tables = largest(catalog, interest, TIME_TABLES_MAX, large);
            self.time_columns = batch.query_relations(&source::TIME_COLUMNS, &tables);
        }
        if interest.in_any(&[Topic::WAL_BLOAT]) {
            self.measure(batch, catalog, interest);
        }
    }

    fn seen(mut self) -> Box<Wal> {
        // A table that is locked, or a function our role may not call, leaves the estimate.
        let measured = self.bloat.into_iter().filter_map(|slot| match slot.row() {
            Observation::Seen(row) => Some(row),
            Observation::Unseen(_) => None,
        });
        self.first.bloat = Observation::Seen(measured.collect());
        self.first.partman_sets = match self.partman_sets {
            Some(Err(gap)) => Observation::Unseen(gap),
            Some(Ok(slot)) => {
                let denied = slot.failure().is_some_and(|failure| {
                    failure.sqlstate == SqlState::INSUFFICIENT_PRIVILEGE.code()
                });
                match slot.rows() {
                    Observation::Unseen(gap) if denied => {
                        Observation::Unseen(gap.lifted_by(partman_grant(&self.first)))
                    }
                    seen => seen,
                }
            }
            None => Observation::Seen(Vec::new()),
        };
        self.first.table_roles = self.table_roles.rows();
        self.first.time_columns = self.time_columns.rows();
        self.first
    }
}

/// What lets our role read the configuration of `pg_partman`.
fn partman_grant(seen: &Wal) -> String {
    let all = seen.extensions.get().map(Vec::as_slice).unwrap_or_default();
    let found = all.iter().find(|extension| extension.name == "pg_partman");
    let schema = found.map_or("partman", |extension| &extension.schema);
    grant_in(schema, format_args!("SELECT ON {}.part_config", quote_identifier(schema)))
}

#[expect(clippy::cast_precision_loss, reason = "sizes below 2^53")]
fn as_bytes(bytes: i64) -> f64 {
    bytes as f64
}

/// Tables by the rows that were inserted, most first.
fn most_inserted(catalog: &CatalogForest<'_>) -> Vec<i64> {
    let Ok(activity) = catalog.common.table_activity.get() else { return Vec::new() };
    let mut tables: Vec<_> = activity.iter().filter(|table| table.inserted_rows > 0).collect();
    tables.sort_by_key(|table| (std::cmp::Reverse(table.inserted_rows), table.oid));
    tables.into_iter().take(STAGING_MAX).map(|table| table.oid).collect()
}

/// The largest relations that hold rows, in scope, of which `wanted` holds.
fn largest(
    catalog: &CatalogForest<'_>,
    interest: &Interest,
    most: usize,
    wanted: impl Fn(&Relation) -> bool,
) -> Vec<i64> {
    let Ok(relations) = catalog.relations.get() else { return Vec::new() };
    let mut tables: Vec<&Relation> = relations
        .iter()
        .filter(|table| table.kind != RelationKind::PartitionedTable && wanted(table))
        .filter(|table| interest.scope.holds(&table.schema, &table.name))
        .collect();
    tables.sort_by_key(|table| (std::cmp::Reverse(table.bytes_at_least()), table.oid));
    tables.into_iter().take(most).map(|table| table.oid).collect()
}

/// One table by its name; none where there is none of that name.
///
/// # Errors
/// Only a lost connection.
pub async fn staging_table(
    session: &mut Session,
    table: &QualifiedName,
) -> Result<Observation<Option<StagingTable>>, Error> {
    let mut batch = Batch::new(session.facts().major);
    let parameters: QueryParameters = vec![
        (Box::new(table.schema.clone()), Type::TEXT),
        (Box::new(table.name.clone()), Type::TEXT),
    ];
    let slot = batch.query::<StagingTable>(&source::STAGING_TABLE, parameters);
    batch.send_finally(session).await?;
    Ok(match slot.rows() {
        Observation::Seen(rows) => Observation::Seen(rows.into_iter().next()),
        Observation::Unseen(gap) => Observation::Unseen(gap),
    })
}
