//! Objects in `public` that are called like PostgreSQL's own. Each fails when it is called.

use database_optimizer::model::{Recommendation, Statement};

use super::TestDb;

/// What sessions have: by default, where an exact match in `public` still wins, and where it stands before PostgreSQL's own.
pub const PATHS: &[&str] = &["\"$user\", public", "public, pg_catalog"];

/// Shadow every operator, function, type and operator class of `pg_catalog` and of an extension in `ext` whose name is in the
/// statements or their undo: with the same arguments, and with others that are nearer to literals and columns.
pub async fn plant(db: &TestDb, recommendations: &[&Recommendation]) {
    let of = |r: &&Recommendation| -> Vec<Statement> {
        r.statements.iter().chain(&r.undo).cloned().collect()
    };
    let sql: Vec<String> = recommendations.iter().flat_map(of).map(|s| s.sql).collect();
    plant_for(db, &sql.join("\n")).await;
}

/// The same for statements.
pub async fn plant_for(db: &TestDb, sql: &str) {
    let keep = "select pg_catalog.set_config('dbopt.advice', $1, false)";
    db.client.execute(keep, &[&sql]).await.unwrap();
    db.run("set search_path = ''").await;
    db.run(PLANT).await;
    let planted = db.text(PLANTED).await;
    eprintln!("{}: {planted} shadows", db.server.name);
    db.run("reset search_path").await;
}

/// No index, view, default or column uses one of them, whether or not it was called.
pub async fn assert_unused(db: &TestDb) {
    db.run("set search_path = ''").await;
    let users = db.text(USERS).await;
    db.run("reset search_path").await;
    assert_eq!(users, "", "{}", db.server.name);
}

const PLANT: &str = r#"
do $plant$
declare
    advice text := pg_catalog.current_setting('dbopt.advice');
    words text[] := array(select distinct lower(m[1]) from regexp_matches(advice, '[a-zA-Z_][a-zA-Z_0-9]*', 'g') as m);
    near regtype[] := '{jsonb,json,text,text[],bigint,integer,boolean,tid,regclass}';
    -- Where PostgreSQL's own objects are, and those of an extension that is not in `public`.
    homes oid[] := array(select oid from pg_namespace where nspname in ('pg_catalog', 'ext'));
    body constant text := quote_literal('begin raise exception ''a shadow was called''; end');
    made record;
    backing text;
begin
    for made in
        select p.proname as name, oidvectortypes(p.proargtypes) as arguments, p.prorettype::regtype::text as result
        from pg_proc as p
        join pg_type as r on r.oid = p.prorettype and r.typtype <> 'p'
        where p.pronamespace = any (homes) and p.proname = any (words)
            and not exists (select from unnest(p.proargtypes) as a join pg_type as t on t.oid = a where t.typtype = 'p')
        union
        select n.proname, a.arguments, 'text'
        from (select distinct proname from pg_proc
            where pronamespace = 'pg_catalog'::regnamespace and proname = any (words)) as n
        cross join (
            select one::text from unnest(near) as one
            union all
            select one || ', ' || two from unnest(near) as one cross join unnest(near) as two
            union all
            select 'text, text, ' || three from unnest(near) as three
        ) as a (arguments)
    loop
        begin
            execute format('create function public.%I(%s) returns %s language plpgsql as %s',
                made.name, made.arguments, made.result, body);
        exception when duplicate_function then
            null;
        end;
    end loop;
    for made in
        select o.oprname as name, nullif(o.oprleft, 0)::regtype as l, o.oprright::regtype as r, o.oprresult::regtype as result
        from pg_operator as o
        where o.oprnamespace = any (homes) and position(o.oprname in advice) > 0 and o.oprright <> 0
            and not exists (
                select from pg_type as t where t.oid in (o.oprleft, o.oprright, o.oprresult) and t.typtype = 'p'
            )
        union
        select n.oprname, l, r, n.result
        from (
            select distinct on (oprname) oprname, oprresult::regtype as result
            from pg_operator
            where oprnamespace = 'pg_catalog'::regnamespace and position(oprname in advice) > 0
            order by oprname, oprleft = 'jsonb'::regtype desc, oprleft = 'integer'::regtype desc, oid
        ) as n
        cross join unnest(near) as l
        cross join unnest(near) as r
    loop
        -- One name for each result, so that arguments alone need not tell them apart.
        backing := 'shadow_' || made.result::oid;
        begin
            execute format('create function public.%I(%s) returns %s language plpgsql as %s',
                backing, concat_ws(', ', made.l, made.r), made.result, body);
        exception when duplicate_function then
            null;
        end;
        begin
            execute format('create operator public.%s (function = public.%I, %s rightarg = %s)',
                made.name, backing, 'leftarg = ' || made.l || ',', made.r);
        exception when duplicate_function then
            null;
        end;
    end loop;
    for made in
        select t.typname as name from pg_type as t
        where t.typnamespace = any (homes) and t.typname = any (words) and t.typtype in ('b', 'p')
    loop
        execute format('create type public.%I as enum (''shadow'')', made.name);
    end loop;
    for made in
        select c.opcname as name, a.amname as method, c.opcintype::regtype as of
        from pg_opclass as c
        join pg_am as a on a.oid = c.opcmethod
        where c.opcnamespace = any (homes) and c.opcname = any (words)
    loop
        execute format('create operator class public.%I for type %s using %I as storage %s',
            made.name, made.of, made.method, made.of);
    end loop;
    if position('"C"' in advice) > 0 then
        create collation public."C" from pg_catalog."POSIX";
    end if;
end
$plant$"#;

const PLANTED: &str = "select (
    (select count(*) from pg_proc where pronamespace = 'public'::regnamespace)
    + (select count(*) from pg_operator where oprnamespace = 'public'::regnamespace)
    + (select count(*) from pg_opclass where opcnamespace = 'public'::regnamespace)
    + (select count(*) from pg_collation where collnamespace = 'public'::regnamespace)
    + (select count(*) from pg_type where typnamespace = 'public'::regnamespace and typtype = 'e'))::text";

const USERS: &str = "select string_agg(pg_describe_object(d.classid, d.objid, d.objsubid), ', ')
    from pg_depend as d
    where d.deptype in ('n', 'a')
        and d.classid not in ('pg_operator'::regclass, 'pg_type'::regclass)
        and (
            d.refclassid = 'pg_proc'::regclass
            and exists (select from pg_proc as p where p.oid = d.refobjid and p.pronamespace = 'public'::regnamespace
                and p.prosrc like '%a shadow was called%')
            or d.refclassid = 'pg_operator'::regclass
            and exists (select from pg_operator as o where o.oid = d.refobjid and o.oprnamespace = 'public'::regnamespace)
            or d.refclassid = 'pg_opclass'::regclass
            and exists (select from pg_opclass as c where c.oid = d.refobjid and c.opcnamespace = 'public'::regnamespace)
            or d.refclassid = 'pg_collation'::regclass
            and exists (select from pg_collation as c where c.oid = d.refobjid and c.collnamespace = 'public'::regnamespace)
            or d.refclassid = 'pg_type'::regclass
            and exists (select from pg_type as t where t.oid = d.refobjid and t.typnamespace = 'public'::regnamespace
                and t.typtype = 'e')
        )";
