-- Columns of pgvector's types, of domains over them, and of bit strings where pgvector can index them. No row where the database
-- does not have it.
with recursive domains as (
    select t.oid, t.typbasetype as base
    from pg_catalog.pg_type as t
    where t.typtype = 'd'
    union all
    select d.oid, t.typbasetype
    from domains as d
    join pg_catalog.pg_type as t on t.oid = d.base
    where t.typtype = 'd'
)
select
    a.attrelid::int8                                                as table_oid,
    a.attnum::int8                                                  as number,
    a.attname                                                       as name,
    t.typname                                                       as kind,
    -- pgvector does not see those that a domain states: it builds an index on a cast alone.
    case when d.oid is null then nullif(a.atttypmod, -1) end::int8  as dimensions,
    pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'select')
        and pg_catalog.has_schema_privilege(n.oid, 'usage')         as readable
from pg_catalog.pg_attribute as a
left join domains as d
    on d.oid = a.atttypid and not exists (select from domains as o where o.oid = d.base)
join pg_catalog.pg_type as t on t.oid = coalesce(d.base, a.atttypid)
join pg_catalog.pg_class as c on c.oid = a.attrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'm', 'p')
    and c.relpersistence <> 't'
    and a.attnum > 0
    and not a.attisdropped
    and n.nspname <> 'information_schema'
    and n.nspname !~ '^pg_'
    and t.oid in (
        select m.objid
        from pg_catalog.pg_extension as e
        join pg_catalog.pg_depend as m
            on m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.refobjid = e.oid
        join pg_catalog.pg_type as y on y.oid = m.objid
        where e.extname = 'vector'
            and m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
            and m.deptype = 'e'
            and y.typname in ('vector', 'halfvec', 'sparsevec')
            -- The owner of an extension may add types to it, base types only a superuser.
            and y.typtype = 'b'
        union all
        select b.oid
        from pg_catalog.pg_type as b
        where b.oid in ('pg_catalog.bit'::pg_catalog.regtype, 'pg_catalog.varbit'::pg_catalog.regtype)
            and exists (select from pg_catalog.pg_extension as e where e.extname = 'vector')
    )
order by a.attrelid, a.attnum
