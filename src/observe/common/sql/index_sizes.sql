-- Bytes of the chosen indexes now. Takes a lock of the weakest kind on each for a moment, so one that another session has locked,
-- or waits to, is left out.
with locked as materialized (
    select l.relation
    from pg_catalog.pg_locks as l
    join pg_catalog.pg_database as d on d.oid = l.database
    where d.datname = pg_catalog.current_database()
        and l.locktype = 'relation'
        and l.mode = 'AccessExclusiveLock'
)
select
    c.oid::int8                                                     as oid,
    pg_catalog.pg_relation_size(c.oid)                              as bytes
from pg_catalog.pg_class as c
where c.oid = any ($1::int8[]::oid[])
    and not exists (select from locked as l where l.relation = c.oid)
order by c.oid
