-- What the cumulative statistics say of the largest tables, and of those with most dead rows or the oldest transaction
-- ids: at most 2,000 in all. Nothing here opens a table. Since 18 pages that are all-frozen are counted.
with tables as materialized (
    select
        c.oid,
        c.relpages,
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
-- Each by itself: the first of an order are found without sorting all.
chosen as (
    (select t.* from tables as t order by t.relpages desc, t.oid limit 1700)
    union
    (select t.* from tables as t order by t.dead desc, t.oid limit 100)
    union
    (select t.* from tables as t order by t.xid_age desc nulls last, t.oid limit 100)
    union
    (select t.* from tables as t order by t.multixact_age desc nulls last, t.oid limit 100)
)
select
    t.oid::int8                                                     as oid,
    c.relpersistence = 'u'                                          as is_unlogged,
    coalesce(c.reloptions, '{}')                                    as options,
    c.relallvisible::int8                                           as all_visible_pages,
    c.relallfrozen::int8                                            as frozen_pages,
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
from chosen as t
join pg_catalog.pg_class as c on c.oid = t.oid
order by t.oid
