-- Columns of time of the relations in $1, with how far the order of rows follows them. Shown of columns our role may read.
select
    c.oid::int8                                                     as oid,
    a.attname                                                       as name,
    t.typname                                                       as type_name,
    s.correlation::float8                                           as correlation,
    s.null_frac::float8                                             as null_share
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_catalog.pg_type as t on t.oid = a.atttypid
join pg_catalog.pg_stats as s
    on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname and not s.inherited
where c.oid = any ($1::int8[]::oid[])
    and t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
    and t.typname in ('date', 'timestamp', 'timestamptz')
order by c.oid, a.attnum
