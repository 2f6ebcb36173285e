-- True sizes of one relation and its TOAST table, in bytes. Opens both, so it may have to wait for a lock.
select
    c.oid::int8                                         as oid,
    pg_catalog.pg_relation_size(c.oid)                  as heap_bytes,
    coalesce(pg_catalog.pg_relation_size(nullif(c.reltoastrelid, 0)), 0) as toast_bytes
from pg_catalog.pg_class as c
where c.oid = $1::int8::oid
