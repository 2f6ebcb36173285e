-- How many rows the values of columns beside vectors select, as the planner's statistics have it: shares and counts, no value.
-- Of partitioned tables the statistics of the whole.
with tables as (
    select
        c.oid,
        n.nspname,
        c.relname
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = any ($1::int8[]::oid[])
)
select distinct on (t.oid, s.attname)
    t.oid::int8                                                     as table_oid,
    s.attname                                                       as name,
    a.attnum::int8                                                  as number,
    s.null_frac::float8                                             as null_share,
    s.n_distinct::float8                                            as distinct_values,
    s.most_common_freqs[1]::float8                                  as most_common_share,
    exists (
        select
        from pg_catalog.pg_partitioned_table as p
        where p.partrelid = t.oid and a.attnum = any (p.partattrs::int2[])
    )                                                               as is_partition_key
from pg_catalog.pg_stats as s
join tables as t on t.nspname = s.schemaname and t.relname = s.tablename
join pg_catalog.pg_attribute as a on a.attrelid = t.oid and a.attname = s.attname
where s.tablename = any (array(select t.relname from tables as t))
order by t.oid, s.attname, s.inherited desc
limit 20000
