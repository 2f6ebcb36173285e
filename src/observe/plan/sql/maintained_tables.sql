-- Tables that another session builds an index on, vacuums or analyzes now, by the lock that these take. Locks are shown to
-- every role, progress views are not.
select distinct
    l.relation::int8                                                as oid
from pg_catalog.pg_locks as l
where l.locktype = 'relation'
    and l.database = (
        select d.oid
        from pg_catalog.pg_database as d
        where d.datname = pg_catalog.current_database()
    )
    and l.mode in ('ShareUpdateExclusiveLock', 'ShareLock')
    and l.granted
    and l.pid is distinct from pg_catalog.pg_backend_pid()
order by 1
limit 10000
