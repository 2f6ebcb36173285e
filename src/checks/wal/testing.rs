//! A snapshot for tests: a healthy server without tables, to be edited.

use serde_json::json;

use crate::model::observation::{
    OpenTransaction, PartitionBound, PartitionKey, Relation, RelationKind, Setting, TableActivity,
};
use crate::model::{Action, Case, Observation, Policy, Scope, Snapshot};

/// The time of the visit, a Sunday.
pub(super) const NOW: &str = "2026-03-01T12:00:00Z";
/// Ten days before.
pub(super) const RESET: &str = "2026-02-19T12:00:00Z";

pub(in crate::checks) fn case<'a>(snapshot: &'a Snapshot, policy: &'a Policy) -> Case<'a> {
    static ALL: std::sync::OnceLock<Scope> = std::sync::OnceLock::new();
    Case::new(snapshot, policy, ALL.get_or_init(Scope::default))
}

fn unseen() -> serde_json::Value {
    json!({"unseen": {"observation": "x", "reason": "not_enough_evidence", "detail": "not asked"}})
}

fn one(name: &str, value: &str, unit: Option<&str>, context: &str) -> serde_json::Value {
    json!({
        "name": name, "reset_value": value, "boot_value": value, "unit": unit, "kind": "integer",
        "context": context, "source": "default", "set_by_alter_system": false,
        "pending_restart": false,
        "choices": if name == "wal_compression" { vec!["pglz", "lz4", "zstd", "on", "off"] } else { vec![] },
    })
}

/// A server of ten days without load and without tables.
pub(in crate::checks) fn snapshot() -> Snapshot {
    let settings = [
        one("autovacuum", "on", None, "sighup"),
        one("track_counts", "on", None, "superuser"),
        one("autovacuum_vacuum_threshold", "50", None, "sighup"),
        one("autovacuum_vacuum_scale_factor", "0.2", None, "sighup"),
        one("autovacuum_vacuum_max_threshold", "100000000", None, "sighup"),
        one("autovacuum_naptime", "60", Some("s"), "sighup"),
        one("checkpoint_completion_target", "0.9", None, "sighup"),
        one("checkpoint_timeout", "300", Some("s"), "sighup"),
        one("max_wal_size", "1024", Some("MB"), "sighup"),
        one("max_slot_wal_keep_size", "-1", Some("MB"), "sighup"),
        one("wal_compression", "off", None, "superuser"),
        one("full_page_writes", "on", None, "sighup"),
        one("archive_mode", "off", None, "postmaster"),
        one("archive_command", "", None, "sighup"),
        one("archive_library", "", None, "sighup"),
        one("hot_standby_feedback", "off", None, "sighup"),
        one("vacuum_failsafe_age", "1600000000", None, "user"),
    ];
    let value = json!({
        "format": 2, "observed_at": NOW,
        "server": {"version": "18.6", "major": 18, "in_recovery": false},
        "cost": {"queries": 0, "round_trips": 0, "target_ms": 0.0, "rows_read": 0, "bytes_read": 0},
        "context": {"seen": {
            "platform": "x", "now": NOW, "started_at": RESET, "counting_since": RESET,
            "privileges": {"tier": "superuser", "reads_all_stats": true, "reads_all_data": true, "creates_temporary_tables": true},
            "extensions": [], "settings": {"track_counts": "on"}, "toast_compressions": [], "role_compressions": [],
        }},
        "relations": {"seen": []},
        "common": {
            "settings": {"seen": settings}, "role_settings": {"seen": []}, "table_activity": {"seen": []},
        },
        "wal": {
            "checkpoints": {"seen": {
                "timed": 2880, "requested": 5, "done": 200, "write_ms": 1000.0, "sync_ms": 1.0,
                "buffers": 1000, "backend_buffers": 0, "counting_since": RESET,
            }},
            "written": {"seen": {
                "records": 1000, "full_pages": 100, "bytes": 1_000_000, "full_page_bytes": null,
                "buffers_full": 0, "counting_since": RESET,
            }},
            "archiver": {"seen": {
                "archived": 0, "last_archived": null, "failed": 0, "last_failed": null, "counting_since": RESET,
            }},
            "slots": {"seen": []}, "senders": {"seen": []},
            "directory": {"seen": {"bytes": 16_777_216, "files": 1, "ready": 0}},
            "transactions": {"seen": []},
            "databases": {"seen": [{
                "name": "app", "is_current": true, "allows_connections": true, "xid_age": 1000, "multixact_age": 0,
            }]},
            "manager": {"seen": {"manager": null}},
            "partition_keys": {"seen": []}, "partition_bounds": {"seen": []}, "extensions": {"seen": []},
            "partman_sets": {"seen": []}, "table_roles": {"seen": []}, "time_columns": {"seen": []},
            "bloat": {"seen": []},
        },
        "layouts": {"seen": []}, "documents": unseen(), "toast_tables": unseen(),
        "stored_values": unseen(), "workload": unseen(), "left_out": [],
    });
    serde_json::from_value(value).unwrap_or_else(|error| unreachable!("{error}"))
}

/// A setting, to be edited.
pub(in crate::checks) fn setting<'a>(seen: &'a mut Snapshot, name: &str) -> &'a mut Setting {
    let Observation::Seen(settings) = &mut seen.common.settings else { unreachable!() };
    let found = settings.iter_mut().find(|setting| setting.name == name);
    found.unwrap_or_else(|| unreachable!("{name}"))
}

pub(super) fn set(seen: &mut Snapshot, name: &str, value: &str) {
    setting(seen, name).reset_value = Some(value.to_owned());
}

/// What was seen, to be edited.
pub(super) fn edit<T>(observation: &mut Observation<T>) -> &mut T {
    match observation {
        Observation::Seen(seen) => seen,
        Observation::Unseen(gap) => unreachable!("{gap:?}"),
    }
}

/// A session of this database whose transaction has been open for so long.
pub(in crate::checks) fn transaction(age_s: f64, xmin_age: i64) -> OpenTransaction {
    OpenTransaction {
        kind: "session".to_owned(),
        pid: Some(7),
        gid: None,
        role: Some("etl".to_owned()),
        database: Some("app".to_owned()),
        application: Some("mage".to_owned()),
        backend_type: Some("client backend".to_owned()),
        state: Some("idle in transaction".to_owned()),
        age_s: Some(age_s),
        xmin_age: Some(xmin_age),
    }
}

/// Add a table of `ml` with that many live and dead rows, of 100 bytes each.
pub(super) fn table<'a>(
    seen: &'a mut Snapshot,
    oid: i64,
    name: &str,
    (live, dead): (i64, i64),
) -> (&'a mut Relation, &'a mut TableActivity) {
    let relation: Relation = serde_json::from_value(json!({
        "oid": oid, "schema": "ml", "name": name, "kind": "r", "parent": null,
        "pages": (live + dead) / 70 + 1, "rows": live, "toastable": true, "primary_key": true,
        "live_rows": live, "toast_pages": 0, "toast_counted": true, "toast_live_chunks": 0,
    }))
    .unwrap_or_else(|error| unreachable!("{error}"));
    let activity: TableActivity = serde_json::from_value(json!({
        "oid": oid, "is_unlogged": false, "options": [], "all_visible_pages": 0, "xid_age": 1000,
        "multixact_age": 0, "sequential_scans": 0, "sequential_rows": 0, "inserted_rows": live,
        "updated_rows": 0, "hot_updated_rows": 0, "deleted_rows": 0, "live_rows": live,
        "dead_rows": dead, "changed_since_analyze": 0, "inserted_since_vacuum": 0,
        "last_vacuum": null, "last_autovacuum": null, "last_analyze": null,
        "last_autoanalyze": null, "vacuums": 0, "autovacuums": 0, "analyzes": 0, "autoanalyzes": 0,
    }))
    .unwrap_or_else(|error| unreachable!("{error}"));
    edit(&mut seen.relations).push(relation);
    edit(&mut seen.common.table_activity).push(activity);
    let relations = edit(&mut seen.relations);
    let activities = edit(&mut seen.common.table_activity);
    let last = |length: usize| length - 1;
    let (relation, activity) = (last(relations.len()), last(activities.len()));
    (&mut relations[relation], &mut activities[activity])
}

/// Add a table of `ml` that is divided by ranges, with a partition for each bound, its name and its rows.
pub(super) fn divided(seen: &mut Snapshot, name: &str, parts: &[(&str, &str, i64)]) {
    let (root, _) = table(seen, 1, name, (0, 0));
    root.kind = RelationKind::PartitionedTable;
    edit(&mut seen.common.table_activity).pop();
    let mut default = None;
    for (oid, (part, bound, rows)) in (2..).zip(parts) {
        table(seen, oid, part, (*rows, 0)).0.parent = Some(1);
        if *bound == "DEFAULT" {
            default = Some(oid);
        }
        let bound = Some((*bound).to_owned());
        edit(&mut seen.wal.partition_bounds).push(PartitionBound { oid, parent: 1, bound });
    }
    edit(&mut seen.wal.partition_keys).push(PartitionKey {
        oid: 1,
        strategy: 'r',
        key_columns: 1,
        first_column: Some("at".to_owned()),
        first_type: Some("timestamptz".to_owned()),
        default_partition: default,
        default_stays: None,
        default_null_share: None,
        default_nulls_hidden: false,
    });
}

/// An action in a few words: what it sets, resets, or runs.
pub(super) fn short(action: &Action) -> String {
    match action {
        Action::SetSetting(change) => format!("{} = {}", change.name, change.value),
        Action::SetOptions(change) => {
            let set = change.set.iter().map(|(name, value)| format!("set {name} = {value}"));
            let reset = change.reset.iter().map(|name| format!("reset {name}"));
            let then = change.then.iter().map(|then| format!("then {}", then.verb.as_str()));
            set.chain(reset).chain(then).collect::<Vec<_>>().join(", ")
        }
        Action::Maintain(maintenance) => maintenance.verb.as_str().to_owned(),
        Action::SetPersistence(change) => change.to.as_str().to_owned(),
        other => unreachable!("{other:?}"),
    }
}
