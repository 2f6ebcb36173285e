-- Partitioned tables: how they are divided, and by what. Nothing opens a relation.
with referred as (
    select k.confrelid as oid
    from pg_catalog.pg_constraint as k
    where k.contype = 'f'
),
triggered as (
    select t.tgrelid as oid
    from pg_catalog.pg_trigger as t
    -- Up to 14, triggers that a partition has from its table are internal.
    where (not t.tgisinternal or t.tgconstraint = 0) and t.tgenabled <> 'D'
),
-- Tables whose deletes a publication sends. Schemas are published from 15 on: what depends on what is known on every version.
published as (
    select r.prrelid as oid
    from pg_catalog.pg_publication_rel as r
    join pg_catalog.pg_publication as u on u.oid = r.prpubid and u.pubdelete
    union all
    select x.oid
    from pg_catalog.pg_depend as d
    join pg_catalog.pg_depend as s on s.classid = d.classid and s.objid = d.objid
    join pg_catalog.pg_publication as u on u.oid = d.refobjid and u.pubdelete
    join pg_catalog.pg_class as x on x.relnamespace = s.refobjid and x.relkind in ('r', 'p')
    where d.classid = pg_catalog.to_regclass('pg_catalog.pg_publication_namespace')
        and d.refclassid = 'pg_catalog.pg_publication'::pg_catalog.regclass
        and s.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
)
select
    p.partrelid::int8                                               as oid,
    p.partstrat                                                     as strategy,
    p.partnatts::int8                                               as key_columns,
    -- The first column of the key; absent where it is an expression.
    a.attname                                                       as first_column,
    coalesce(b.typname, t.typname)                                  as first_type,
    nullif(p.partdefid, 0)::int8                                    as default_partition,
    -- Why rows of the default partition cannot be moved by DELETE and INSERT.
    case
        when f.relkind = 'p' then 'partitioned'
        when exists (
            select
            from pg_catalog.pg_partition_ancestors(f.oid) as o (relid)
            where o.relid in (select r.oid from referred as r)
        ) then 'referred_to'
        when f.oid in (select t.oid from triggered as t) then 'triggers'
        when not (
            f.relreplident in ('f', 'i')
            or f.relreplident = 'd'
            and exists (select from pg_catalog.pg_index as i where i.indrelid = f.oid and i.indisprimary)
        ) and (
            exists (select from pg_catalog.pg_publication as u where u.puballtables and u.pubdelete)
            or exists (
                select
                from pg_catalog.pg_partition_ancestors(f.oid) as o (relid)
                where o.relid in (select u.oid from published as u)
            )
        ) then 'no_replica_identity'
    end                                                             as default_stays,
    -- The share of its rows without a key, as last analyzed: no other partition of ranges takes them.
    case
        when a.attnotnull then 0.0
        else (
            select s.null_frac::float8
            from pg_catalog.pg_stats as s
            join pg_catalog.pg_namespace as m on m.nspname = s.schemaname
            where m.oid = f.relnamespace and s.tablename = f.relname and s.attname = a.attname
            limit 1
        )
    end                                                             as default_null_share,
    -- Whether statistics of its key are not shown to our role, however often it is analyzed.
    coalesce(
        not a.attnotnull
        and (
            not pg_catalog.has_column_privilege(f.oid, d.attnum, 'select')
            or pg_catalog.row_security_active(f.oid)
        ),
        false
    )                                                               as default_nulls_hidden
from pg_catalog.pg_partitioned_table as p
join pg_catalog.pg_class as c on c.oid = p.partrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_attribute as a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0] and a.attnum > 0
left join pg_catalog.pg_type as t on t.oid = a.atttypid
left join pg_catalog.pg_type as b on b.oid = nullif(t.typbasetype, 0)
left join pg_catalog.pg_class as f on f.oid = nullif(p.partdefid, 0)
left join pg_catalog.pg_attribute as d on d.attrelid = f.oid and d.attname = a.attname and d.attnum > 0
where c.relpersistence <> 't' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
order by p.partrelid
limit 5000
