-- The transactions that hold the horizon of vacuum back most: open ones and prepared ones. No statement, no address.
-- VACUUM itself holds nothing back.
(
    select
        case when a.backend_type = 'client backend' then 'session' else 'process' end as kind,
        a.pid::int8                                                 as pid,
        null::text                                                  as gid,
        a.usename::text                                             as role,
        a.datname::text                                             as database,
        a.application_name                                          as application,
        a.backend_type                                              as backend_type,
        a.state                                                     as state,
        -- What copies a table begins with its transaction, and does not show when.
        extract(
            epoch from pg_catalog.clock_timestamp() - coalesce(
                a.xact_start,
                case a.backend_type when 'walsender' then a.backend_start end
            )
        )::float8                                                   as age_s,
        greatest(pg_catalog.age(a.backend_xmin), pg_catalog.age(a.backend_xid))::int8 as xmin_age
    from pg_catalog.pg_stat_activity as a
    where a.pid <> pg_catalog.pg_backend_pid()
        and (a.backend_xmin is not null or a.backend_xid is not null)
        and a.backend_type <> 'autovacuum worker'
        -- One that streams nothing yet and has a snapshot copies a table for a logical consumer. Another's horizon is that of
        -- a standby.
        and (
            a.backend_type <> 'walsender'
            or exists (
                select from pg_catalog.pg_stat_replication as r where r.pid = a.pid and r.state = 'startup'
            )
        )
        and not exists (
            select from pg_catalog.pg_stat_progress_vacuum as v where v.pid = a.pid
        )
    order by xmin_age desc nulls last, a.pid
    limit 20
)
union all
(
    select
        'prepared'                                                  as kind,
        null::int8                                                  as pid,
        p.gid                                                       as gid,
        p.owner::text                                               as role,
        p.database::text                                            as database,
        null::text                                                  as application,
        null::text                                                  as backend_type,
        null::text                                                  as state,
        extract(epoch from pg_catalog.clock_timestamp() - p.prepared)::float8 as age_s,
        pg_catalog.age(p.transaction)::int8                         as xmin_age
    from pg_catalog.pg_prepared_xacts as p
    order by xmin_age desc, p.gid
    limit 20
)
