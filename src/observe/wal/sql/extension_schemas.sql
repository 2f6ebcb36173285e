-- Extensions whose views or tables other queries read, the schemas they are in, and the table of pg_partman's configuration: it belongs to the
-- role that created the extension, which need not be a superuser and may have put something else in its place.
select
    e.extname                                                       as name,
    n.nspname                                                       as schema,
    e.extversion                                                    as version,
    (
        select c.oid::int8
        from pg_catalog.pg_class as c
        join pg_catalog.pg_depend as d
            on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objid = c.oid
            and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
            and d.refobjid = e.oid
            and d.deptype = 'e'
        where c.relname = 'part_config'
            and c.relnamespace = e.extnamespace
            and c.relkind = 'r'
    )                                                               as configuration
from pg_catalog.pg_extension as e
join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
where e.extname in ('pg_partman', 'pgstattuple')
order by e.extname
