-- What the cumulative statistics say of the largest tables, and of those with most dead rows or the oldest transaction
-- ids: at most 2,000 in all. Nothing here opens a table.
with tables as (
    select
        c.oid,
        c.relkind,
        c.relpages,
        c.relallvisible,
        c.relpersistence,
        c.reloptions,
        case when c.relfrozenxid <> 0 then pg_catalog.age(c.relfrozenxid) end as xid_age,
        case when c.relminmxid <> 0 then pg_catalog.mxid_age(c.relminmxid) end as multixact_age,
        pg_catalog.pg_stat_get_dead_tuples(c.oid) as dead
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm', 'p')
        and c.relpersistence <> 't'
        and n.nspname <> 'information_schema'
        and n.nspname !~ '^pg_'
),
ranked as (
    select
        t.*,
        row_number() over (order by t.relpages desc, t.oid) as by_size,
        row_number() over (order by t.dead desc, t.oid) as by_dead,
        row_number() over (order by t.xid_age desc nulls last, t.oid) as by_xid,
        row_number() over (order by t.multixact_age desc nulls last, t.oid) as by_multixact
    from tables as t
)
select
    t.oid::int8                                                     as oid,
    t.relpersistence = 'u'                                          as is_unlogged,
    coalesce(t.reloptions, '{}')                                    as options,
    t.relallvisible::int8                                           as all_visible_pages,
    null::int8                                                      as frozen_pages,
    t.xid_age::int8                                                 as xid_age,
    t.multixact_age::int8                                           as multixact_age,
    pg_catalog.pg_stat_get_numscans(t.oid)                          as sequential_scans,
    pg_catalog.pg_stat_get_tuples_returned(t.oid)                   as sequential_rows,
    pg_catalog.pg_stat_get_tuples_inserted(t.oid)                   as inserted_rows,
    pg_catalog.pg_stat_get_tuples_updated(t.oid)                    as updated_rows,
    pg_catalog.pg_stat_get_tuples_hot_updated(t.oid)                as hot_updated_rows,
    pg_catalog.pg_stat_get_tuples_deleted(t.oid)                    as deleted_rows,
    pg_catalog.pg_stat_get_live_tuples(t.oid)                       as live_rows,
    t.dead                                                          as dead_rows,
    pg_catalog.pg_stat_get_mod_since_analyze(t.oid)                 as changed_since_analyze,
    pg_catalog.pg_stat_get_ins_since_vacuum(t.oid)                  as inserted_since_vacuum,
    pg_catalog.pg_stat_get_last_vacuum_time(t.oid)                  as last_vacuum,
    pg_catalog.pg_stat_get_last_autovacuum_time(t.oid)              as last_autovacuum,
    pg_catalog.pg_stat_get_last_analyze_time(t.oid)                 as last_analyze,
    pg_catalog.pg_stat_get_last_autoanalyze_time(t.oid)             as last_autoanalyze,
    pg_catalog.pg_stat_get_vacuum_count(t.oid)                      as vacuums,
    pg_catalog.pg_stat_get_autovacuum_count(t.oid)                  as autovacuums,
    pg_catalog.pg_stat_get_analyze_count(t.oid)                     as analyzes,
    pg_catalog.pg_stat_get_autoanalyze_count(t.oid)                 as autoanalyzes
from ranked as t
where t.by_size <= 1700 or t.by_dead <= 100 or t.by_xid <= 100 or t.by_multixact <= 100
order by t.oid
