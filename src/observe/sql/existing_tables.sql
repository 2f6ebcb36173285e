-- The tables of the names in $1 with all that are part of them, they are part of, or are related to them by inheritance, and
-- what statements would make of each: what a migration reads depends on it. Those that another session has locked, or waits
-- to lock, are left out: to write an expression as SQL the server locks its table.
with recursive locked as materialized (
    select l.relation
    from pg_catalog.pg_locks as l
    join pg_catalog.pg_database as d on d.oid = l.database
    where d.datname = pg_catalog.current_database()
        and l.locktype = 'relation'
        and l.mode = 'AccessExclusiveLock'
),
related as (
    select c.oid
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relname = any ($1::text[]::pg_catalog.name[])
        and c.relkind in ('r', 'p')
        and c.relpersistence <> 't'
        and n.nspname <> 'information_schema'
        and n.nspname !~ '^pg_'
    union
    select i.oid
    from related as r
    cross join lateral (
        select i.inhrelid from pg_catalog.pg_inherits as i where i.inhparent = r.oid
        union all
        select i.inhparent from pg_catalog.pg_inherits as i where i.inhrelid = r.oid
    ) as i (oid)
),
-- Before anything is written as SQL.
chosen as materialized (
    select c.*, pg_catalog.format('%I.%I', n.nspname, c.relname) as qualified
    from related as r
    join pg_catalog.pg_class as c on c.oid = r.oid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where not exists (select from locked as l where l.relation = c.oid)
    order by c.oid
    limit 2000
)
select
    c.qualified                                                     as name,
    (
        select coalesce(
            pg_catalog.json_agg(
                pg_catalog.format('%I %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod))
                || case when a.attnotnull and v.is_filled then ' not null' else '' end
                order by a.attnum
            ),
            '[]'
        )
        from pg_catalog.pg_attribute as a
        cross join lateral (
            -- From PostgreSQL 18 on NOT NULL may be one that was not validated.
            select not exists (
                select
                from pg_catalog.pg_constraint as o
                where o.conrelid = c.oid and o.contype = 'n' and o.conkey[1] = a.attnum and not o.convalidated
            ) as is_filled
        ) as v
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    )                                                               as columns,
    case when c.relkind = 'p' then pg_catalog.pg_get_partkeydef(c.oid) end as partition_key,
    (select count(*) from pg_catalog.pg_inherits as i where i.inhparent = c.oid) as children,
    (
        select coalesce(
            pg_catalog.json_agg(
                case
                    when c.relispartition then pg_catalog.format(
                        'alter table %I.%I attach partition %s %s',
                        n.nspname, p.relname, c.qualified, pg_catalog.pg_get_expr(c.relpartbound, c.oid)
                    )
                    else pg_catalog.format('alter table %s inherit %I.%I', c.qualified, n.nspname, p.relname)
                end
                order by i.inhseqno
            ),
            '[]'
        )
        from pg_catalog.pg_inherits as i
        join pg_catalog.pg_class as p on p.oid = i.inhparent
        join pg_catalog.pg_namespace as n on n.oid = p.relnamespace
        where i.inhrelid = c.oid
    )                                                               as parents,
    (
        select coalesce(
            pg_catalog.json_agg(
                pg_catalog.format(
                    'alter table %s add constraint %I %s', c.qualified, o.conname, pg_catalog.pg_get_constraintdef(o.oid)
                )
                order by o.oid
            ),
            '[]'
        )
        from pg_catalog.pg_constraint as o
        where o.conrelid = c.oid
            and (o.contype in ('c', 'f', 'p', 'u', 'x') or o.contype = 'n' and not o.convalidated)
            -- Of a foreign key to a partitioned table there is one for each partition, too.
            and not exists (
                select from pg_catalog.pg_constraint as r where r.oid = o.conparentid and r.conrelid = o.conrelid
            )
    )                                                               as constraints,
    (
        select coalesce(pg_catalog.json_agg(pg_catalog.pg_get_indexdef(i.indexrelid) order by i.indexrelid), '[]')
        from pg_catalog.pg_index as i
        where i.indrelid = c.oid
            -- The root's may wait for those of partitions, and is looked for in them all the same.
            and (i.indisvalid or c.relkind = 'p')
            and not exists (
                select from pg_catalog.pg_constraint as o where o.conindid = i.indexrelid and o.contype in ('p', 'u', 'x')
            )
    )                                                               as indexes
from chosen as c
order by c.oid
