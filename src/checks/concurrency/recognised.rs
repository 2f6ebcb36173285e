//! A pooler in front, recognised by how its sessions behave.

use crate::model::pooler::Pooler;
use crate::model::{Case, Gap};

/// A pooler that was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recognised {
    /// Which.
    pub(super) pooler: Pooler,
    /// By what.
    pub(super) sign: &'static str,
    /// Whether it clears sessions between two clients: it is in session mode then.
    pub(super) clears_sessions: bool,
}

/// The pooler in front, by the strongest sign; absent where there is none. `DISCARD ALL` alone is none: drivers with a
/// pool of their own run it, too.
pub(super) fn pooler(case: &Case<'_>) -> Result<Option<Recognised>, Gap> {
    let signs = case.snapshot.concurrency.pooler_signs.get()?;
    let clears_sessions = signs.iter().any(|sign| sign.sign == "discard_all");
    let order = [
        ("address_in_name", "addresses of its clients in application names"),
        ("auth_query", "the query for passwords of its auth_query"),
        ("name", "the name of its sessions"),
    ];
    let found = order.into_iter().find_map(|(wanted, sign)| {
        let found = signs.iter().find(|one| one.sign == wanted)?;
        Some(Recognised { pooler: Pooler::named(&found.pooler), sign, clears_sessions })
    });
    Ok(found)
}
