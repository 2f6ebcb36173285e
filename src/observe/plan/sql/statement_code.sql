-- Code that a statement would run, by the names in its text: functions that are volatile, where the statement is executed,
-- and functions that are neither PostgreSQL's own nor of an extension that a superuser owns, unless the target is trusted.
--
-- Parameters: names, names before a parenthesis, operators, whether it is executed, whether the target is trusted. The names
-- are more than the statement calls, so a function that it does not call may be named, and none that it calls is missed.
with recursive unsafe as materialized (
    select p.oid, p.proname, p.pronamespace, p.pronargs, p.proargtypes,
        (p.provolatile = 'v' or p.proname ~ '_to_xml') as is_volatile
    from pg_catalog.pg_proc as p
    where $4::boolean and (p.provolatile = 'v' or p.proname ~ '_to_xml')
        or not $5::boolean and p.oid >= 16384
        and not exists (
            select
            from pg_catalog.pg_depend as d
            join pg_catalog.pg_roles as o on o.oid = p.proowner and o.rolsuper
            where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                and d.objid = p.oid
                and d.deptype = 'e'
        )
),
schemas as materialized (
    select n.oid, n.nspname,
        n.nspname = any($1::text[]) or n.oid = any(
            select s::pg_catalog.regnamespace::oid
            from pg_catalog.unnest(pg_catalog.current_schemas(true)) as s
        ) as is_meant
    from pg_catalog.pg_namespace as n
),
views as (
    select c.oid, c.relname
    from pg_catalog.pg_class as c
    join schemas as n on n.oid = c.relnamespace and n.is_meant
    where c.relkind = 'v' and c.relname = any($1::text[])
    union
    select b.oid, b.relname
    from views as v
    join pg_catalog.pg_rewrite as w on w.ev_class = v.oid
    join pg_catalog.pg_depend as d
        on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
        and d.objid = w.oid
        and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    join pg_catalog.pg_class as b on b.oid = d.refobjid and b.relkind = 'v'
),
called (kind, name, function) as (
    select 'function', u.proname, u.oid
    from unsafe as u
    join schemas as n on n.oid = u.pronamespace and n.is_meant
    where u.proname = any($2::text[])
    union all
    -- A function of one row can be written as a column of it.
    select 'function', u.proname, u.oid
    from unsafe as u
    join schemas as n on n.oid = u.pronamespace and n.is_meant
    join pg_catalog.pg_type as t on t.oid = u.proargtypes[0] and t.typtype = 'c'
    where u.pronargs = 1 and u.proname = any($1::text[])
    union all
    select 'operator', o.oprname, u.oid
    from pg_catalog.pg_operator as o
    join schemas as n on n.oid = o.oprnamespace and n.is_meant
    join unsafe as u on u.oid = o.oprcode
    where o.oprname = any($3::text[])
    union all
    select 'cast', pg_catalog.format_type(c.casttarget, null)::pg_catalog.name, u.oid
    from pg_catalog.pg_cast as c
    join unsafe as u on u.oid = c.castfunc
    where c.oid >= 16384
    union all
    select 'domain', t.typname, u.oid
    from pg_catalog.pg_type as t
    join pg_catalog.pg_constraint as o on o.contypid = t.oid
    cross join lateral pg_catalog.regexp_matches(o.conbin::text, ':(?:op)?funcid (\d+)', 'g') as f (id)
    join unsafe as u on u.oid = f.id[1]::oid
    where t.typname = any($1::text[])
    union all
    select 'view', v.relname, u.oid
    from views as v
    join pg_catalog.pg_rewrite as w on w.ev_class = v.oid
    cross join lateral pg_catalog.regexp_matches(
        w.ev_action::text, ':(?:opfuncid|funcid|aggfnoid|winfnoid) (\d+)', 'g'
    ) as f (id)
    join unsafe as u on u.oid = f.id[1]::oid
)
select distinct pg_catalog.json_build_object(
    'kind', c.kind,
    'name', c.name,
    'function', n.nspname || '.' || u.proname,
    'is_volatile', u.is_volatile
)::text
from called as c
join unsafe as u on u.oid = c.function
join pg_catalog.pg_namespace as n on n.oid = u.pronamespace
order by 1
limit 20
