-- What the other sessions of this database run now, or ran last, in the application's own words. Where a text may not be
-- read, there is none. A text that fills its place has lost its end, but for a character of up to four bytes.
select
    a.query_id,
    case when a.query <> '<insufficient privilege>' then a.query end as sql,
    pg_catalog.octet_length(a.query) > s.setting::int - 5           as cut_off
from pg_catalog.pg_stat_activity as a
cross join pg_catalog.pg_settings as s
where s.name = 'track_activity_query_size'
    and a.datname = pg_catalog.current_database()
    and a.backend_type = 'client backend'
    and a.pid <> pg_catalog.pg_backend_pid()
    and a.application_name <> 'dbopt'
    and a.application_name not like 'dbopt %'
    and a.query <> ''
order by a.query_start desc nulls last, a.pid
limit 1000
