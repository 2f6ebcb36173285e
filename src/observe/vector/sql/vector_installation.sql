-- Where pgvector is, its version here, and the version of the library that is installed beside the server. No row where the
-- database does not have it.
select
    n.nspname                                                       as schema,
    e.extversion                                                    as version,
    (
        select v.default_version
        from pg_catalog.pg_available_extensions() as v
        where v.name = 'vector'
    )                                                               as library_version,
    pg_catalog.has_schema_privilege(n.oid, 'usage')                 as usable,
    pg_catalog.current_database()                                   as database
from pg_catalog.pg_extension as e
join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
where e.extname = 'vector'
