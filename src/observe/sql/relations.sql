-- Every table and materialized view, from the raw catalogs: nothing here opens a relation,
-- so nothing here waits for a lock. Sizes are as of the last vacuum or analyze. What its indexes say is added to it.
select
    c.oid::int8                                                     as oid,
    n.nspname                                                       as schema,
    c.relname                                                       as name,
    c.relkind                                                       as kind,
    i.inhparent::int8                                               as parent,
    c.relpages::int8                                                as pages,
    -- Parallel GIN builds of 18.0 to 18.4 could leave `Infinity` or `NaN` here.
    case when c.reltuples >= 0 and c.reltuples < 'infinity' then c.reltuples::float8 end as rows,
    c.reltoastrelid <> 0 or c.relkind = 'p'                         as toastable,
    false                                                           as primary_key,
    pg_catalog.pg_stat_get_live_tuples(c.oid)                       as live_rows,
    0::int8                                                         as index_pages,
    coalesce(t.relpages, 0)::int8                                   as toast_pages,
    coalesce(t.reltuples >= 0, true)                                as toast_counted,
    coalesce(pg_catalog.pg_stat_get_live_tuples(t.oid), 0)          as toast_live_chunks
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_class as t on t.oid = c.reltoastrelid
left join pg_catalog.pg_inherits as i on i.inhrelid = c.oid and c.relispartition
where c.relkind in ('r', 'm', 'p')
    and c.relpersistence <> 't'
    and n.nspname <> 'information_schema'
    and n.nspname !~ '^pg_'
    and not exists (
        select
        from pg_catalog.pg_depend as d
        where d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
            and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objid = c.oid
            and d.deptype = 'e'
    )
order by c.oid
