-- Where the function is that reads the pending list off the index itself, if our role may call it.
select n.nspname as schema
from pg_catalog.pg_proc as p
join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
join pg_catalog.pg_depend as d on d.objid = p.oid and d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
join pg_catalog.pg_extension as e
    on e.oid = d.refobjid and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and d.deptype = 'e'
where e.extname = 'pgstattuple'
    and p.proname = 'pgstatginindex'
    and pg_catalog.has_function_privilege(p.oid, 'execute')
    and pg_catalog.has_schema_privilege(n.oid, 'usage')
order by n.nspname
limit 1
