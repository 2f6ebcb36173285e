-- The client sessions that hold most: those idle in a transaction first, then those that others wait for, then those with
-- the oldest transaction. No statement. A client's address goes out as a hash with a key of this answer alone, and is cut
-- out of the application's name, where poolers write it.
with recursive key as materialized (
    select pg_catalog.gen_random_uuid()::text                       as secret
),
-- Finding out who blocks takes the locks of the lock table, so it is done for sessions alone that wait for a lock.
waiting as materialized (
    select
        w.pid,
        pg_catalog.pg_blocking_pids(w.pid)                          as blockers
    from (
        select a.pid
        from pg_catalog.pg_stat_activity as a
        where a.wait_event_type = 'Lock'
        order by a.pid
        limit 100
    ) as w
),
-- A session that waits for one that waits is waiting for the first as well: as behind an ALTER TABLE that waits for a reader.
queue as (
    select
        w.pid,
        b.pid                                                       as blocker
    from waiting as w
    cross join lateral unnest(w.blockers) as b (pid)
    union
    select
        q.pid,
        b.pid
    from queue as q
    join waiting as w on w.pid = q.blocker
    cross join lateral unnest(w.blockers) as b (pid)
),
blocking as (
    select
        q.blocker                                                   as pid,
        count(*)                                                    as sessions
    from queue as q
    where q.pid <> q.blocker
    group by q.blocker
)
select
    a.pid::int8                                                     as pid,
    a.usename::text                                                 as role,
    a.datname::text                                                 as database,
    -- A session that is about to begin has no database yet.
    coalesce(a.datname = pg_catalog.current_database(), false)      as is_current,
    pg_catalog.regexp_replace(
        pg_catalog.regexp_replace(a.application_name, ' - [^ ]+:[0-9]+$', ''),
        '[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+', '*', 'g'
    )                                                               as application,
    a.state                                                         as state,
    extract(epoch from pg_catalog.clock_timestamp() - a.backend_start)::float8 as backend_age_s,
    extract(epoch from pg_catalog.clock_timestamp() - a.xact_start)::float8 as transaction_age_s,
    extract(epoch from pg_catalog.clock_timestamp() - a.state_change)::float8 as state_age_s,
    a.wait_event_type || ':' || a.wait_event                        as wait_event,
    greatest(pg_catalog.age(a.backend_xmin), pg_catalog.age(a.backend_xid))::int8 as xmin_age,
    coalesce(w.blockers, '{}')                                      as blocked_by,
    coalesce(b.sessions, 0)::int8                                   as blocks,
    left(
        pg_catalog.encode(
            pg_catalog.sha256(pg_catalog.convert_to(k.secret || pg_catalog.host(a.client_addr), 'UTF8')),
            'hex'
        ),
        16
    )                                                               as client
from pg_catalog.pg_stat_activity as a
cross join key as k
left join waiting as w on w.pid = a.pid
left join blocking as b on b.pid = a.pid
where a.backend_type = 'client backend'
    and a.pid <> pg_catalog.pg_backend_pid()
    and a.application_name <> 'dbopt'
    and a.application_name not like 'dbopt %'
order by
    a.state like 'idle in transaction%' desc nulls last,
    b.sessions desc nulls last,
    a.xact_start nulls last,
    a.pid
limit 200
