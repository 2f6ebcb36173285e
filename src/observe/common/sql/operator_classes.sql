-- Operator classes, which indexes name by number: some 180 of the server and what extensions add.
select
    o.oid::int8                                                     as oid,
    n.nspname                                                       as schema,
    o.opcname                                                       as name,
    a.amname                                                        as method,
    o.opcdefault                                                    as is_default,
    f.opfname                                                       as family,
    pg_catalog.format_type(o.opcintype, null)                       as type_name
from pg_catalog.pg_opclass as o
join pg_catalog.pg_namespace as n on n.oid = o.opcnamespace
join pg_catalog.pg_am as a on a.oid = o.opcmethod
join pg_catalog.pg_opfamily as f on f.oid = o.opcfamily
order by o.oid
