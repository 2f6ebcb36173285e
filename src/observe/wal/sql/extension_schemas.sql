-- Extensions that more is asked of, and the schemas they are in.
select
    e.extname                                                       as name,
    n.nspname                                                       as schema,
    e.extversion                                                    as version
from pg_catalog.pg_extension as e
join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
where e.extname in ('pg_partman', 'pgstattuple')
order by e.extname
