-- What stands against an unlogged table, for the tables in $1. Nothing opens a relation.
select
    c.oid::int8                                                     as oid,
    c.relpersistence = 'u'                                          as is_unlogged,
    c.relispartition                                                as is_partition,
    exists (
        select
        from pg_catalog.pg_constraint as k
        join pg_catalog.pg_class as o on o.oid = k.confrelid
        where k.conrelid = c.oid and k.contype = 'f' and o.relpersistence = 'p'
    )                                                               as references_logged,
    exists (
        select
        from pg_catalog.pg_constraint as k
        join pg_catalog.pg_class as o on o.oid = k.conrelid
        where k.confrelid = c.oid and k.contype = 'f' and o.oid <> c.oid and o.relpersistence = 'p'
    )                                                               as referenced_by_logged,
    exists (
        select
        from pg_catalog.pg_publication as p
        where p.puballtables
            or exists (
                select
                from pg_catalog.pg_publication_rel as r
                where r.prpubid = p.oid and r.prrelid = c.oid
            )
            -- Its whole schema, from 15 on: what depends on what is known on every major version.
            or exists (
                select
                from pg_catalog.pg_depend as d
                join pg_catalog.pg_depend as s on s.classid = d.classid and s.objid = d.objid
                where d.classid = pg_catalog.to_regclass('pg_catalog.pg_publication_namespace')
                    and d.refclassid = 'pg_catalog.pg_publication'::pg_catalog.regclass
                    and d.refobjid = p.oid
                    and s.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
                    and s.refobjid = c.relnamespace
            )
    )                                                               as published,
    exists (
        select
        from pg_catalog.pg_inherits as i
        where i.inhparent = c.oid or i.inhrelid = c.oid and not c.relispartition
    )                                                               as inheritance
from pg_catalog.pg_class as c
where c.oid = any ($1::int8[]::oid[])
order by c.oid
