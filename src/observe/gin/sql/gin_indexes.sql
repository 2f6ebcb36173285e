-- What it takes to have the planner say how long the pending list of a GIN index is: the first key as SQL, and an operator
-- that its class serves. Nothing here opens an index. One with an expression or a predicate has no key where another session has
-- locked its table, or waits to: the server locks tables to write expressions as SQL.
-- They are few among many indexes, which the planner does not know.
with gin as materialized (
    select x.reltablespace, i.*
    from pg_catalog.pg_class as x
    join pg_catalog.pg_am as m on m.oid = x.relam
    join pg_catalog.pg_index as i on i.indexrelid = x.oid
    where m.amname = 'gin'
),
-- Few classes serve many indexes.
classes as materialized (
    select distinct on (f.oid)
        f.oid,
        f.opcname                                                   as name,
        f.opcnamespace                                              as namespace,
        case
            when w.oid is not null then pg_catalog.format('operator(%I.%s)', w.nspname, o.oprname)
        end                                                         as operator,
        o.oprright                                                  as operand
    from pg_catalog.pg_opclass as f
    join pg_catalog.pg_am as m on m.oid = f.opcmethod
    left join pg_catalog.pg_amop as q
        on q.amopfamily = f.opcfamily and q.amoplefttype = f.opcintype and q.amoppurpose = 's'
    left join pg_catalog.pg_operator as o on o.oid = q.amopopr
    left join pg_catalog.pg_namespace as w on w.oid = o.oprnamespace
    where m.amname = 'gin'
    order by f.oid, q.amopstrategy
),
locked as materialized (
    select l.relation
    from pg_catalog.pg_locks as l
    join pg_catalog.pg_database as d on d.oid = l.database
    where d.datname = pg_catalog.current_database()
        and l.locktype = 'relation'
        and l.mode = 'AccessExclusiveLock'
)
select
    i.indexrelid::int8                                              as oid,
    i.indrelid::int8                                                as table_oid,
    case
        when w.relation is not null then null
        when i.indkey[0] = 0 then pg_catalog.pg_get_indexdef(i.indexrelid, 1, true)
        else pg_catalog.quote_ident(a.attname)
    end                                                             as key,
    case when w.relation is null then pg_catalog.pg_get_expr(i.indpred, i.indrelid) end as predicate,
    f.operator                                                      as operator,
    -- A class for arrays of any type: the index stores their elements.
    case f.operand
        when 'anyarray'::pg_catalog.regtype
            then (
                select pg_catalog.format_type(e.typarray, null)
                from pg_catalog.pg_type as e
                where e.oid = k.atttypid and e.typarray <> 0
            )
        else pg_catalog.format_type(f.operand, null)
    end                                                             as operand,
    -- A condition that every entry of the index answers, where the class has one.
    case
        when f.name in ('jsonb_ops', 'jsonb_path_ops') and f.namespace = 'pg_catalog'::pg_catalog.regnamespace
            then 'operator(pg_catalog.@>) ''{}'''
        when f.name = 'array_ops' and f.namespace = 'pg_catalog'::pg_catalog.regnamespace
            then 'operator(pg_catalog.@>) ''{}'''
        when f.name = 'tsvector_ops' and f.namespace = 'pg_catalog'::pg_catalog.regnamespace
            then 'operator(pg_catalog.@@) ''!a''::pg_catalog.tsquery'
    end                                                             as match_all,
    -- The tablespace's own cost of a page, where it has one.
    (
        select pg_catalog.split_part(o.option, '=', 2)::float8
        from pg_catalog.pg_tablespace as s
        cross join lateral pg_catalog.unnest(s.spcoptions) as o (option)
        where o.option like 'random_page_cost=%'
            and s.oid = case i.reltablespace
                when 0 then (
                    select d.dattablespace
                    from pg_catalog.pg_database as d
                    where d.datname = pg_catalog.current_database()
                )
                else i.reltablespace
            end
    )                                                               as random_page_cost,
    pg_catalog.has_schema_privilege(n.oid, 'usage')
        and (
            pg_catalog.has_table_privilege(i.indrelid, 'select')
            or i.indkey[0] <> 0
                and i.indpred is null
                and pg_catalog.has_column_privilege(i.indrelid, i.indkey[0], 'select')
        )                                                           as readable,
    exists (
        select
        from pg_catalog.pg_stat_progress_create_index as b
        where b.index_relid = i.indexrelid
    )                                                               as building,
    pg_catalog.pg_stat_get_blocks_fetched(i.indexrelid)           as blocks_fetched
from gin as i
join pg_catalog.pg_class as t on t.oid = i.indrelid
left join lateral (
    select l.relation
    from locked as l
    where l.relation = i.indrelid and (i.indpred is not null or i.indexprs is not null)
    limit 1
) as w on true
join pg_catalog.pg_namespace as n on n.oid = t.relnamespace
join classes as f on f.oid = i.indclass[0]
left join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] and a.attnum <> 0
left join pg_catalog.pg_attribute as k on k.attrelid = i.indexrelid and k.attnum = 1
where t.relkind in ('r', 'm', 'p')
    and t.relpersistence <> 't'
    and n.nspname <> 'information_schema'
    and n.nspname !~ '^pg_'
order by i.indexrelid
