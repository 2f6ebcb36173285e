-- Columns in the order they are stored in, unique keys and indexes on documents, of the relations in $1. Those that another
-- session has locked, or waits to lock, are left out: to write an expression as SQL the server locks its table, and one wait
-- that takes too long would lose all.
with locked as materialized (
    select l.relation
    from pg_catalog.pg_locks as l
    join pg_catalog.pg_database as d on d.oid = l.database
    where d.datname = pg_catalog.current_database()
        and l.locktype = 'relation'
        and l.mode = 'AccessExclusiveLock'
),
-- Before anything is written as SQL.
chosen as materialized (
    select c.*
    from pg_catalog.pg_class as c
    where c.oid = any ($1::int8[]::oid[])
        and not exists (select from locked as l where l.relation = c.oid)
)
select
    c.oid::int8                                                     as oid,
    c.relpersistence = 'u'                                          as unlogged,
    not c.relispartition and exists (
        select
        from pg_catalog.pg_inherits as i
        where i.inhrelid = c.oid or i.inhparent = c.oid and c.relkind = 'r'
    )                                                               as inheritance,
    c.reloftype <> 0 or exists (
        -- A column depends on its type: that is indexed, the types of columns are not.
        select
        from pg_catalog.pg_type as k
        join pg_catalog.pg_depend as d on d.refobjid in (k.oid, k.typarray)
        where k.oid = c.reltype
            and d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
            and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    )                                                               as row_type_used,
    exists (
        select
        from pg_catalog.pg_publication as p
        where (p.pubupdate or p.pubdelete) and (
            p.puballtables and c.relpersistence = 'p'
            or exists (
                select
                from pg_catalog.pg_publication_rel as r
                where r.prpubid = p.oid and r.prrelid = c.oid
            )
            -- Its whole schema, from PostgreSQL 15 on: the catalog of these is not there before, what depends on what is.
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
        )
    )                                                               as published,
    null::text                                                      as updates_refused,
    c.relreplident                                                  as replica_identity,
    pg_catalog.row_security_active(c.oid)                           as row_security,
    (
        select count(*)
        from pg_catalog.pg_attribute as a
        where a.attrelid = c.oid and a.attnum > 0 and a.attisdropped
    )                                                               as dropped_columns,
    (
        select o.option_value::int8
        from pg_catalog.pg_options_to_table(c.reloptions) as o
        where o.option_name = 'toast_tuple_target'
    )                                                               as toast_tuple_target,
    a.columns,
    u.keys,
    x.document_indexes,
    t.names_taken,
    null::int8                                                      as heap_bytes,
    null::int8                                                      as toast_bytes
from chosen as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
cross join lateral (
    select coalesce(
        pg_catalog.json_agg(
            pg_catalog.json_build_object(
                'name', a.attname,
                'type_name', coalesce(b.typname, k.typname),
                'type_sql', pg_catalog.format_type(a.atttypid, a.atttypmod),
                'built_in', coalesce(b.typnamespace, k.typnamespace)
                    = 'pg_catalog'::pg_catalog.regnamespace,
                'length', a.attlen,
                'alignment', a.attalign,
                'storage', a.attstorage,
                'compression', nullif(a.attcompression, ''),
                'not_null', a.attnotnull,
                'default', pg_catalog.pg_get_expr(d.adbin, d.adrelid),
                'generated', nullif(a.attgenerated, ''),
                'identity', a.attidentity <> '',
                'inherited', a.attinhcount > 0,
                'readable', pg_catalog.has_column_privilege(c.oid, a.attnum, 'select')
                    and pg_catalog.has_schema_privilege(c.relnamespace, 'usage'),
                'null_share', s.null_frac,
                'width', s.avg_width,
                'distinct', s.n_distinct,
                'looks_json', w.looks_json,
                'pins', p.pins,
                'uneven', c.relkind = 'p' and (coalesce(b.typname, k.typname) = 'json' or w.text) and exists (
                    -- Defaults are compared as they are stored, but for where in a statement they stood.
                    with recursive parts as (
                        select i.inhrelid from pg_catalog.pg_inherits as i where i.inhparent = c.oid
                        union all
                        select i.inhrelid
                        from parts as t
                        join pg_catalog.pg_inherits as i on i.inhparent = t.inhrelid
                    )
                    select
                    from parts as t
                    join pg_catalog.pg_attribute as o on o.attrelid = t.inhrelid and o.attname = a.attname
                    left join pg_catalog.pg_attrdef as e on e.adrelid = o.attrelid and e.adnum = o.attnum
                    where o.attstorage <> a.attstorage
                        or o.attcompression <> a.attcompression
                        or pg_catalog.regexp_replace(e.adbin::pg_catalog.text, ':location -?\d+', '', 'g')
                            is distinct from
                            pg_catalog.regexp_replace(d.adbin::pg_catalog.text, ':location -?\d+', '', 'g')
                )
            )
            order by a.attnum
        ),
        '[]'
    ) as columns
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_type as k on k.oid = a.atttypid
    left join pg_catalog.pg_type as b on b.oid = nullif(k.typbasetype, 0)
    left join pg_catalog.pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
    left join (
        -- Apart, so that the statistics of a table are found by its name once. A partitioned table has those of all partitions
        -- alone, and only once it was analyzed itself.
        select t.attname, t.null_frac, t.avg_width, t.n_distinct, t.most_common_vals, t.histogram_bounds
        from pg_catalog.pg_stats as t
        where t.schemaname = n.nspname and t.tablename = c.relname and t.inherited = (c.relkind = 'p')
    ) as s on s.attname = a.attname
    cross join lateral (
        select coalesce(b.typname, k.typname) in ('text', 'varchar') as text
    ) as v
    cross join lateral (
        select
            v.text,
            -- Values over a kilobyte are not in the statistics: only a sample shows what they are.
            case when v.text
                then coalesce(
                    (s.most_common_vals::pg_catalog.text::pg_catalog.text[])[1] ~ '^\s*[[{]',
                    (s.histogram_bounds::pg_catalog.text::pg_catalog.text[])[1] ~ '^\s*[[{]',
                    s.avg_width > 200,
                    false
                )
                else false
            end as looks_json
    ) as w
    cross join lateral (
        -- What ALTER COLUMN TYPE refuses to look behind, or would have to read again.
        select coalesce(pg_catalog.json_agg(distinct x.pin), '[]') as pins
        from (
            select case
                when e.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass then 'a view or rule'
                when e.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass then 'a policy'
                when e.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass then 'a trigger'
                when e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass then 'a function'
                when e.classid = 'pg_catalog.pg_publication_rel'::pg_catalog.regclass then 'a publication'
                when e.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass then 'extended statistics'
                when e.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and exists (
                    -- From 18 on, NOT NULL is one, and no hindrance.
                    select from pg_catalog.pg_constraint as o where o.oid = e.objid and o.contype <> 'n'
                ) then 'a constraint'
                when e.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and not exists (
                    select from pg_catalog.pg_attrdef as f where f.oid = e.objid and f.adnum = a.attnum
                ) then 'a generated column'
                when e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.objid = c.oid
                    then 'a generated column'
                when e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    and exists (select from pg_catalog.pg_index as i where i.indexrelid = e.objid)
                    then 'an index'
            end as pin
            from pg_catalog.pg_depend as e
            where e.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                and e.refobjid = c.oid and e.refobjsubid = a.attnum
                and (coalesce(b.typname, k.typname) in ('json', 'jsonb') or w.looks_json or v.text and c.relkind = 'p')
        ) as x
        where x.pin is not null
    ) as p
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
) as a
cross join lateral (
    select coalesce(
        pg_catalog.json_agg(
            pg_catalog.json_build_object(
                'index', x.relname,
                'columns', k.columns,
                'nullable', k.nullable,
                'is_constraint', exists (
                    select from pg_catalog.pg_constraint as o where o.conindid = i.indexrelid and o.contype = 'u'
                ),
                'adoptable', i.indisvalid and i.indisready and i.indimmediate and i.indpred is null
                    and i.indexprs is null and x.reltablespace = 0 and m.amname = 'btree'
                    and i.indnatts = i.indnkeyatts and k.plain
                    and not i.indisreplident and not i.indisclustered
                    -- From PostgreSQL 15 on NULLs may count as equal, and no such index becomes a primary key.
                    and pg_catalog.to_json(i) ->> 'indnullsnotdistinct' is distinct from 'true'
                    -- The undo would have to drop it, and make it again, from under the keys that rest on it.
                    and not exists (
                        select from pg_catalog.pg_constraint as o where o.conindid = i.indexrelid and o.contype = 'f'
                    ),
                'identifies', i.indisvalid and i.indpred is null and i.indexprs is null,
                'definition', pg_catalog.pg_get_indexdef(i.indexrelid),
                'comment', pg_catalog.obj_description(i.indexrelid, 'pg_class')
            )
            order by i.indnkeyatts, x.relname
        ),
        '[]'
    ) as keys
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as x on x.oid = i.indexrelid
    join pg_catalog.pg_am as m on m.oid = x.relam
    cross join lateral (
        select
            coalesce(pg_catalog.json_agg(a.attname order by p.place), '[]') as columns,
            coalesce(
                pg_catalog.json_agg(a.attname order by p.place) filter (where not a.attnotnull), '[]'
            ) as nullable,
            -- The default operator class, order and collation of each.
            coalesce(
                bool_and(
                    i.indoption[p.place - 1] = 0
                    and o.opcdefault
                    and i.indcollation[p.place - 1] = a.attcollation
                ),
                false
            ) as plain
        from pg_catalog.generate_series(1, i.indnkeyatts) as p (place)
        join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = i.indkey[p.place - 1]
        join pg_catalog.pg_opclass as o on o.oid = i.indclass[p.place - 1]
    ) as k
    where i.indrelid = c.oid and i.indisunique and not i.indisprimary
) as u
cross join lateral (
    select coalesce(
        pg_catalog.json_agg(
            pg_catalog.json_build_object(
                'index', n.relname,
                'keys', k.keys,
                'method', m.amname,
                'predicate', pg_catalog.pg_get_expr(i.indpred, i.indrelid, true)
            )
            order by n.relname
        ),
        '[]'
    ) as document_indexes
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as n on n.oid = i.indexrelid
    join pg_catalog.pg_am as m on m.oid = n.relam
    cross join lateral (
        select
            pg_catalog.json_agg(
                pg_catalog.json_build_object(
                    'on', coalesce(
                        pg_catalog.quote_ident(a.attname),
                        pg_catalog.pg_get_indexdef(i.indexrelid, p.place, true)
                    -- Text that is sorted otherwise is another text to the planner.
                    ) || coalesce(
                        ' COLLATE ' || pg_catalog.quote_ident(nullif(l.collname, 'default'))
                            , ''
                    ),
                    'class', o.opcname,
                    'default_class', o.opcdefault,
                    'bytewise', coalesce(
                        case
                            when l.collname = 'default' then d.datcollate in ('C', 'POSIX')
                            else l.collname in ('C', 'POSIX')
                        end,
                        false
                    ),
                    'descending', i.indoption[p.place - 1]::int4 & 1 = 1,
                    'nulls_first', i.indoption[p.place - 1]::int4 & 2 = 2
                )
                order by p.place
            ) as keys,
            bool_or(i.indkey[p.place - 1] = 0 or a.atttypid = 'pg_catalog.jsonb'::pg_catalog.regtype) as documents
        from pg_catalog.generate_series(1, i.indnkeyatts::int4) as p (place)
        join pg_catalog.pg_opclass as o on o.oid = i.indclass[p.place - 1]
        join pg_catalog.pg_database as d on d.datname = pg_catalog.current_database()
        left join pg_catalog.pg_collation as l on l.oid = i.indcollation[p.place - 1]
        left join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = i.indkey[p.place - 1]
    ) as k
    where i.indrelid = c.oid and i.indisvalid and k.documents
) as x
cross join lateral (
    -- What may be made beside a table is called after it, and nothing else is listed. Names are found by their range, and
    -- those of partitions and of their indexes left out: they may be very many.
    select coalesce(pg_catalog.json_agg(o.name order by o.name), '[]') as names_taken
    from (
        select r.relname as name
        from pg_catalog.pg_class as r
        where r.relname > (c.relname || '_')::pg_catalog.name and r.relname < (c.relname || '`')::pg_catalog.name
            and r.relnamespace = c.relnamespace and not r.relispartition
        union
        select f.proname
        from pg_catalog.pg_proc as f
        where f.proname > (c.relname || '_')::pg_catalog.name and f.proname < (c.relname || '`')::pg_catalog.name
            and f.pronamespace = c.relnamespace
    ) as o
    where o.name ~ '_(idx|keys|long|shorten|lengthen|from_document|(gin|path|hnsw|ivfflat)(_\d+)?)$'
        or o.name ~ '_pkey\d?$' and pg_catalog.length(o.name::pg_catalog.text) <= pg_catalog.length(c.relname::pg_catalog.text) + 6
) as t
order by c.oid
