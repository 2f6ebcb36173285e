-- Columns, options and counters of the relations in $1. Still nothing opens a relation.
-- Counters are since the last reset. A TOAST index fetches a tuple only when a chunk is read back,
-- while its scans also count inserts.
--
-- ANALYZE of a table reads the rows of those that inherit from it, partitions included, and is not counted as theirs.
with recursive above (oid, ancestor) as (
    select c.oid, c.oid
    from pg_catalog.pg_class as c
    where c.oid = any ($1::int8[]::oid[])
    union
    select d.oid, i.inhparent
    from above as d
    join pg_catalog.pg_inherits as i on i.inhrelid = d.ancestor
),
-- Once for each ancestor, which many partitions share.
ancestors as materialized (
    select
        d.ancestor,
        pg_catalog.pg_stat_get_analyze_count(d.ancestor)
            + pg_catalog.pg_stat_get_autoanalyze_count(d.ancestor)  as analyzes,
        (
            select max(a.attstattarget)
            from pg_catalog.pg_attribute as a
            where a.attrelid = d.ancestor and a.attnum > 0 and not a.attisdropped
        )                                                           as statistics_target,
        (
            select count(*)
            from pg_catalog.pg_statistic_ext as s
            where s.stxrelid = d.ancestor and s.stxexprs is not null
        )                                                           as extended
    from (select distinct d.ancestor from above as d) as d
),
kept as (
    select
        d.oid,
        sum(a.analyzes)                                             as analyzes,
        -- 300 rows for each step of the target that goes farthest.
        300 * greatest(
            pg_catalog.current_setting('default_statistics_target')::int8,
            max(a.statistics_target)
        )                                                           as analyze_rows_max,
        sum(a.extended)                                             as extended
    from above as d
    join ancestors as a on a.ancestor = d.ancestor
    group by d.oid
)
select
    c.oid::int8                                                     as oid,
    a.columns,
    a.fixed_bytes,
    p.padding_bytes::int8                                           as padding_bytes,
    coalesce(c.reloptions, '{}')                                    as options,
    coalesce(t.reloptions, '{}')                                    as toast_options,
    exists (
        select
        from pg_catalog.pg_trigger as g
        where g.tgrelid = c.oid and not g.tgisinternal and g.tgenabled <> 'D' and g.tgtype & 16 <> 0
    )                                                               as update_triggers,
    null::text                                                      as updates_refused,
    pg_catalog.row_security_active(c.oid)                           as row_security,
    pg_catalog.has_table_privilege(c.oid, 'select')                 as readable_whole,
    c.relhassubclass                                                as has_children,
    null::int8                                                      as heap_bytes,
    null::int8                                                      as toast_bytes,
    pg_catalog.pg_stat_get_tuples_returned(c.oid) + pg_catalog.pg_stat_get_tuples_fetched(c.oid)
        + coalesce(x.fetched, 0)                                    as rows_read,
    pg_catalog.pg_stat_get_tuples_inserted(c.oid)                   as rows_inserted,
    pg_catalog.pg_stat_get_tuples_updated(c.oid)                    as rows_updated,
    pg_catalog.pg_stat_get_tuples_deleted(c.oid)                    as rows_deleted,
    pg_catalog.pg_stat_get_live_tuples(c.oid)                       as rows_live,
    n.analyzes::int8                                                as analyzes,
    n.analyze_rows_max::int8                                        as analyze_rows_max,
    (coalesce(x.value_readers, 0) + n.extended)::int8               as value_readers,
    c.relreplident = 'f' and c.relpersistence = 'p'
        and pg_catalog.current_setting('wal_level') = 'logical'     as logs_old_values,
    coalesce(pg_catalog.pg_stat_get_live_tuples(t.oid), 0)          as chunks_live,
    nullif(t.reltuples, -1)::int8                                   as chunks_counted,
    coalesce(pg_catalog.pg_stat_get_dead_tuples(t.oid), 0)          as chunks_dead,
    coalesce(pg_catalog.pg_stat_get_tuples_inserted(t.oid), 0)      as chunks_inserted,
    coalesce(pg_catalog.pg_stat_get_tuples_deleted(t.oid), 0)       as chunks_deleted,
    coalesce(y.fetched, 0)                                          as chunks_read,
    coalesce(pg_catalog.pg_stat_get_blocks_hit(t.oid), 0) + coalesce(y.blocks_hit, 0)
                                                                    as toast_blocks_hit,
    coalesce(
        pg_catalog.pg_stat_get_blocks_fetched(t.oid) - pg_catalog.pg_stat_get_blocks_hit(t.oid), 0
    ) + coalesce(y.blocks_fetched - y.blocks_hit, 0)                as toast_blocks_read
from pg_catalog.pg_class as c
left join pg_catalog.pg_class as t on t.oid = c.reltoastrelid
cross join lateral (
    select
        coalesce(
            pg_catalog.json_agg(
                pg_catalog.json_build_object(
                    'name', a.attname,
                    'type_name', coalesce(b.typname, k.typname),
                    'is_array', k.typcategory = 'A',
                    -- Vectors of a number of dimensions that is set, if only by a domain.
                    'equally_wide', coalesce(b.typname, k.typname) in ('vector', 'halfvec')
                        and greatest(a.atttypmod, k.typtypmod) > 0,
                    -- Arrays, ranges and texts for search: ANALYZE looks into every value, however wide.
                    'analyzed_whole', k.typanalyze::oid <> 0,
                    'storage', a.attstorage,
                    'type_storage', k.typstorage,
                    'compression', nullif(a.attcompression, ''),
                    'generated', a.attgenerated = 's',
                    -- A column to touch so that the server computes the value again. An identity column that
                    -- is always generated takes no value, not even its own.
                    'generated_from', case when a.attgenerated = 's' then (
                        select b.attname
                        from pg_catalog.pg_depend as d
                        join pg_catalog.pg_attribute as b
                            on b.attrelid = d.refobjid and b.attnum = d.refobjsubid
                        where d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                            and d.refobjid = c.oid
                            and b.attnum > 0 and b.attnum <> a.attnum
                            and b.attgenerated = '' and b.attidentity <> 'a'
                            and (
                                -- Until PostgreSQL 14 the column depends on the others, then its expression.
                                d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                    and d.objid = c.oid and d.objsubid = a.attnum
                                or d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
                                    and d.objid = (
                                        select e.oid
                                        from pg_catalog.pg_attrdef as e
                                        where e.adrelid = c.oid and e.adnum = a.attnum
                                    )
                            )
                        order by b.attlen < 0, b.attnum
                        limit 1
                    ) end,
                    -- B-trees that hold it as it is, and conditions that an update of its row checks again.
                    'written_readers', case when c.relhasindex then (
                        select count(*)
                        from pg_catalog.pg_index as i
                        join pg_catalog.pg_class as o on o.oid = i.indexrelid
                        join pg_catalog.pg_am as m on m.oid = o.relam
                        where i.indrelid = c.oid
                            and m.amname = 'btree'
                            and i.indexprs is null
                            and i.indpred is null
                            and a.attnum = any (i.indkey)
                    ) else 0 end + case when c.relchecks > 0 then (
                        select count(*)
                        from pg_catalog.pg_constraint as o
                        where o.conrelid = c.oid and o.contype = 'c' and a.attnum = any (o.conkey)
                    ) else 0 end,
                    -- How the indexes that hold it store it. SET STORAGE reaches them, whatever they keep of it.
                    'index_storages', case when c.relhasindex then (
                        select coalesce(pg_catalog.array_to_json(pg_catalog.array_agg(distinct o.attstorage)), '[]')
                        from pg_catalog.pg_index as i
                        cross join lateral unnest(i.indkey::int2[]) with ordinality as h (attnum, position)
                        join pg_catalog.pg_attribute as o
                            on o.attrelid = i.indexrelid and o.attnum = h.position
                        where i.indrelid = c.oid and h.attnum = a.attnum
                    ) else '[]' end,
                    'readable', pg_catalog.has_column_privilege(c.oid, a.attnum, 'select')
                        and pg_catalog.has_schema_privilege(c.relnamespace, 'usage')
                )
                order by a.attnum
            ) filter (where a.attlen = -1),
            '[]'
        )                                                           as columns,
        coalesce(sum(a.attlen) filter (where a.attlen > 0), 0)      as fixed_bytes
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_type as k on k.oid = a.atttypid
    left join pg_catalog.pg_type as b on b.oid = nullif(k.typbasetype, 0)
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated <> 'v'
) as a
-- What may stand between the columns of a row and in its header, beside what they take themselves: a column starts at
-- a multiple of its alignment, and the one before ends at a multiple of what its length and alignment have in common.
cross join lateral (
    select
        coalesce(sum(greatest(f.aligned - f.before, 0)), 0)
            -- The bitmap of NULLs counts dropped columns, too, and the header is rounded up to 8 bytes.
            + coalesce(
                (select (max(a.attnum) + 7) / 8 + 7 from pg_catalog.pg_attribute as a where a.attrelid = c.oid), 0
            )
                                                                    as padding_bytes
    from (
        select
            l.aligned,
            coalesce(
                pg_catalog.lag(least(l.aligned, case when a.attlen < 0 then 1 else a.attlen & -a.attlen end))
                    over (order by a.attnum),
                8
            )                                                       as before
        from pg_catalog.pg_attribute as a
        cross join lateral (
            select case a.attalign when 'd' then 8 when 'i' then 4 when 's' then 2 else 1 end as aligned
        ) as l
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated <> 'v'
    ) as f
) as p
join kept as n on n.oid = c.oid
left join lateral (
    select
        sum(pg_catalog.pg_stat_get_tuples_fetched(i.indexrelid))::int8 as fetched,
        -- Indexes that read whole values to be built and kept: those on expressions or under a condition,
        -- and those that take values apart or hash them.
        count(*) filter (
            where i.indexprs is not null
                or i.indpred is not null
                or m.amname not in ('btree', 'hash')
                or m.amname = 'hash' and exists (
                    select
                    from pg_catalog.pg_attribute as a
                    where a.attrelid = c.oid and a.attnum = any (i.indkey) and a.attlen = -1
                )
        )                                                           as value_readers
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as k on k.oid = i.indexrelid
    join pg_catalog.pg_am as m on m.oid = k.relam
    where i.indrelid = c.oid
) as x on true
left join lateral (
    select
        sum(pg_catalog.pg_stat_get_tuples_fetched(i.indexrelid))::int8 as fetched,
        sum(pg_catalog.pg_stat_get_blocks_hit(i.indexrelid))::int8  as blocks_hit,
        sum(pg_catalog.pg_stat_get_blocks_fetched(i.indexrelid))::int8 as blocks_fetched
    from pg_catalog.pg_index as i
    where i.indrelid = t.oid
) as y on true
-- The relations in $1 and no others: a condition on them here would be looked up in the whole array for each of them, which takes
-- 25 s for 10,000 partitions.
order by c.oid
