-- Bounds of partitions, as SQL writes them. They name no column, so no relation is given to print them by, and none is opened.
select
    c.oid::int8                                                     as oid,
    i.inhparent::int8                                               as parent,
    pg_catalog.pg_get_expr(c.relpartbound, 0)                       as bound
from pg_catalog.pg_class as c
join pg_catalog.pg_inherits as i on i.inhrelid = c.oid
join pg_catalog.pg_partitioned_table as p on p.partrelid = i.inhparent
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relispartition
    and p.partstrat = 'r'
    and not i.inhdetachpending
    and c.relpersistence <> 't'
    and n.nspname <> 'information_schema'
    and n.nspname !~ '^pg_'
order by i.inhparent, c.oid
limit 20000
