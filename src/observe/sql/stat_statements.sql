-- What ran in this database, how often and how long: the texts of the statements with most calls or most time, and those of
-- the others together without one. Literals are parameters in them, keys too. Where the extension lives in another schema, it
-- is named here instead.
with statements as (
    select
        s.queryid,
        min(s.query)                                                as query,
        sum(s.calls)::int8                                          as calls,
        sum(s.total_exec_time)                                      as total_ms,
        sum(s.rows)::int8                                           as rows,
        sum(s.shared_blks_hit)::int8                                as shared_blks_hit,
        sum(s.shared_blks_read)::int8                               as shared_blks_read,
        sum(t.read_ms)                                              as read_ms,
        sum(s.wal_bytes)::int8                                      as wal_bytes
    from public.pg_stat_statements as s
    -- The version of the extension, not that of the server, says which of the two names the column has. A name that the
    -- inner query does not have is that of the outer one, which is NULL.
    cross join (values (null::float8, null::float8)) as absent (blk_read_time, shared_blk_read_time)
    cross join lateral (
        select (select coalesce(shared_blk_read_time, blk_read_time) from (select s.*) as own) as read_ms
    ) as t
    where s.dbid = (
        select d.oid
        from pg_catalog.pg_database as d
        where d.datname = pg_catalog.current_database()
    )
    group by s.queryid
),
ranked as (
    select
        s.*,
        least(
            row_number() over (order by s.calls desc, s.queryid),
            row_number() over (order by s.total_ms desc, s.queryid)
        )                                                           as rank
    from statements as s
),
ordered as (
    select
        s.*,
        s.query = '<insufficient privilege>'                        as hidden,
        row_number() over w <= 2000
            and sum(pg_catalog.octet_length(s.query)) over w <= 4 * 1024 * 1024 as kept
    from ranked as s
    window w as (order by s.rank, s.queryid)
),
told as (
    select
        case when kept and not hidden then queryid end              as query_id,
        case when kept and not hidden then query end                as sql,
        coalesce(hidden, false)                                     as hidden,
        calls,
        total_ms,
        rows,
        shared_blks_hit,
        shared_blks_read,
        read_ms,
        wal_bytes
    from ordered
)
select
    query_id,
    sql,
    hidden,
    sum(calls)::int8                                                as calls,
    sum(total_ms)                                                   as total_ms,
    sum(rows)::int8                                                 as rows,
    sum(shared_blks_hit)::int8                                      as shared_blks_hit,
    sum(shared_blks_read)::int8                                     as shared_blks_read,
    -- Nothing is timed unless track_io_timing is on.
    nullif(sum(read_ms), 0)                                         as read_ms,
    sum(wal_bytes)::int8                                            as wal_bytes
from told
group by query_id, sql, hidden
order by calls desc, query_id
