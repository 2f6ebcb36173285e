-- Every database with the age of its oldest transaction ids: they are shared by the cluster.
select
    d.datname                                                       as name,
    d.datname = pg_catalog.current_database()                       as is_current,
    d.datallowconn                                                  as allows_connections,
    pg_catalog.age(d.datfrozenxid)::int8                            as xid_age,
    pg_catalog.mxid_age(d.datminmxid)::int8                         as multixact_age
from pg_catalog.pg_database as d
order by d.datname
limit 2000
