-- Code that a statement would run, by the names in its text: functions that are volatile, where the statement is executed, and,
-- unless the target is trusted, functions that are neither PostgreSQL's own nor of an extension that a superuser owns, and
-- those of PostgreSQL that run what a value names.
--
-- Parameters: names, names that are called, operators, whether it is executed, whether the target is trusted, whether it
-- writes, and functions that may be executed although they are volatile, by schema and name. The names are more than the statement calls, so a function that it does not call may be named, and none that it calls
-- is missed. This runs under an empty search path, or others could replace its operators; the schemas that are searched for the
-- statement's names are in a setting.
with recursive unsafe as materialized (
    select p.oid, p.proname, p.pronamespace, p.proargtypes, v.is_volatile
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_language as l on l.oid = p.prolang
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    cross join lateral (
        select (
            -- The handlers of PostgreSQL's own sampling methods count as volatile. They return the method's functions, which read the
            -- table alone, and take an argument that no statement can give.
            p.provolatile = 'v'
            and not (p.oid < 16384 and p.prorettype = 'pg_catalog.tsm_handler'::pg_catalog.regtype)
            or p.proname ~ '_to_xml'
            -- Stable, and they give the transaction an id.
            or p.oid < 16384 and p.proname in ('txid_current', 'pg_current_xact_id')
            -- They may run SQL that they are given, such as crosstab.
            or p.oid >= 16384 and p.proretset and p.provolatile = 's'
            -- An aggregate counts as immutable, whatever it calls.
            or p.oid >= 16384 and p.prokind = 'a' and exists (
                select
                from pg_catalog.pg_aggregate as a
                join pg_catalog.pg_proc as s on s.oid in (
                    a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn,
                    a.aggmfinalfn
                )
                where a.aggfnoid = p.oid and s.provolatile = 'v'
            )
        ) and not n.nspname || '.' || p.proname = any($7::text[]) as is_volatile
    ) as v
    where $4::boolean and v.is_volatile
        or not $5::boolean and (
            -- Stable, and so called for an estimate: they read relations, or run the checks of types, that a value names.
            p.oid < 16384
            and p.proname ~ '_to_xml|^pg_input_|^(?:array|domain|record|range|multirange)_in$|^fmgr_sql_validator$'
            or p.oid >= 16384
            -- Only a superuser writes these, and the server those of ranges. That of an aggregate says nothing of its parts.
            and (l.lanname not in ('internal', 'c') or p.prokind = 'a')
            and not exists (
                select
                from pg_catalog.pg_depend as d
                join pg_catalog.pg_roles as o on o.oid = p.proowner and o.rolsuper
                where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                    and d.objid = p.oid
                    and d.deptype = 'e'
            )
        )
),
schemas as materialized (
    select n.oid, n.nspname,
        n.nspname = any($1::text[])
        or n.nspname = any(pg_catalog.current_setting('dbopt.schemas')::name[]) as is_meant
    from pg_catalog.pg_namespace as n
),
-- Views, and rules for writes to them and to tables. A materialized view is read as a table is.
rules as (
    select c.oid, c.relname
    from pg_catalog.pg_class as c
    join schemas as n on n.oid = c.relnamespace and n.is_meant
    where c.relhasrules and c.relkind <> 'm' and c.relname = any($1::text[])
    union
    select b.oid, b.relname
    from rules as v
    join pg_catalog.pg_rewrite as w on w.ev_class = v.oid and (w.ev_type = '1' or $6::boolean)
    join pg_catalog.pg_depend as d
        on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
        and d.objid = w.oid
        and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    join pg_catalog.pg_class as b on b.oid = d.refobjid and b.relhasrules and b.relkind <> 'm'
),
-- What they stand for.
rewrites as (
    select v.relname, w.oid, w.ev_type, w.ev_qual::text || w.ev_action::text as tree
    from rules as v
    join pg_catalog.pg_rewrite as w on w.ev_class = v.oid and (w.ev_type = '1' or $6::boolean)
),
-- Types that are named or that views name, with those they are made of.
types as (
    select t.oid
    from pg_catalog.pg_type as t
    where t.typname = any($1::text[])
    union
    select d.refobjid
    from rewrites as w
    join pg_catalog.pg_depend as d
        on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
        and d.objid = w.oid
        and d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
    union
    select x.oid
    from types as c
    join pg_catalog.pg_type as t on t.oid = c.oid
    cross join lateral (
        select t.typbasetype
        union all
        select t.typelem
        union all
        select r.rngsubtype
        from pg_catalog.pg_range as r
        where r.rngtypid = t.oid
        union all
        select a.atttypid
        from pg_catalog.pg_attribute as a
        where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
    ) as x (oid)
    where x.oid >= 16384
),
-- Operators that are named or in views and checks. As one array: the planner takes them for thousands, and the recursion for
-- millions, for which the server sets up a hash table.
named_operators as materialized (
    select pg_catalog.array_agg(f.oid) as oids
    from (
        select o.oid
        from pg_catalog.pg_operator as o
        join schemas as n on n.oid = o.oprnamespace and n.is_meant
        where o.oprname = any($3::text[])
        union all
        select f.id[1]::oid
        from rewrites as w
        cross join lateral pg_catalog.regexp_matches(w.tree, ':opno (\d+)', 'g') as f (id)
        union all
        select f.id[1]::oid
        from types as t
        join pg_catalog.pg_constraint as o on o.contypid = t.oid
        cross join lateral pg_catalog.regexp_matches(o.conbin::text, ':opno (\d+)', 'g') as f (id)
    ) as f
),
-- With those that the planner puts in their place where it negates or commutes.
operators as (
    select pg_catalog.unnest(n.oids) as oid
    from named_operators as n
    union
    select x.oid
    from operators as c
    join pg_catalog.pg_operator as o on o.oid = c.oid
    cross join lateral (
        select o.oprcom
        union all
        select o.oprnegate
    ) as x (oid)
    where x.oid >= 16384
),
-- Relations that are read: those that are named, what views are made of, partitions and children.
relations as (
    select c.oid
    from pg_catalog.pg_class as c
    join schemas as n on n.oid = c.relnamespace and n.is_meant
    where $4::boolean and c.relname = any($1::text[])
    union
    select x.oid
    from relations as r
    join pg_catalog.pg_class as c on c.oid = r.oid and c.relkind <> 'm'
    cross join lateral (
        select d.refobjid
        from pg_catalog.pg_rewrite as w
        join pg_catalog.pg_depend as d
            on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
            and d.objid = w.oid
            and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        where w.ev_class = r.oid and w.ev_type = '1'
        union all
        select i.inhrelid
        from pg_catalog.pg_inherits as i
        where i.inhparent = r.oid
    ) as x (oid)
),
called (kind, name, function) as (
    select 'function', u.proname, u.oid
    from unsafe as u
    join schemas as n on n.oid = u.pronamespace and n.is_meant
    where u.proname = any($2::text[])
    union all
    -- A function of a row can be written as a column of it.
    select 'function', u.proname, u.oid
    from unsafe as u
    join schemas as n on n.oid = u.pronamespace and n.is_meant
    join pg_catalog.pg_type as t on t.oid = u.proargtypes[0] and t.typtype in ('c', 'd', 'p')
    where u.proname = any($1::text[])
    union all
    select 'operator', o.oprname, u.oid
    from operators as c
    join pg_catalog.pg_operator as o on o.oid = c.oid
    join unsafe as u on u.oid = o.oprcode
    union all
    select 'cast', pg_catalog.format_type(c.casttarget, null)::pg_catalog.name, u.oid
    from pg_catalog.pg_cast as c
    join unsafe as u on u.oid = c.castfunc
    where c.oid >= 16384
    union all
    select 'domain', t.typname, u.oid
    from types as y
    join pg_catalog.pg_type as t on t.oid = y.oid
    join pg_catalog.pg_constraint as o on o.contypid = t.oid
    cross join lateral pg_catalog.regexp_matches(o.conbin::text, ':(?:op)?funcid (\d+)', 'g') as f (id)
    join unsafe as u on u.oid = f.id[1]::oid
    union all
    -- What another server runs for it is not seen, nor bound to only read before PostgreSQL 19.
    select 'foreign table', c.relname, u.oid
    from relations as r
    join pg_catalog.pg_class as c on c.oid = r.oid
    join pg_catalog.pg_foreign_table as t on t.ftrelid = c.oid
    join pg_catalog.pg_foreign_server as s on s.oid = t.ftserver
    join pg_catalog.pg_foreign_data_wrapper as w on w.oid = s.srvfdw
    join unsafe as u on u.oid = w.fdwhandler
    union all
    select case w.ev_type when '1' then 'view' else 'rule' end, w.relname, u.oid
    from rewrites as w
    cross join lateral pg_catalog.regexp_matches(
        w.tree, ':(?:opfuncid|funcid|aggfnoid|winfnoid) (\d+)', 'g'
    ) as f (id)
    join unsafe as u on u.oid = f.id[1]::oid
)
select distinct /* dbopt */ pg_catalog.json_build_object(
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
