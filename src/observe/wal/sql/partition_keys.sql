-- Partitioned tables: how they are divided, and by what. Nothing opens a relation.
select
    p.partrelid::int8                                               as oid,
    p.partstrat                                                     as strategy,
    p.partnatts::int8                                               as key_columns,
    -- The first column of the key; absent where it is an expression.
    a.attname                                                       as first_column,
    coalesce(b.typname, t.typname)                                  as first_type,
    nullif(p.partdefid, 0)::int8                                    as default_partition
from pg_catalog.pg_partitioned_table as p
join pg_catalog.pg_class as c on c.oid = p.partrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_attribute as a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0] and a.attnum > 0
left join pg_catalog.pg_type as t on t.oid = a.atttypid
left join pg_catalog.pg_type as b on b.oid = nullif(t.typbasetype, 0)
where c.relpersistence <> 't' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
order by p.partrelid
limit 5000
