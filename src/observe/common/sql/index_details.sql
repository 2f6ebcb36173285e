-- What the chosen indexes are on, and what a new one would have to repeat. Nothing here opens an index. One with an expression or a
-- predicate is left out where another session has locked its table, or waits to: the server locks tables to write expressions as SQL.
with locked as materialized (
    select l.relation
    from pg_catalog.pg_locks as l
    join pg_catalog.pg_database as d on d.oid = l.database
    where d.datname = pg_catalog.current_database()
        and l.locktype = 'relation'
        and l.mode = 'AccessExclusiveLock'
)
select
    i.indexrelid::int8                                              as oid,
    pg_catalog.pg_get_indexdef(i.indexrelid)                        as definition,
    (
        select pg_catalog.json_agg(
            pg_catalog.json_build_object(
                'sql', pg_catalog.pg_get_indexdef(i.indexrelid, k.attnum::int4, true),
                'column', a.attname,
                'type_name', coalesce(
                    pg_catalog.format_type(a.atttypid, a.atttypmod),
                    pg_catalog.format_type(k.atttypid, k.atttypmod)
                ),
                'statistics_target', nullif(k.attstattarget, -1),
                -- Parameters of the operator class. Some minor releases keep a counter among them.
                'options', array(
                    select o.setting
                    from pg_catalog.unnest(k.attoptions) as o (setting)
                    where o.setting not like 'pg\_attver=%'
                    order by 1
                )
            )
            order by k.attnum
        )
        from pg_catalog.pg_attribute as k
        left join pg_catalog.pg_attribute as a
            on a.attrelid = i.indrelid and a.attnum = i.indkey[k.attnum - 1] and a.attnum <> 0
        where k.attrelid = i.indexrelid and k.attnum > 0
    )                                                               as parts,
    pg_catalog.pg_get_expr(i.indpred, i.indrelid)                   as predicate,
    pg_catalog.obj_description(i.indexrelid, 'pg_class')            as comment,
    o.conname                                                       as constraint_name,
    o.contype                                                       as constraint_type,
    exists (
        select
        from pg_catalog.pg_constraint as f
        where f.conindid = i.indexrelid and f.contype = 'f'
    )                                                               as serves_foreign_key,
    -- Whether its first columns are those of a foreign key of its table: rows that refer to one that is deleted are found by it.
    exists (
        select
        from pg_catalog.pg_constraint as f
        where f.conrelid = i.indrelid
            and f.contype = 'f'
            and array(select pg_catalog.unnest(f.conkey) order by 1) = array(
                select k.number
                from pg_catalog.unnest(i.indkey::int2[]) with ordinality as k (number, place)
                where k.place <= pg_catalog.cardinality(f.conkey)
                order by 1
            )
    )                                                               as finds_referring_rows,
    -- Extensions and other objects that need the index.
    exists (
        select
        from pg_catalog.pg_depend as d
        where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objid = i.indexrelid
            and d.deptype = 'e'
    )                                                               as belongs_to_extension,
    -- Extensions that take it with them when they are dropped: ALTER INDEX … DEPENDS ON EXTENSION.
    array(
        select e.extname::text
        from pg_catalog.pg_depend as d
        join pg_catalog.pg_extension as e on e.oid = d.refobjid
        where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objid = i.indexrelid
            and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
            and d.deptype = 'x'
        order by e.extname
    )                                                               as depends_on_extensions,
    -- The database's own as well where a session may have another default; a partitioned index takes no such name.
    coalesce(
        s.spcname,
        case when c.relkind = 'i' and (
            pg_catalog.current_setting('default_tablespace') <> ''
            or exists (
                select
                from pg_catalog.pg_db_role_setting as r
                cross join lateral pg_catalog.unnest(r.setconfig) as e (setting)
                where e.setting like 'default_tablespace=_%'
            )
        ) then (
            select t.spcname
            from pg_catalog.pg_database as d
            join pg_catalog.pg_tablespace as t on t.oid = d.dattablespace
            where d.datname = pg_catalog.current_database()
        ) end
    )                                                               as tablespace
from pg_catalog.pg_index as i
join pg_catalog.pg_class as c on c.oid = i.indexrelid
left join pg_catalog.pg_tablespace as s on s.oid = c.reltablespace
left join pg_catalog.pg_constraint as o on o.conindid = i.indexrelid and o.contype in ('p', 'u', 'x')
where i.indexrelid = any ($1::int8[]::oid[])
    and (
        (i.indpred is null and i.indexprs is null)
        or not exists (select from locked as l where l.relation = i.indrelid)
    )
order by i.indexrelid
