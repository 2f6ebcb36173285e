-- How many sessions there may be, and how many there are; reserved_connections is new in 16. Sessions whose kind our role is
-- not shown are counted by their database: parallel workers among them count as well.
select
    pg_catalog.current_setting('max_connections')::int8             as max_connections,
    pg_catalog.current_setting('superuser_reserved_connections')::int8 as superuser_reserved,
    coalesce(pg_catalog.current_setting('reserved_connections', true), '0')::int8 as reserved,
    a.sessions::int8                                                as sessions,
    a.in_database::int8                                             as sessions_in_database,
    a.hidden::int8                                                  as hidden,
    d.datname::text                                                 as database,
    nullif(greatest(d.datconnlimit, -1), -1)::int8                  as database_limit,
    p.transactions::int8                                            as prepared,
    p.oldest_s::float8                                              as oldest_prepared_s
from (
    select
        count(*) filter (where a.backend_type = 'client backend')   as sessions,
        count(*) filter (
            where a.backend_type = 'client backend' and a.datname = pg_catalog.current_database()
        )                                                           as in_database,
        count(*) filter (where a.backend_type is null and a.datid is not null) as hidden
    from pg_catalog.pg_stat_activity as a
    where a.pid <> pg_catalog.pg_backend_pid()
        and coalesce(a.application_name, '') <> 'dbopt'
        and coalesce(a.application_name, '') not like 'dbopt %'
) as a
cross join (
    select
        count(*)                                                    as transactions,
        extract(epoch from max(pg_catalog.clock_timestamp() - x.prepared)) as oldest_s
    from pg_catalog.pg_prepared_xacts as x
    where x.database = pg_catalog.current_database()
) as p
cross join pg_catalog.pg_database as d
where d.datname = pg_catalog.current_database()
