-- Pages of the indexes of each table when last counted, and whether one of them is the primary key.
select
    i.indrelid::int8                                                as oid,
    sum(x.relpages)::int8                                           as pages,
    bool_or(i.indisprimary)                                         as primary_key
from pg_catalog.pg_index as i
join pg_catalog.pg_class as x on x.oid = i.indexrelid
-- Those of TOAST tables are a third of all.
where x.relnamespace <> 'pg_toast'::pg_catalog.regnamespace
group by i.indrelid
