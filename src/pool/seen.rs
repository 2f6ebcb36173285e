//! What a visit says of the service that is planned for.

use super::plan::MAINTENANCE_CONNECTIONS;
use super::request::PoolInputs;
use crate::model::observation::{SessionGroup, SessionNeed};
use crate::model::pooler::{Pooler, Survival};
use crate::model::rate::{WINDOW_S_MIN, Window};
use crate::model::{Gap, GapReason, Policy, Snapshot, counted, grant};

/// A mean over the time that the counters have counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Mean {
    /// The value.
    pub value: f64,
    /// What it is the mean of, and over which time.
    pub of: String,
}

/// What the server said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServerLimits {
    /// `max_connections`.
    pub max_connections: u32,
    /// `superuser_reserved_connections` and, from 16 on, `reserved_connections`.
    pub reserved_connections: u32,
    /// Sessions of others than the service that is planned for.
    pub other_sessions: u32,
    /// Connections that a CONNECTION LIMIT leaves to the service, and what sets it; absent where none does.
    pub connection_limit: Option<(u32, &'static str)>,
    /// Different addresses that the service connects from; absent where a pooler is in front, or none is known.
    pub clients: Option<u32>,
    /// Transactions per second.
    pub arrival_rate: Option<Mean>,
    /// Time that a transaction held a connection.
    pub service_time_ms: Option<Mean>,
    /// New sessions per second.
    pub new_sessions: Option<Mean>,
    /// What statements keep in their session and `PgBouncer` loses in transaction mode; absent where no workload is known.
    pub session_state: Option<Vec<&'static str>>,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
}

/// What a visit says. A limit that was not seen is a gap instead: without it there is no plan.
///
/// # Errors
/// The gap.
pub fn seen(
    snapshot: &Snapshot,
    request: &PoolInputs,
    policy: &Policy,
) -> Result<ServerLimits, Gap> {
    let concurrency = &snapshot.concurrency;
    let limits = concurrency.limits.get()?;
    let groups = concurrency.groups.get()?;
    let mut seen = ServerLimits {
        max_connections: small(limits.max_connections),
        reserved_connections: small(limits.superuser_reserved + limits.reserved),
        ..ServerLimits::default()
    };
    let is_own = |group: &&SessionGroup| {
        group.is_current == Some(true)
            && request.role.as_deref().is_none_or(|role| group.role.as_deref() == Some(role))
    };
    let whole = || groups.iter().filter(|group| group.whole_role);
    let own: i64 = whole().filter(is_own).map(|group| group.sessions).sum();
    seen.other_sessions = small(limits.all_sessions() - own);
    let roles: Vec<&str> =
        whole().filter(is_own).filter_map(|group| group.role.as_deref()).collect();
    seen.connection_limit = connection_limit(snapshot, request.role.as_deref(), &roles, own);
    if limits.hidden > 0 {
        let detail = format!(
            "{} neither role nor address to our role: they count for others",
            counted(limits.hidden, "session of another role shows", "sessions of other roles show")
        );
        let gap = Gap::new("sessions", GapReason::MissingPrivilege, detail);
        seen.gaps.push(gap.lifted_by(grant("pg_monitor")));
    }
    let signs = concurrency.pooler_signs.get().map(Vec::as_slice).unwrap_or_default();
    let pooled = signs.iter().any(|sign| sign.sign != "discard_all");
    let clients = whole().filter(is_own).map(|group| group.clients).max().unwrap_or_default();
    seen.clients = (clients > 0 && !pooled).then(|| small(clients));
    if let Err(gap) = rates(snapshot, policy, &mut seen) {
        seen.gaps.push(gap);
    }
    match snapshot.workload.get() {
        Ok(workload) if workload.calls > 0 => {
            let version = request.pgbouncer();
            let lost = workload.session_uses.iter().filter(|one| {
                let need = (one.need, one.setting.as_deref());
                Pooler::PgBouncer.survival(version, need).0 == Survival::Lost
            });
            let mut lost: Vec<SessionNeed> = lost.map(|one| one.need).collect();
            lost.sort_unstable();
            lost.dedup();
            seen.session_state = Some(lost.into_iter().map(SessionNeed::as_str).collect());
        }
        Ok(_) => {}
        Err(gap) => seen.gaps.push(gap.clone()),
    }
    Ok(seen)
}

/// What a CONNECTION LIMIT leaves to the service: one of the database, or of the role that it is or its only one.
fn connection_limit(
    snapshot: &Snapshot,
    given: Option<&str>,
    seen: &[&str],
    own: i64,
) -> Option<(u32, &'static str)> {
    let limits = snapshot.concurrency.limits.get().ok()?;
    let of_database = limits.database_limit.map(|limit| {
        let others = limits.sessions_in_database - own + i64::from(MAINTENANCE_CONNECTIONS);
        (
            small(limit - others),
            "CONNECTION LIMIT of the database, less sessions of others in it and maintenance_connections",
        )
    });
    let only = seen.first().copied().filter(|first| seen.iter().all(|role| role == first));
    let of_role = given.or(only).and_then(|role| {
        let limited = snapshot.concurrency.role_limits.get().ok()?;
        let limited = limited.iter().find(|one| one.role == role)?;
        Some((small(limited.connection_limit), "CONNECTION LIMIT of the service's role"))
    });
    [of_database, of_role].into_iter().flatten().min()
}

/// Rates of the whole database since its counters were reset.
fn rates(snapshot: &Snapshot, policy: &Policy, seen: &mut ServerLimits) -> Result<(), Gap> {
    let context = snapshot.context.get()?;
    let counters = snapshot.concurrency.counters.get()?;
    let window = Window::of_database(context)?.at_least("session_rate", &WINDOW_S_MIN, policy)?;
    let mean = |value: f64, what: &str| {
        (value > 0.0)
            .then(|| Mean { value, of: format!("{what} of this database, the mean over {window}") })
    };
    seen.arrival_rate =
        mean(window.rate(counters.transactions).per_second, "transactions per second");
    seen.new_sessions = mean(window.rate(counters.sessions).per_second, "new sessions per second");
    let in_transaction_ms = counters.active_ms + counters.idle_in_transaction_ms;
    seen.service_time_ms =
        mean(in_transaction_ms / float(counters.transactions.max(1)), "time of a transaction");
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counters below 2^53")]
fn float(count: i64) -> f64 {
    count as f64
}

fn small(count: i64) -> u32 {
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}
