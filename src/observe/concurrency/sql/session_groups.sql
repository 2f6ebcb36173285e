-- Client sessions by database, role and application, and by database and role alone. A session is in use while it is not
-- idle. Which were in use at a moment of the last minute is known of the last statement of each alone: that is the least it
-- can have been; what was used within the minute is the most. Without pg_read_all_stats sessions of other roles show no state.
with sessions as materialized (
    select
        a.datname                                                   as database,
        a.usename                                                   as role,
        pg_catalog.regexp_replace(
            pg_catalog.regexp_replace(a.application_name, ' - [^ ]+:[0-9]+$', ''),
            '[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+', '*', 'g'
        )                                                           as application,
        a.client_addr                                               as client,
        a.state,
        a.query_start,
        a.state_change
    from pg_catalog.pg_stat_activity as a
    where a.backend_type = 'client backend'
        and a.pid <> pg_catalog.pg_backend_pid()
        and a.application_name <> 'dbopt'
        and a.application_name not like 'dbopt %'
),
moments as materialized (
    select pg_catalog.clock_timestamp() - s * interval '3 seconds'  as at
    from pg_catalog.generate_series(0, 19) as s
),
used as (
    select
        s.database,
        s.role,
        s.application,
        m.at,
        count(*) filter (
            where s.query_start <= m.at and (s.state <> 'idle' or s.state_change >= m.at)
        )                                                           as sessions
    from sessions as s
    cross join moments as m
    group by s.database, s.role, s.application, m.at
),
peaks as (
    select
        u.database,
        u.role,
        u.application,
        pg_catalog.percentile_disc(0.95) within group (order by u.sessions) as sessions
    from used as u
    group by u.database, u.role, u.application
),
grouped as (
    select
        s.database,
        s.role,
        s.application,
        grouping(s.application) = 1                                 as whole_role,
        count(*)                                                    as sessions,
        count(*) filter (where s.state = 'active')                  as active,
        count(*) filter (where s.state = 'idle')                    as idle,
        count(*) filter (where s.state like 'idle in transaction%') as idle_in_transaction,
        count(*) filter (
            where s.state <> 'idle'
                or s.state_change >= pg_catalog.clock_timestamp() - interval '1 minute'
        )                                                           as used_last_minute,
        count(distinct s.client)                                    as clients,
        count(*) filter (where s.state = 'disabled')                as untracked
    from sessions as s
    group by grouping sets ((s.database, s.role, s.application), (s.database, s.role))
)
select
    g.database::text                                                as database,
    g.database = pg_catalog.current_database()                      as is_current,
    g.role::text                                                    as role,
    g.application                                                   as application,
    g.whole_role                                                    as whole_role,
    g.sessions::int8                                                as sessions,
    g.active::int8                                                  as active,
    g.idle::int8                                                    as idle,
    g.idle_in_transaction::int8                                     as idle_in_transaction,
    g.used_last_minute::int8                                        as used_last_minute,
    p.sessions::int8                                                as used_p95,
    g.clients::int8                                                 as clients,
    g.untracked::int8                                               as untracked
from grouped as g
left join peaks as p
    on p.database = g.database and p.role = g.role and p.application = g.application and not g.whole_role
order by g.sessions desc, g.database, g.role, g.application nulls first
limit 500
