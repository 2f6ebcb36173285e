-- What stands against an unlogged table, for the tables in $1. Nothing opens a relation. Each catalog is read once, not once a
-- table: foreign keys have no index by what they refer to.
select
    c.oid::int8                                                     as oid,
    c.relpersistence = 'u'                                          as is_unlogged,
    c.relispartition                                                as is_partition,
    c.oid in (
        select k.conrelid
        from pg_catalog.pg_constraint as k
        join pg_catalog.pg_class as o on o.oid = k.confrelid
        where k.contype = 'f' and o.relpersistence = 'p'
    )                                                               as references_logged,
    c.oid in (
        select k.confrelid
        from pg_catalog.pg_constraint as k
        join pg_catalog.pg_class as o on o.oid = k.conrelid
        where k.contype = 'f' and k.confrelid <> k.conrelid and o.relpersistence = 'p'
    )                                                               as referenced_by_logged,
    exists (select from pg_catalog.pg_publication as p where p.puballtables)
        or c.oid in (select r.prrelid from pg_catalog.pg_publication_rel as r)
        -- Its whole schema, from 15 on: what depends on what is known on every major version.
        or c.relnamespace in (
            select s.refobjid
            from pg_catalog.pg_depend as d
            join pg_catalog.pg_depend as s on s.classid = d.classid and s.objid = d.objid
            where d.classid = pg_catalog.to_regclass('pg_catalog.pg_publication_namespace')
                and d.refclassid = 'pg_catalog.pg_publication'::pg_catalog.regclass
                and s.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
        )                                                           as published,
    c.oid in (select i.inhparent from pg_catalog.pg_inherits as i)
        or not c.relispartition and c.oid in (select i.inhrelid from pg_catalog.pg_inherits as i)
                                                                    as inheritance,
    c.oid in (select s.srrelid from pg_catalog.pg_subscription_rel as s) as subscribed
from pg_catalog.pg_class as c
where c.oid = any ($1::int8[]::oid[])
order by c.oid
