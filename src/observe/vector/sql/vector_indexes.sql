-- What a query needs whose plan shows up to which LIMIT an index of vectors is read: its key as SQL, and the operator that it
-- orders by. Of partitioned tables the index of the root. Nothing here opens an index. One with an expression or a predicate is
-- left out where another session has locked its table, or waits to: the server locks tables to write expressions as SQL.
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
    i.indrelid::int8                                                as table_oid,
    case
        when i.indkey[0] = 0 then pg_catalog.pg_get_indexdef(i.indexrelid, 1, true)
        else pg_catalog.quote_ident(a.attname)
    end                                                             as key,
    pg_catalog.pg_get_expr(i.indpred, i.indrelid)                   as predicate,
    p.operator                                                      as operator,
    p.operand                                                       as operand,
    pg_catalog.has_schema_privilege(c.relnamespace, 'usage')
        and pg_catalog.has_table_privilege(i.indrelid, 'select')    as readable
from pg_catalog.pg_index as i
join pg_catalog.pg_class as c on c.oid = i.indexrelid
join pg_catalog.pg_am as m on m.oid = c.relam
join pg_catalog.pg_opclass as f on f.oid = i.indclass[0]
left join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] and a.attnum <> 0
join lateral (
    select
        pg_catalog.format('operator(%I.%s)', w.nspname, o.oprname)  as operator,
        pg_catalog.format_type(o.oprright, null)                    as operand
    from pg_catalog.pg_amop as q
    join pg_catalog.pg_operator as o on o.oid = q.amopopr
    join pg_catalog.pg_namespace as w on w.oid = o.oprnamespace
    where q.amopfamily = f.opcfamily and q.amoplefttype = f.opcintype and q.amoppurpose = 'o'
    order by q.amopstrategy
    limit 1
) as p on true
where m.amname in ('hnsw', 'ivfflat') and i.indisvalid
    and (
        (i.indpred is null and i.indexprs is null)
        or not exists (select from locked as l where l.relation = i.indrelid)
    )
order by i.indexrelid
