//! A snapshot for tests: a healthy server with few sessions, to be edited.

use serde_json::json;

use crate::model::observation::{ClientSession, PoolerSign, SessionGroup};
use crate::model::{Case, Observation, Policy, Scope, Snapshot};

const NOW: &str = "2026-03-01T12:00:00Z";
/// Ten days before.
const RESET: &str = "2026-02-19T12:00:00Z";

pub(super) fn case<'a>(snapshot: &'a Snapshot, policy: &'a Policy) -> Case<'a> {
    static ALL: std::sync::OnceLock<Scope> = std::sync::OnceLock::new();
    Case::new(snapshot, policy, ALL.get_or_init(Scope::default))
}

/// A server of ten days with two sessions of `web`.
pub(super) fn snapshot() -> Snapshot {
    let unseen = json!({"unseen": {"observation": "x", "reason": "not_enough_evidence", "detail": "not asked"}});
    let timeout = json!({
        "name": "idle_in_transaction_session_timeout", "reset_value": "0", "boot_value": "0", "unit": "ms",
        "kind": "integer", "context": "user", "source": "default", "set_by_alter_system": false,
        "pending_restart": false, "choices": [],
    });
    let value = json!({
        "format": 1, "observed_at": NOW,
        "server": {"version": "18.6", "major": 18, "in_recovery": false},
        "cost": {"queries": 0, "round_trips": 0, "target_ms": 0.0, "rows_read": 0, "bytes_read": 0},
        "context": {"seen": {
            "platform": "x", "now": NOW, "started_at": RESET, "counting_since": RESET,
            "privileges": {"tier": "superuser", "reads_all_stats": true, "reads_all_data": true, "creates_temporary_tables": true},
            "extensions": [], "settings": {"track_counts": "on"}, "toast_compressions": [], "role_compressions": [],
        }},
        "relations": {"seen": []},
        "common": {"settings": {"seen": [timeout]}, "role_settings": {"seen": []}},
        "concurrency": {
            "sessions": {"seen": []},
            "groups": {"seen": [group(true, 2, 1), group(false, 2, 1)]},
            "pooler_signs": {"seen": []},
            "limits": {"seen": {
                "max_connections": 100, "superuser_reserved": 3, "reserved": 0, "sessions": 2,
                "sessions_in_database": 2, "hidden": 0, "database": "app", "database_limit": null,
                "prepared": 0, "oldest_prepared_s": null,
            }},
            "role_limits": {"seen": []},
            "counters": {"seen": {
                "sessions": 100, "session_ms": 8e9, "active_ms": 1e7, "idle_in_transaction_ms": 0.0,
                "abandoned": 0, "fatal": 0, "killed": 0, "transactions": 100_000,
            }},
        },
        "layouts": unseen, "documents": unseen, "toast_tables": unseen, "stored_values": unseen,
        "workload": {"seen": {"calls": 1000, "not_understood_calls": 0, "columns": []}}, "left_out": [],
    });
    serde_json::from_value(value).unwrap_or_else(|error| unreachable!("{error}"))
}

/// Sessions of `app`, all applications together or `web` alone, idle but for those in use.
pub(super) fn group(whole_role: bool, sessions: i64, used: i64) -> SessionGroup {
    SessionGroup {
        database: Some("app".to_owned()),
        is_current: Some(true),
        role: Some("app".to_owned()),
        application: (!whole_role).then(|| "web".to_owned()),
        whole_role,
        sessions,
        active: used,
        idle: sessions - used,
        idle_in_transaction: 0,
        used_last_minute: used,
        used_p95: (!whole_role).then_some(used),
        clients: 1,
        untracked: 0,
    }
}

/// A session of `web` that has been in a state for so long.
pub(super) fn session(state: &str, state_age_s: f64) -> ClientSession {
    ClientSession {
        pid: 7,
        role: Some("app".to_owned()),
        database: Some("app".to_owned()),
        is_current: true,
        application: Some("web".to_owned()),
        state: Some(state.to_owned()),
        backend_age_s: Some(90_000.0),
        transaction_age_s: Some(state_age_s + 1.0),
        state_age_s: Some(state_age_s),
        wait_event: Some("Client:ClientRead".to_owned()),
        xmin_age: None,
        blocked_by: Vec::new(),
        blocks: 0,
        client: Some("0123456789abcdef".to_owned()),
    }
}

/// A sign that one session shows.
pub(super) fn sign(sign: &str, pooler: &str) -> PoolerSign {
    PoolerSign { sign: sign.to_owned(), pooler: pooler.to_owned(), sessions: 1 }
}

/// What was seen, to be edited.
pub(super) fn edit<T>(observation: &mut Observation<T>) -> &mut T {
    match observation {
        Observation::Seen(seen) => seen,
        Observation::Unseen(gap) => unreachable!("{gap:?}"),
    }
}
