//! What the Concurrency Architect looks at: all of it in the first round trip.

use super::Interest;
use super::batch::{Batch, Slot};
use super::look::Look;
use super::source::Source;
use crate::model::Topic;
use crate::model::observation::{
    ClientSession, Concurrency, ConnectionLimits, PoolerSign, RoleLimit, SessionCounters,
    SessionGroup,
};

static SESSIONS: Source = Source::new("sessions", include_str!("sql/sessions.sql"));

static SESSION_GROUPS: Source =
    Source::new("session_groups", include_str!("sql/session_groups.sql"));

static POOLER_SIGNS: Source = Source::new("pooler_signs", include_str!("sql/pooler_signs.sql"));

static CONNECTION_LIMITS: Source =
    Source::new("connection_limits", include_str!("sql/connection_limits.sql"));

static ROLE_LIMITS: Source = Source::new("role_limits", include_str!("sql/role_limits.sql"));

static SESSION_COUNTERS: Source =
    Source::new("session_counters", include_str!("sql/session_counters.sql"));

/// The sources, asked at once.
pub(super) struct ConcurrencyLook {
    sessions: Slot<ClientSession>,
    groups: Slot<SessionGroup>,
    pooler_signs: Slot<PoolerSign>,
    limits: Slot<ConnectionLimits>,
    role_limits: Slot<RoleLimit>,
    counters: Slot<SessionCounters>,
}

impl ConcurrencyLook {
    pub(super) fn new() -> Self {
        Self {
            sessions: Slot::unasked(&SESSIONS),
            groups: Slot::unasked(&SESSION_GROUPS),
            pooler_signs: Slot::unasked(&POOLER_SIGNS),
            limits: Slot::unasked(&CONNECTION_LIMITS),
            role_limits: Slot::unasked(&ROLE_LIMITS),
            counters: Slot::unasked(&SESSION_COUNTERS),
        }
    }
}

impl Look for ConcurrencyLook {
    type Seen = Concurrency;

    fn catalog(&mut self, batch: &mut Batch<'_>, interest: &Interest) {
        if interest.in_any(&[Topic::SESSIONS]) {
            self.sessions = batch.query_together(&SESSIONS);
            self.groups = batch.query_together(&SESSION_GROUPS);
            self.pooler_signs = batch.query_together(&POOLER_SIGNS);
        }
        if interest.in_any(&[Topic::CONNECTION_LIMITS]) {
            self.limits = batch.query_together(&CONNECTION_LIMITS);
            self.role_limits = batch.query_together(&ROLE_LIMITS);
            self.counters = batch.query_together(&SESSION_COUNTERS);
        }
    }

    fn seen(self) -> Concurrency {
        Concurrency {
            sessions: self.sessions.rows(),
            groups: self.groups.rows(),
            pooler_signs: self.pooler_signs.rows(),
            limits: self.limits.row(),
            role_limits: self.role_limits.rows(),
            counters: self.counters.row(),
        }
    }
}
