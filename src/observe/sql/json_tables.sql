-- The tables that have a column of JSON.
select distinct a.attrelid::int8 as oid
from pg_catalog.pg_attribute as a
join pg_catalog.pg_class as c on c.oid = a.attrelid
where a.attnum > 0
    and not a.attisdropped
    and c.relkind in ('r', 'm', 'p')
    and c.relpersistence <> 't'
    and a.atttypid in (
        select t.oid
        from pg_catalog.pg_type as t
        where t.oid in ('pg_catalog.json'::pg_catalog.regtype, 'pg_catalog.jsonb'::pg_catalog.regtype)
            or t.typbasetype in ('pg_catalog.json'::pg_catalog.regtype, 'pg_catalog.jsonb'::pg_catalog.regtype)
    )
