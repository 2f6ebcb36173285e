-- One text with its literals for each statement of this database that compares a column with something. Where the
-- extension lives in another schema, it is named here instead. The texts are cut where those of `pg_stat_activity` are.
select
    e.queryid                                                       as query_id,
    e.query                                                         as sql,
    pg_catalog.octet_length(e.query) > s.setting::int - 5           as cut_off
from public.pg_qualstats_example_queries() as e
cross join pg_catalog.pg_settings as s
where s.name = 'track_activity_query_size'
    and e.queryid in (
        select q.queryid
        from public.pg_qualstats() as q
        where q.dbid = (
            select d.oid
            from pg_catalog.pg_database as d
            where d.datname = pg_catalog.current_database()
        )
    )
order by e.queryid
limit 2000
