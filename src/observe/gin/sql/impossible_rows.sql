-- Tables with a GIN index whose number of rows in the catalog cannot be true: a page holds at most 291 rows. Parallel
-- builds of 18.0 to 18.4 left such numbers behind.
select
    c.oid::int8                                                     as oid,
    n.nspname                                                       as schema,
    c.relname                                                       as name,
    c.relpages::int8                                                as pages,
    c.reltuples::text                                               as rows
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'm')
    and c.relpersistence <> 't'
    and (c.reltuples < -1 or c.reltuples > 291 * 10 * greatest(c.relpages::float8, 10))
    and n.nspname <> 'information_schema'
    and n.nspname !~ '^pg_'
    and exists (
        select
        from pg_catalog.pg_index as i
        join pg_catalog.pg_class as x on x.oid = i.indexrelid
        join pg_catalog.pg_am as m on m.oid = x.relam
        where i.indrelid = c.oid and m.amname = 'gin'
    )
order by c.oid
