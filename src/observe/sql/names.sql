-- What names in statements mean: tables with their columns, and views with the queries they stand for. A partition means the
-- table that it is a part of. A view of a table that another session has locked, or waits to lock, is left out: the server locks
-- tables to write queries as SQL.
with recursive locked as materialized (
    select l.relation
    from pg_catalog.pg_locks as l
    join pg_catalog.pg_database as d on d.oid = l.database
    where d.datname = pg_catalog.current_database()
        and l.locktype = 'relation'
        and l.mode = 'AccessExclusiveLock'
),
views_of_locked as materialized (
    select w.ev_class as oid
    from locked as l
    join pg_catalog.pg_depend as d
        on d.refobjid = l.relation
        and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        and d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
    join pg_catalog.pg_rewrite as w on w.oid = d.objid
),
parts as (
    select i.inhrelid as oid, i.inhparent as root
    from pg_catalog.pg_inherits as i
    join pg_catalog.pg_class as c on c.oid = i.inhparent
    where c.relkind = 'p' and not c.relispartition
    union all
    select i.inhrelid, p.root
    from parts as p
    join pg_catalog.pg_inherits as i on i.inhparent = p.oid
),
-- One pass over all columns: to look them up table by table takes three times as long where tables are many.
columns as (
    select
        a.attrelid                                                  as oid,
        pg_catalog.array_agg(a.attname order by a.attnum)           as columns,
        pg_catalog.array_agg(a.attname order by a.attnum) filter (
            where a.atttypid in (
                select k.oid
                from pg_catalog.pg_type as k
                where coalesce(nullif(k.typbasetype, 0), k.oid) in (
                    'pg_catalog.json'::pg_catalog.regtype, 'pg_catalog.jsonb'::pg_catalog.regtype
                )
            )
        )                                                           as documents
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_class as c on c.oid = a.attrelid
    where c.relkind in ('r', 'p', 'm', 'f')
        and not c.relispartition
        and a.attnum > 0
        and not a.attisdropped
    group by a.attrelid
)
select
    n.nspname                                                       as schema,
    c.relname                                                       as name,
    case when c.relkind = 'v' then pg_catalog.pg_get_viewdef(c.oid) end as view,
    coalesce(a.columns, '{}')                                       as columns,
    coalesce(a.documents, '{}')                                     as documents,
    o.nspname                                                       as root_schema,
    r.relname                                                       as root_name
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join columns as a on a.oid = c.oid
left join parts as p on p.oid = c.oid
left join pg_catalog.pg_class as r on r.oid = p.root
left join pg_catalog.pg_namespace as o on o.oid = r.relnamespace
where c.relkind in ('r', 'p', 'm', 'f', 'v')
    and c.relpersistence <> 't'
    and (not c.relispartition or r.oid is not null)
    and (c.relkind <> 'v' or not exists (select from views_of_locked as w where w.oid = c.oid))
    and n.nspname <> 'information_schema'
    and n.nspname !~ '^pg_'
order by c.oid
