-- The table of schema $1 and name $2: whether it is unlogged, whether it is empty, and when the server may have recovered
-- last. A crash of one process does not change the start time, but throws the counters away.
select
    c.relpersistence = 'u'                                          as is_unlogged,
    c.relkind = 'p'                                                 as partitioned,
    pg_catalog.pg_relation_size(c.oid)                              as heap_bytes,
    pg_catalog.pg_is_in_recovery()                                  as in_recovery,
    greatest(
        pg_catalog.pg_postmaster_start_time(),
        (select w.stats_reset from pg_catalog.pg_stat_wal as w)
    )                                                               as restarted_at
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = $1::text
    and c.relname = $2::text
    and c.relkind in ('r', 'p', 'm')
