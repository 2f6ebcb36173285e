//! Statements with the lock they take. A lock that has to wait keeps everybody behind it waiting, so
//! each comes with a `lock_timeout`.

use crate::model::{Lock, Statement};

/// How long a statement may stand in the queue for its lock, in milliseconds.
const LOCK_TIMEOUT_MS: u64 = 2000;

/// A change of the catalog alone that still locks everybody out.
pub(super) fn brief(sql: String) -> Statement {
    Statement {
        sql,
        lock: Lock::AccessExclusive,
        blocks: format!("{}, briefly", Lock::AccessExclusive.blocks()),
        rewrites: false,
        transactional: true,
        timeout_ms: LOCK_TIMEOUT_MS,
    }
}

/// A change of storage parameters.
pub(super) fn option(sql: String) -> Statement {
    Statement {
        sql,
        lock: Lock::ShareUpdateExclusive,
        blocks: format!("{}, briefly", Lock::ShareUpdateExclusive.blocks()),
        rewrites: false,
        transactional: true,
        timeout_ms: LOCK_TIMEOUT_MS,
    }
}

/// What VACUUM does last.
const TRUNCATION: &str = "; at its end, to shorten the file, it takes an ACCESS EXCLUSIVE lock for a moment if no other \
     session holds a lock, and releases it as soon as one waits";

/// A vacuum, or one that rewrites the table.
pub(super) fn maintenance(sql: String, full: bool) -> Statement {
    let lock = if full { Lock::AccessExclusive } else { Lock::ShareUpdateExclusive };
    let truncates = !full && sql.starts_with("VACUUM");
    let last = if truncates { TRUNCATION } else { "" };
    Statement {
        sql,
        lock,
        blocks: format!("{}{last}", lock.blocks()),
        rewrites: full,
        transactional: false,
        timeout_ms: LOCK_TIMEOUT_MS,
    }
}

/// An update that commits batch by batch.
pub(super) fn batches(sql: String) -> Statement {
    Statement {
        sql,
        lock: Lock::RowExclusive,
        blocks: Lock::RowExclusive.blocks().to_owned(),
        rewrites: false,
        transactional: false,
        timeout_ms: LOCK_TIMEOUT_MS,
    }
}

/// A materialized view filled again.
pub(super) fn refresh(sql: String) -> Statement {
    Statement {
        sql,
        lock: Lock::AccessExclusive,
        blocks: Lock::AccessExclusive.blocks().to_owned(),
        rewrites: true,
        transactional: true,
        timeout_ms: LOCK_TIMEOUT_MS,
    }
}

/// An index built while the table is written, which takes two scans of it.
pub(super) fn concurrent(sql: String) -> Statement {
    Statement {
        sql,
        lock: Lock::ShareUpdateExclusive,
        blocks: Lock::ShareUpdateExclusive.blocks().to_owned(),
        rewrites: false,
        transactional: false,
        timeout_ms: LOCK_TIMEOUT_MS,
    }
}

/// An index of a partitioned table alone, which holds nothing.
pub(super) fn reserving(sql: String) -> Statement {
    Statement {
        sql,
        lock: Lock::Share,
        blocks: format!("{}, briefly", Lock::Share.blocks()),
        rewrites: false,
        transactional: true,
        timeout_ms: LOCK_TIMEOUT_MS,
    }
}

/// A scan that checks every row.
pub(super) fn validation(sql: String) -> Statement {
    Statement { transactional: true, ..concurrent(sql) }
}

/// A change for which the table is rewritten while no one else may read it.
pub(super) fn rewriting(sql: String) -> Statement {
    Statement {
        sql,
        lock: Lock::AccessExclusive,
        blocks: format!("{} until the table is rewritten", Lock::AccessExclusive.blocks()),
        rewrites: true,
        transactional: true,
        timeout_ms: LOCK_TIMEOUT_MS,
    }
}

/// A look at every row that stops the change where it must not be made.
pub(super) fn guard(sql: String) -> Statement {
    definition(sql)
}

/// A function, a view or a table of ours made or dropped: no table that others use is locked.
pub(super) fn definition(sql: String) -> Statement {
    Statement {
        sql,
        lock: Lock::None,
        blocks: Lock::None.blocks().to_owned(),
        rewrites: false,
        transactional: true,
        timeout_ms: LOCK_TIMEOUT_MS,
    }
}

/// A trigger made.
pub(super) fn trigger(sql: String) -> Statement {
    Statement {
        sql,
        lock: Lock::ShareRowExclusive,
        blocks: format!("{}, briefly", Lock::ShareRowExclusive.blocks()),
        rewrites: false,
        transactional: true,
        timeout_ms: LOCK_TIMEOUT_MS,
    }
}
