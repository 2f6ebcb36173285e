-- What the catalog keeps that names keys of documents: indexes, statistics, generated columns and views of the tables
-- given, and functions in SQL that name one of them. Partitions have what their parent has. What is made of a table that
-- another session has locked, or waits to lock, is left out: the server locks tables to write expressions as SQL.
with locked as materialized (
    select l.relation
    from pg_catalog.pg_locks as l
    join pg_catalog.pg_database as d on d.oid = l.database
    where d.datname = pg_catalog.current_database()
        and l.locktype = 'relation'
        and l.mode = 'AccessExclusiveLock'
),
tables as (
    select
        c.oid,
        c.relname,
        n.nspname
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = any ($1) and not c.relispartition
        and not exists (select from locked as l where l.relation = c.oid)
),
-- Nothing is written as SQL before its table is known to be one of these.
definitions as materialized (
    select
        'statement'                                                 as kind,
        pg_catalog.pg_get_indexdef(i.indexrelid)                    as sql,
        null::name                                                  as schema,
        null::name                                                  as name,
        i.indexrelid                                                as oid
    from pg_catalog.pg_index as i
    join tables as t on t.oid = i.indrelid
    where i.indexprs is not null or i.indpred is not null
    union all
    select
        'statement',
        pg_catalog.pg_get_statisticsobjdef(x.oid),
        null,
        null,
        x.oid
    from pg_catalog.pg_statistic_ext as x
    join tables as t on t.oid = x.stxrelid
    where x.stxexprs is not null
    union all
    select
        'expression',
        pg_catalog.pg_get_expr(d.adbin, d.adrelid),
        t.nspname,
        t.relname,
        d.oid
    from pg_catalog.pg_attribute as a
    join tables as t on t.oid = a.attrelid
    join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attgenerated <> ''
    union all
    select
        'query',
        pg_catalog.pg_get_viewdef(r.ev_class),
        null,
        null,
        r.ev_class
    from (
        select distinct w.ev_class
        from pg_catalog.pg_depend as p
        join tables as t on t.oid = p.refobjid
        join pg_catalog.pg_rewrite as w on w.oid = p.objid
        join pg_catalog.pg_class as c on c.oid = w.ev_class
        where p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and p.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
            and c.relkind in ('v', 'm')
            and not exists (
                select
                from pg_catalog.pg_depend as e
                join locked as l on l.relation = e.refobjid
                where e.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                    and e.objid = w.oid
                    and e.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
            )
    ) as r
    union all
    select
        'query',
        p.prosrc,
        null,
        null,
        p.oid
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_language as l on l.oid = p.prolang
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where l.lanname = 'sql'
        and n.nspname <> 'information_schema'
        and n.nspname !~ '^pg_'
        and exists (select from tables as t where position(t.relname::text in p.prosrc) > 0)
)
select
    kind,
    sql,
    schema,
    name
from definitions
where sql <> '' and pg_catalog.octet_length(sql) <= 64 * 1024
order by oid
limit 1000
