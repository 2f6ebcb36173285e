-- The relations that have a column of JSON, views and indexes with them, and the tables that may have JSON in a column of
-- text: by the first values of its statistics, which hold none over a kilobyte.
with large as materialized (
    -- A table of a few pages is read whole in no time.
    select
        c.oid,
        n.nspname,
        c.relname
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm', 'p')
        and c.relpersistence <> 't'
        and n.nspname <> 'information_schema'
        and n.nspname !~ '^pg_'
        and (c.relpages >= 8 or c.reltoastrelid in (
            select o.oid from pg_catalog.pg_class as o where o.relkind = 't' and o.relpages >= 8
        ))
),
columns as (
    select
        a.attrelid                                                  as oid,
        true                                                        as json
    from pg_catalog.pg_attribute as a
    -- As a list: few columns are of these types, which a join makes the planner doubt.
    where a.atttypid = any (array(
            select t.oid
            from pg_catalog.pg_type as t
            where t.oid in ('pg_catalog.json'::pg_catalog.regtype, 'pg_catalog.jsonb'::pg_catalog.regtype)
                or t.typbasetype in ('pg_catalog.json'::pg_catalog.regtype, 'pg_catalog.jsonb'::pg_catalog.regtype)
        ))
        and a.attnum > 0
        and not a.attisdropped
    union all
    select
        l.oid,
        false
    from large as l
    where exists (
        select
        from pg_catalog.pg_attribute as a
        join pg_catalog.pg_stats as s on s.attname = a.attname
        where a.attrelid = l.oid
            and a.atttypid in ('pg_catalog.text'::pg_catalog.regtype, 'pg_catalog.varchar'::pg_catalog.regtype)
            and a.attnum > 0
            and not a.attisdropped
            and s.schemaname = l.nspname
            and s.tablename = l.relname
            and not s.inherited
            and coalesce(
                (s.most_common_vals::pg_catalog.text::pg_catalog.text[])[1] ~ '^\s*[[{]',
                (s.histogram_bounds::pg_catalog.text::pg_catalog.text[])[1] ~ '^\s*[[{]',
                s.avg_width > 200
            )
        -- Looked up table by table: without it the planner may join or hash the statistics of all tables.
        offset 0
    )
)
select
    c.oid::int8                                                     as oid,
    bool_or(c.json)                                                 as json
from columns as c
group by c.oid
