-- How to call the function of `scripts/grants --explain`, where there is one that may be trusted: it runs with the rights of the
-- role that the script creates, and never with ours, and only a superuser can have put it there.
--
-- Names resolve in the schemas that the look-ups for code were made in: `dbopt.schemas`. This runs under an empty search path.
select /* dbopt */ pg_catalog.format(
    'select /* dbopt */ plan from %I.%I($1::pg_catalog.text, %L::pg_catalog.text, $2::pg_catalog.bool) as plan',
    n.nspname,
    p.proname,
    coalesce((
        select pg_catalog.string_agg(pg_catalog.quote_ident(s.name), ', ' order by s.position)
        from pg_catalog.unnest(pg_catalog.current_setting('dbopt.schemas')::pg_catalog.name[])
            with ordinality as s (name, position)
    ), '')
)
from pg_catalog.pg_proc as p
join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
join pg_catalog.pg_roles as o on o.oid = p.proowner
join pg_catalog.pg_roles as s on s.oid = n.nspowner
where n.nspname = current_user || '_explain'
    and p.proname = 'explain_statement'
    and p.proargtypes = '25 25 16'::pg_catalog.oidvector
    and p.prosecdef
    and o.rolname = n.nspname and not o.rolsuper and not o.rolcanlogin
    and s.rolsuper
    and pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    and pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
