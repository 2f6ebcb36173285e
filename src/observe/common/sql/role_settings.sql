-- Settings that a database or a role has of its own, as far as they concern this database.
select
    d.datname                                                       as database,
    r.rolname                                                       as role,
    pg_catalog.split_part(o.setting, '=', 1)                        as name,
    pg_catalog.substr(o.setting, pg_catalog.strpos(o.setting, '=') + 1) as value
from pg_catalog.pg_db_role_setting as s
left join pg_catalog.pg_database as d on d.oid = s.setdatabase
left join pg_catalog.pg_roles as r on r.oid = s.setrole
cross join lateral pg_catalog.unnest(s.setconfig) as o (setting)
where s.setdatabase = 0 or d.datname = pg_catalog.current_database()
order by 1, 2, 3
limit 2000
