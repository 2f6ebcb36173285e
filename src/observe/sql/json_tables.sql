-- The tables that have a column of JSON, and those that may have JSON in a column of text: by the first values of its
-- statistics, which hold none over a kilobyte.
select
    a.attrelid::int8                                                as oid,
    bool_or(a.atttypid not in ('pg_catalog.text'::pg_catalog.regtype, 'pg_catalog.varchar'::pg_catalog.regtype)) as json
from pg_catalog.pg_attribute as a
join pg_catalog.pg_class as c on c.oid = a.attrelid
-- Few columns are of these types, so the type is tested before the table.
where a.atttypid = any (array(
        select t.oid
        from pg_catalog.pg_type as t
        where t.oid in (
                'pg_catalog.json'::pg_catalog.regtype, 'pg_catalog.jsonb'::pg_catalog.regtype,
                'pg_catalog.text'::pg_catalog.regtype, 'pg_catalog.varchar'::pg_catalog.regtype
            )
            or t.typbasetype in ('pg_catalog.json'::pg_catalog.regtype, 'pg_catalog.jsonb'::pg_catalog.regtype)
    ))
    and a.attnum > 0
    and not a.attisdropped
    and c.relkind in ('r', 'm', 'p')
    and c.relpersistence <> 't'
    and (a.atttypid not in ('pg_catalog.text'::pg_catalog.regtype, 'pg_catalog.varchar'::pg_catalog.regtype)
        -- A table of a few pages is read whole in no time.
        or (c.relpages >= 8 or c.reltoastrelid <> 0 and exists (
            select from pg_catalog.pg_class as o where o.oid = c.reltoastrelid and o.relpages >= 8
        ))
        and exists (
            select
            from pg_catalog.pg_namespace as n
            join pg_catalog.pg_stats as s
                on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname and not s.inherited
            where n.oid = c.relnamespace
                and n.nspname <> 'information_schema'
                and n.nspname !~ '^pg_'
                and coalesce(
                    (s.most_common_vals::pg_catalog.text::pg_catalog.text[])[1] ~ '^\s*[[{]',
                    (s.histogram_bounds::pg_catalog.text::pg_catalog.text[])[1] ~ '^\s*[[{]',
                    s.avg_width > 200
                )
        )
    )
group by a.attrelid
