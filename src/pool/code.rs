//! A pool's size as code to paste.

use super::plan::Pool;

/// For asyncpg. The pool has no overflow: its maximum is all it opens.
pub(super) fn asyncpg(pool: Pool) -> String {
    let Pool { size, overflow, .. } = pool;
    let timeout = seconds(pool);
    format!(
        "pool = await asyncpg.create_pool(dsn, min_size={size}, max_size={})\n\
         async with pool.acquire(timeout={timeout}) as connection:\n    ...\n",
        size + overflow
    )
}

/// For SQLAlchemy, which opens 10 connections beyond the size where nothing is said.
pub(super) fn sqlalchemy(pool: Pool) -> String {
    let Pool { size, overflow, .. } = pool;
    let timeout = seconds(pool);
    format!(
        "engine = create_async_engine(\n    url,\n    pool_size={size},\n    max_overflow={overflow},\n    \
         pool_timeout={timeout},\n    pool_pre_ping=True,\n)\n"
    )
}

fn seconds(pool: Pool) -> f64 {
    f64::from(pool.timeout_ms) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOL: Pool = Pool { size: 2, overflow: 1, timeout_ms: 1500 };

    #[test]
    fn asyncpg_counts_the_overflow_into_its_maximum() {
        let code = asyncpg(POOL);
        assert!(code.contains("min_size=2, max_size=3)"));
        assert!(code.contains("acquire(timeout=1.5)"));
    }

    #[test]
    fn sqlalchemy_is_given_its_overflow_by_name() {
        assert!(
            sqlalchemy(POOL).contains("pool_size=2,\n    max_overflow=1,\n    pool_timeout=1.5,")
        );
    }
}
