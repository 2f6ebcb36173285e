-- Every index of the tables and materialized views of the database, from the raw catalogs: nothing here opens an index.
-- Indexes of TOAST tables and of temporary ones are in schemas of their own, which begin with `pg_`.
-- PostgreSQL 15: `NULLS NOT DISTINCT`.
-- Pages and tuples are as of the last vacuum, analyze or build.
select
    i.indexrelid::int8                                              as oid,
    i.indrelid::int8                                                as table_oid,
    n.nspname                                                       as schema,
    c.relname                                                       as name,
    a.amname                                                        as method,
    h.inhparent::int8                                               as parent,
    c.relkind = 'I'                                                 as partitioned,
    i.indisunique                                                   as is_unique,
    i.indnullsnotdistinct                                           as nulls_not_distinct,
    i.indisprimary                                                  as is_primary,
    i.indisexclusion                                                as is_exclusion,
    i.indisvalid                                                    as is_valid,
    i.indisready                                                    as is_ready,
    i.indimmediate                                                  as is_immediate,
    i.indisreplident                                                as is_replica_identity,
    i.indisclustered                                                as is_clustered,
    i.indnkeyatts::int8                                             as key_count,
    i.indkey::int2[]                                                as attributes,
    i.indclass::oid[]::int8[]                                       as classes,
    i.indcollation::oid[]::int8[]                                   as collations,
    i.indoption::int2[]                                             as ordering,
    i.indexprs is not null                                          as has_expressions,
    i.indpred is not null                                           as is_partial,
    coalesce(c.reloptions, '{}')                                    as options,
    c.relpages::int8                                                as pages,
    -- Parallel GIN builds of 18.0 to 18.4 could leave `Infinity` or `NaN` here.
    case when c.reltuples >= 0 and c.reltuples < 'infinity' then c.reltuples::float8 end as tuples,
    pg_catalog.pg_stat_get_numscans(c.oid)                          as scans,
    pg_catalog.pg_stat_get_tuples_returned(c.oid)                   as tuples_read,
    pg_catalog.pg_stat_get_tuples_fetched(c.oid)                    as tuples_fetched,
    null::timestamptz                                               as last_scan,
    null::timestamptz                                               as counting_since
from pg_catalog.pg_index as i
join pg_catalog.pg_class as c on c.oid = i.indexrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
join pg_catalog.pg_am as a on a.oid = c.relam
left join pg_catalog.pg_inherits as h on h.inhrelid = c.oid
-- As a list: of a pattern the planner believes that hardly a schema has it.
where c.relnamespace = any (array(
        select s.oid
        from pg_catalog.pg_namespace as s
        where s.nspname <> 'information_schema' and s.nspname !~ '^pg_'
    ))
    and not exists (
        select
        from pg_catalog.pg_depend as d
        where d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
            and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objid = i.indrelid
            and d.deptype = 'e'
    )
order by i.indexrelid
