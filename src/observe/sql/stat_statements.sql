-- What ran in this database, how often and how long: the texts of the statements with most calls, and those of the others
-- together without one. Literals are parameters in them, keys too. Where the extension lives in another schema, it is named
-- here instead.
with statements as (
    select
        s.queryid,
        min(s.query)                                                as query,
        sum(s.calls)::int8                                          as calls,
        sum(s.total_exec_time)                                      as total_ms
    from public.pg_stat_statements as s
    where s.dbid = (
        select d.oid
        from pg_catalog.pg_database as d
        where d.datname = pg_catalog.current_database()
    )
    group by s.queryid
),
ordered as (
    select
        s.queryid,
        s.query,
        s.calls,
        s.total_ms,
        s.query = '<insufficient privilege>'                        as hidden,
        row_number() over w <= 2000
            and sum(pg_catalog.octet_length(s.query)) over w <= 4 * 1024 * 1024 as kept
    from statements as s
    window w as (order by s.calls desc, s.queryid)
),
told as (
    select
        case when kept and not hidden then queryid end              as query_id,
        case when kept and not hidden then query end                as sql,
        coalesce(hidden, false)                                     as hidden,
        calls,
        total_ms
    from ordered
)
select
    query_id,
    sql,
    hidden,
    sum(calls)::int8                                                as calls,
    sum(total_ms)                                                   as total_ms
from told
group by query_id, sql, hidden
order by calls desc, query_id
