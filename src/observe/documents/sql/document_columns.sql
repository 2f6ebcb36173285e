-- The JSON columns of the tables called $2, in the schema $1 if that is given, one row for each column and leaf.
-- A table without any comes once, with no column; one that is not there does not come.
with recursive tree as (
    select
        c.oid                                               as root,
        c.oid                                               as leaf
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relname = $2::text
        and ($1::text is null or n.nspname = $1::text)
        and c.relkind in ('r', 'p', 'm')
        and c.relpersistence <> 't'
        and n.nspname <> 'information_schema'
        and n.nspname !~ '^pg_'
    union all
    select
        t.root,
        i.inhrelid
    from tree as t
    join pg_catalog.pg_inherits as i on i.inhparent = t.leaf
    join pg_catalog.pg_class as c on c.oid = i.inhrelid and c.relispartition
)
select
    rn.nspname                                              as schema,
    r.relname                                               as table,
    c.oid::int8                                             as leaf_oid,
    n.nspname                                               as leaf_schema,
    c.relname                                               as leaf,
    -- As last counted, in proportion to how the file has grown since: rows that were loaded by the session that then
    -- counted them are counted twice by the counters.
    case
        when c.reltuples >= 0 and c.reltuples < 'infinity' and c.relpages > 0
        then c.reltuples * pg_catalog.pg_relation_size(c.oid)
            / pg_catalog.current_setting('block_size')::float8 / c.relpages
        else pg_catalog.pg_stat_get_live_tuples(c.oid)
    end::float8                                             as rows,
    case when c.relkind <> 'p' then coalesce(pg_catalog.pg_relation_size(c.oid), 0) else 0 end as heap_bytes,
    case
        when c.relkind <> 'p'
        then coalesce(pg_catalog.pg_relation_size(nullif(c.reltoastrelid, 0)), 0)
        else 0
    end                                                     as toast_bytes,
    c.relkind <> 'p'                                        as holds_rows,
    a.attname                                               as column,
    coalesce(b.typname, k.typname)                          as type_name,
    case
        when pg_catalog.row_security_active(c.oid) then 'row_security'
        when not pg_catalog.has_schema_privilege(c.relnamespace, 'usage') then 'privilege'
        when not pg_catalog.has_column_privilege(c.oid, a.attnum, 'select') then 'privilege'
    end                                                     as hidden_by,
    -- What the documents' keys are codes for, where they were given codes.
    (
        select d.oid::int8
        from pg_catalog.pg_class as d
        where d.relnamespace = r.relnamespace
            and d.relname = r.relname || '_' || a.attname || '_keys'
            and d.relkind = 'r'
            and 2 = (
                select count(*)
                from pg_catalog.pg_attribute as e
                where e.attrelid = d.oid
                    and e.attname in ('code', 'key')
                    and e.atttypid = 'pg_catalog.text'::pg_catalog.regtype
            )
    )                                                       as dictionary_oid
from tree as t
join pg_catalog.pg_class as r on r.oid = t.root
join pg_catalog.pg_namespace as rn on rn.oid = r.relnamespace
join pg_catalog.pg_class as c on c.oid = t.leaf
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join (
    pg_catalog.pg_attribute as a
    join pg_catalog.pg_type as k on k.oid = a.atttypid
    left join pg_catalog.pg_type as b on b.oid = nullif(k.typbasetype, 0)
) on a.attrelid = c.oid
    and a.attnum > 0
    and not a.attisdropped
    and coalesce(b.typname, k.typname) in ('json', 'jsonb')
    and coalesce(b.typnamespace, k.typnamespace) = 'pg_catalog'::pg_catalog.regnamespace
order by rn.nspname, n.nspname, c.relname, a.attnum
