-- What pg_partman maintains; its schema is put in the place of that name. Releases differ in their columns: these are in 4
-- and 5, and when maintenance last ran is read where it is there.
select
    c.parent_table                                                  as parent_table,
    c.premake::int8                                                 as premake,
    c.retention                                                     as retention,
    c.retention_keep_table                                          as retention_keep_table,
    c.automatic_maintenance                                         as automatic_maintenance,
    c.infinite_time_partitions                                      as infinite,
    exists (
        select
        from pg_catalog.pg_class as t
        join pg_catalog.pg_namespace as n on n.oid = t.relnamespace
        where n.nspname || '.' || t.relname = c.parent_table and t.relkind = 'p'
    )                                                               as parent_exists,
    (pg_catalog.to_jsonb(c) ->> 'maintenance_last_run')::timestamptz as last_run
from "extension schema".part_config as c
order by c.parent_table
limit 5000
