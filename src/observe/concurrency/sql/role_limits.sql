-- Roles that may have so many sessions alone, and how many they have.
select
    r.rolname::text                                                 as role,
    r.rolconnlimit::int8                                            as connection_limit,
    count(a.pid)::int8                                              as sessions
from pg_catalog.pg_roles as r
left join pg_catalog.pg_stat_activity as a
    on a.usesysid = r.oid and coalesce(a.backend_type, 'client backend') = 'client backend'
where r.rolconnlimit > 0 and r.rolcanlogin and not r.rolsuper
group by r.rolname, r.rolconnlimit
order by count(a.pid)::float8 / r.rolconnlimit desc, r.rolname
limit 100
