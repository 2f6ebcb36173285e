//! Sources `checkpoints`, `wal_written`, `transactions`, `databases`, `manager` and `bloat`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Checkpoints since their counters were reset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoints {
    /// Begun because `checkpoint_timeout` was over, those included that were skipped because nothing had been written.
    pub timed: i64,
    /// Requested: by the amount of WAL, by CHECKPOINT, by DROP DATABASE and the like.
    pub requested: i64,
    /// Those that were not skipped; absent before 18.
    pub done: Option<i64>,
    /// Time spent writing.
    pub write_ms: f64,
    /// Time spent in fsync.
    pub sync_ms: f64,
    /// Buffers written by checkpoints.
    pub buffers: i64,
    /// Buffers that backends had to write themselves.
    pub backend_buffers: i64,
    /// Since when they are counted.
    pub counting_since: Option<Timestamp>,
}

/// WAL written since its counters were reset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalWritten {
    /// Records.
    pub records: i64,
    /// Full-page images.
    pub full_pages: i64,
    /// Bytes in all.
    pub bytes: i64,
    /// Bytes of full-page images; absent before 19.
    pub full_page_bytes: Option<i64>,
    /// Times that WAL was written because its buffers were full.
    pub buffers_full: i64,
    /// Since when they are counted.
    pub counting_since: Option<Timestamp>,
}

/// A transaction that holds the horizon of vacuum back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenTransaction {
    /// `session`, `process` for one of the server's own, or `prepared`.
    pub kind: String,
    /// The process; absent for prepared ones.
    pub pid: Option<i64>,
    /// The identifier of a prepared one.
    pub gid: Option<String>,
    /// Its role.
    pub role: Option<String>,
    /// Its database.
    pub database: Option<String>,
    /// What the application calls itself.
    pub application: Option<String>,
    /// What kind of process it is.
    pub backend_type: Option<String>,
    /// `active`, `idle in transaction` and the like.
    pub state: Option<String>,
    /// How long it has been open.
    pub age_s: Option<f64>,
    /// Transactions begun since the oldest one it may still see.
    pub xmin_age: Option<i64>,
}

/// A database with the age of its oldest transaction ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseAge {
    /// Its name.
    pub name: String,
    /// Whether it is the one that was visited.
    pub is_current: bool,
    /// Whether it can be connected to.
    pub allows_connections: bool,
    /// Transactions since `datfrozenxid`.
    pub xid_age: i64,
    /// Multixacts since `datminmxid`.
    pub multixact_age: i64,
}

/// Who owns the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manager {
    /// A service or a tool; absent where nothing but its administrator does.
    pub manager: Option<String>,
}

impl Manager {
    /// Who owns the configuration, and where it is set there.
    pub fn owner(&self) -> Option<(&'static str, &'static str)> {
        Some(match self.manager.as_deref()? {
            "rds" => ("Amazon RDS", "the DB parameter group"),
            "cloud_sql" => ("Cloud SQL", "the database flags of the instance"),
            "alloydb" => ("AlloyDB", "the database flags of the instance"),
            "azure" => ("Azure Database", "the server parameters"),
            "neon" => ("Neon", "the settings of the compute"),
            "supabase" => ("Supabase", "the Postgres configuration of the project"),
            "aiven" => ("Aiven", "the advanced configuration of the service"),
            "cloudnative_pg" => {
                ("CloudNativePG", "spec.postgresql.parameters of the Cluster resource")
            }
            "patroni" => ("Patroni", "postgresql.parameters, by patronictl edit-config"),
            _ => ("another tool", "that tool: allow_alter_system is off"),
        })
    }
}

/// Free and dead space of a relation, by `pgstattuple_approx`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredBloat {
    /// The relation.
    pub oid: i64,
    /// Its size.
    pub bytes: i64,
    /// Free space.
    pub free_bytes: f64,
    /// Bytes of dead rows.
    pub dead_bytes: f64,
}
