-- Bytes of the chosen indexes now. Takes a lock of the weakest kind on each for a moment.
select
    c.oid::int8                                                     as oid,
    pg_catalog.pg_relation_size(c.oid)                              as bytes
from pg_catalog.pg_class as c
where c.oid = any ($1::int8[]::oid[])
order by c.oid
