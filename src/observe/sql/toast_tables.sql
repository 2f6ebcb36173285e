-- Columns, options and counters of the relations in $1. Still nothing opens a relation.
-- Counters are since the last reset. A TOAST index fetches a tuple only when a chunk is read back,
-- while its scans also count inserts.
select
    c.oid::int8                                                     as oid,
    a.columns,
    a.fixed_bytes,
    coalesce(c.reloptions, '{}')                                    as options,
    coalesce(t.reloptions, '{}')                                    as toast_options,
    exists (
        select
        from pg_catalog.pg_trigger as g
        where g.tgrelid = c.oid and not g.tgisinternal and g.tgenabled <> 'D' and g.tgtype & 16 <> 0
    )                                                               as update_triggers,
    pg_catalog.row_security_active(c.oid)                           as row_security,
    c.relhassubclass                                                as has_children,
    null::int8                                                      as heap_bytes,
    null::int8                                                      as toast_bytes,
    pg_catalog.pg_stat_get_tuples_returned(c.oid) + pg_catalog.pg_stat_get_tuples_fetched(c.oid)
        + coalesce(x.fetched, 0)                                    as rows_read,
    pg_catalog.pg_stat_get_tuples_inserted(c.oid)                   as rows_inserted,
    pg_catalog.pg_stat_get_tuples_updated(c.oid)                    as rows_updated,
    pg_catalog.pg_stat_get_tuples_deleted(c.oid)                    as rows_deleted,
    pg_catalog.pg_stat_get_live_tuples(c.oid)                       as rows_live,
    coalesce(pg_catalog.pg_stat_get_live_tuples(t.oid), 0)          as chunks_live,
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
                    'storage', a.attstorage,
                    'type_storage', k.typstorage,
                    'compression', nullif(a.attcompression, ''),
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
left join lateral (
    select sum(pg_catalog.pg_stat_get_tuples_fetched(i.indexrelid)) as fetched
    from pg_catalog.pg_index as i
    where i.indrelid = c.oid
) as x on true
left join lateral (
    select
        sum(pg_catalog.pg_stat_get_tuples_fetched(i.indexrelid))    as fetched,
        sum(pg_catalog.pg_stat_get_blocks_hit(i.indexrelid))        as blocks_hit,
        sum(pg_catalog.pg_stat_get_blocks_fetched(i.indexrelid))    as blocks_fetched
    from pg_catalog.pg_index as i
    where i.indrelid = t.oid
) as y on true
where c.oid = any ($1::int8[]::oid[])
order by c.oid
