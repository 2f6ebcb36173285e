-- Relations whose planning or reading runs code that is neither PostgreSQL's own nor that of an extension which a superuser
-- owns: it would run with our role's rights. One row each, with what leads to the code; and types, without an oid, whose values
-- cannot be read from text without such code.
--
-- What an owner can put there, and the planner runs: predicates and expressions of indexes, extended statistics and
-- partition keys (calls with constants, and estimates), virtual generated columns, views, row security where it binds us.
-- Domains check what is copied, and each literal, alone or in an array, a row or a range. Defaults, stored generated columns
-- and rules are planned with writes alone (`on_write`). Checks and triggers are not planned.
--
-- From the code to what depends on it, by the index of pg_depend: dependencies on what initdb made are not recorded, and
-- none of them matters here.
with recursive foreign_functions as materialized (
    select p.oid
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_language as l on l.oid = p.prolang
    where p.oid >= 16384
        -- Only a superuser writes these, and the server those of ranges. That of an aggregate says nothing of its parts.
        and (l.lanname not in ('internal', 'c') or p.prokind = 'a')
        -- The owner of an extension may add functions of their own to it.
        and not exists (
            select
            from pg_catalog.pg_depend as d
            join pg_catalog.pg_roles as o on o.oid = p.proowner and o.rolsuper
            where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                and d.objid = p.oid
                and d.deptype = 'e'
        )
),
-- Checks of domains may call what has effects, or runs what it is given, although it is PostgreSQL's own.
effects as materialized (
    select distinct o.contypid
    from pg_catalog.pg_constraint as o
    cross join lateral pg_catalog.regexp_matches(o.conbin::pg_catalog.text, ':(?:op)?funcid (\d+)', 'g') as f (id)
    join pg_catalog.pg_proc as p on p.oid = f.id[1]::pg_catalog.oid
    where o.contypid >= 16384 and o.conbin is not null
        and (
            p.provolatile = 'v'
            or p.proname ~ '_to_xml|^pg_input_|^(?:array|domain|record|range|multirange)_in$|^fmgr_sql_validator$'
        )
),
code (classid, objid) as (
    select 'pg_catalog.pg_proc'::pg_catalog.regclass::oid, oid from foreign_functions
    union
    select 'pg_catalog.pg_type'::pg_catalog.regclass::oid, contypid from effects
    union
    select x.classid, x.objid
    from code as c
    cross join lateral (
        -- Types on functions and types, row types on columns, operators on functions, parts of operator classes on both.
        select d.classid, d.objid
        from pg_catalog.pg_depend as d
        where d.refclassid = c.classid
            and d.refobjid = c.objid
            and (
                d.classid in (
                    'pg_catalog.pg_type'::pg_catalog.regclass,
                    'pg_catalog.pg_amproc'::pg_catalog.regclass,
                    'pg_catalog.pg_amop'::pg_catalog.regclass
                )
                -- Not those of a table's keys, on which its indexes depend.
                or d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
                and d.refclassid <> 'pg_catalog.pg_class'::pg_catalog.regclass
                or d.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass
                and d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                or d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objsubid > 0
                and d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
            )
        union all
        select 'pg_catalog.pg_type'::pg_catalog.regclass, o.contypid
        from pg_catalog.pg_constraint as o
        where c.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
            and o.oid = c.objid and o.contypid <> 0
        union all
        -- The row type of a table depends on the table; with a composite type it is the other way around.
        select 'pg_catalog.pg_type'::pg_catalog.regclass, r.reltype
        from pg_catalog.pg_class as r
        where c.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and r.oid = c.objid and r.reltype <> 0
        union all
        -- What the planner puts it in the place of, where it negates or commutes.
        select 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid
        from pg_catalog.pg_operator as o
        where c.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass
            and o.oid >= 16384
            and c.objid in (o.oprcom, o.oprnegate)
        union all
        select 'pg_catalog.pg_opclass'::pg_catalog.regclass, k.oid
        from pg_catalog.pg_amproc as a
        join pg_catalog.pg_opclass as k on k.opcfamily = a.amprocfamily
        where c.classid = 'pg_catalog.pg_amproc'::pg_catalog.regclass and a.oid = c.objid
        union all
        select 'pg_catalog.pg_opclass'::pg_catalog.regclass, k.oid
        from pg_catalog.pg_amop as a
        join pg_catalog.pg_opclass as k on k.opcfamily = a.amopfamily
        where c.classid = 'pg_catalog.pg_amop'::pg_catalog.regclass and a.oid = c.objid
    ) as x
),
users as materialized (
    select d.classid, d.objid, d.objsubid, d.refclassid
    from code as c
    cross join lateral (
        select d.classid, d.objid, d.objsubid, d.refclassid
        from pg_catalog.pg_depend as d
        where d.refclassid = c.classid
            and d.refobjid = c.objid
            and d.classid in (
                'pg_catalog.pg_class'::pg_catalog.regclass,
                'pg_catalog.pg_attrdef'::pg_catalog.regclass,
                'pg_catalog.pg_statistic_ext'::pg_catalog.regclass,
                'pg_catalog.pg_policy'::pg_catalog.regclass,
                'pg_catalog.pg_rewrite'::pg_catalog.regclass
            )
        -- By its index, and not all of it in order.
        offset 0
    ) as d
    -- A table with a column of such a type: it is found by the type.
    where c.classid <> 'pg_catalog.pg_class'::pg_catalog.regclass
),
-- As arrays: the planner takes the users for thousands, and what they lead to for millions, for which the server sets up a
-- hash table of the size of work_mem and more.
few_users as (
    select
        pg_catalog.unnest(a.classids) as classid,
        pg_catalog.unnest(a.objids) as objid,
        pg_catalog.unnest(a.objsubids) as objsubid,
        pg_catalog.unnest(a.refclassids) as refclassid
    from (
        select
            pg_catalog.array_agg(u.classid) as classids,
            pg_catalog.array_agg(u.objid) as objids,
            pg_catalog.array_agg(u.objsubid) as objsubids,
            pg_catalog.array_agg(u.refclassid) as refclassids
        from users as u
    ) as a
),
relations (oid, kind, object, on_write) as (
    select x.oid, x.kind, x.object, x.on_write
    from few_users as u
    cross join lateral (
        select i.indrelid, 'index', r.relname, false
        from pg_catalog.pg_index as i
        join pg_catalog.pg_class as r on r.oid = i.indexrelid
        where u.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and i.indexrelid = u.objid
        union all
        select a.attrelid, case when u.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
            then 'type of column' else 'generated column' end, a.attname, false
        from pg_catalog.pg_attribute as a
        where u.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and a.attrelid = u.objid and a.attnum = u.objsubid and a.attnum > 0 and not a.attisdropped
            and (u.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass or a.attgenerated = 'v')
        union all
        select a.attrelid, case a.attgenerated when '' then 'default of column' else 'generated column' end, a.attname,
            a.attgenerated <> 'v'
        from pg_catalog.pg_attrdef as e
        join pg_catalog.pg_attribute as a on a.attrelid = e.adrelid and a.attnum = e.adnum
        where u.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and e.oid = u.objid
        union all
        select p.partrelid, 'partition key', null, false
        from pg_catalog.pg_partitioned_table as p
        where u.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and u.objsubid = 0
            and p.partrelid = u.objid
        union all
        select s.stxrelid, 'statistics', s.stxname, false
        from pg_catalog.pg_statistic_ext as s
        where u.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass and s.oid = u.objid
        union all
        select p.polrelid, 'policy', p.polname, false
        from pg_catalog.pg_policy as p
        where u.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and p.oid = u.objid
            and pg_catalog.row_security_active(p.polrelid)
        union all
        select w.ev_class, case w.ev_type when '1' then 'view' else 'rule' end,
            case w.ev_type when '1' then v.relname else w.rulename end, w.ev_type <> '1'
        from pg_catalog.pg_rewrite as w
        join pg_catalog.pg_class as v on v.oid = w.ev_class and v.relkind <> 'm'
        where u.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and w.oid = u.objid
    ) as x (oid, kind, object, on_write)
    union
    -- Who reads a parent reads its children, and who reads a view what it is made of.
    select x.oid, x.kind, x.object, x.on_write
    from relations as r
    cross join lateral (
        select i.inhparent, 'partition or child', k.relname, r.on_write
        from pg_catalog.pg_inherits as i
        join pg_catalog.pg_class as k on k.oid = i.inhrelid
        where i.inhrelid = r.oid
        union all
        select w.ev_class, 'relation', k.relname, r.on_write or w.ev_type <> '1'
        from pg_catalog.pg_depend as d
        join pg_catalog.pg_rewrite as w on w.oid = d.objid
        join pg_catalog.pg_class as v on v.oid = w.ev_class and v.relkind <> 'm'
        join pg_catalog.pg_class as k on k.oid = r.oid
        where d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
            and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.refobjid = r.oid and w.ev_class <> r.oid
    ) as x (oid, kind, object, on_write)
)
(
    select distinct on (c.oid, r.on_write)
        c.oid::int8                                                         as oid,
        c.relname                                                           as name,
        r.kind                                                              as kind,
        r.object                                                            as object,
        r.on_write                                                          as on_write
    from relations as r
    join pg_catalog.pg_class as c on c.oid = r.oid
    where c.relkind in ('r', 'p', 'm', 'v', 'f')
        and c.relpersistence <> 't'
    order by c.oid, r.on_write, r.kind, r.object
)
union all
(
    select
        null,
        t.typname,
        'type',
        null,
        false
    from code as c
    join pg_catalog.pg_type as t on t.oid = c.objid
    where c.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
    order by t.typname
)
