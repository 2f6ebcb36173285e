-- Of the relations in $1, those that refuse every UPDATE, or may turn it into something else, and why. Publications may
-- refuse some, too: unidentified_updates. To write the condition of a trigger as SQL the server locks its table, so that of a table
-- which another session has locked, or waits to, is not read.
with locked as materialized (
    select l.relation
    from pg_catalog.pg_locks as l
    join pg_catalog.pg_database as d on d.oid = l.database
    where d.datname = pg_catalog.current_database()
        and l.locktype = 'relation'
        and l.mode = 'AccessExclusiveLock'
)
select
    c.oid::int8                                                     as oid,
    case
        when u.has_rule then 'a rule rewrites its updates'
        when u.is_hidden then 'row security is forced on its owner, whose updates pass over rows that its policies hide'
        when u.has_trigger or u.has_watcher then 'an UPDATE trigger may change or refuse its rows'
        when u.writes_documents then 'an INSERT trigger changes its documents'
        else 'a constraint that is NOT VALID may refuse its rows'
    end                                                             as why,
    -- One that changes how values are stored, and no value, is let through all the same.
    not (u.has_rule or u.is_hidden or u.has_trigger or u.is_unchecked)              as stores_anew
from pg_catalog.pg_class as c
left join lateral (
    -- What a function does is read off its text: a row changed, an error raised, a row withheld. In another language it
    -- may do any of these; of the server's own, the one that suppresses updates which change nothing withholds the undo
    -- of ours, and those for text search fill what was written before there was the trigger.
    select
        bool_or(g.on_update and x.changes and not g.watches)        as has_trigger,
        -- One that comes only where a column changed.
        bool_or(g.on_update and x.changes and g.watches)            as has_watcher,
        bool_or(g.on_insert and x.writes_documents)                 as writes_documents
    from (
        select
            g.tgfoid,
            g.tgtype & 3 = 3                                        as before_row,
            g.tgtype & 4 <> 0                                       as on_insert,
            g.tgtype & 16 <> 0 and (
                g.tgattr = ''
                or exists (
                    select
                    from pg_catalog.pg_attribute as a
                    where a.attrelid = c.oid
                        -- What computes a generated column again is an update of any column below it.
                        and (a.attnum = any (g.tgattr) and a.attlen = -1 or a.attgenerated = 's')
                )
            )                                                       as on_update,
            -- A change and whatever else, or one change or another.
            coalesce(
                g.tgqual is not null
                    and w.condition ~ w.change
                    and (
                        pg_catalog.regexp_replace(w.condition, w.change, '', 'g') !~ '\m(OR|NOT)\M'
                        or pg_catalog.regexp_replace(w.condition, w.change, '', 'g') ~ '^([() ]|\mOR\M)*$'
                    ),
                false
            )                                                       as watches
        from pg_catalog.pg_trigger as g
        cross join lateral (
            select
                '\(?\mold\.(\*|"[^"]+"|[\w$]+) IS DISTINCT FROM new\.\1|\(?\mnew\.(\*|"[^"]+"|[\w$]+) IS DISTINCT FROM old\.\2'
                                                                    as change,
                case
                    when g.tgqual is null or c.oid in (select l.relation from locked as l) then null
                    else substring(pg_catalog.pg_get_triggerdef(g.oid) from ' WHEN \((.*)\) EXECUTE ')
                end                                                 as condition
        ) as w
        where g.tgrelid = c.oid and g.tgenabled in ('O', 'A')
    ) as g
    join pg_catalog.pg_proc as f on f.oid = g.tgfoid
    join pg_catalog.pg_language as l on l.oid = f.prolang
    cross join lateral (
        select
            case
                when l.lanname = 'plpgsql'
                then f.prosrc ~* '\mraise\M(?!\s+(debug|log|info|notice|warning)\M)'
                    or g.before_row and f.prosrc ~* '\mnew\s*\.\s*("[^"]+"|\w+)(\s*\.\s*\w+|\s*\[[^]]*\])*\s*:?=|\mreturn\M(?!\s+new\s*;)|\minto\s+(strict\s+)?new\M|\mnew\s*:?='
                else g.before_row
            end                                                     as changes,
            g.before_row and l.lanname = 'plpgsql' and (
                f.prosrc ~* '\minto\s+(strict\s+)?new\M|\mnew\s*:?='
                or exists (
                    select
                    from pg_catalog.regexp_matches(
                        f.prosrc, '\mnew\s*\.\s*("[^"]+"|\w+)\s*(?:\[[^\]]*\]\s*)*:?=', 'gi'
                    ) as m
                    join pg_catalog.pg_attribute as a
                        on a.attrelid = c.oid and not a.attisdropped
                        and pg_catalog.lower(a.attname) = pg_catalog.lower(pg_catalog.btrim(m[1], '"'))
                    join pg_catalog.pg_type as k on k.oid = a.atttypid
                    where coalesce(nullif(k.typbasetype, 0), k.oid) = 'pg_catalog.jsonb'::pg_catalog.regtype
                )
            )                                                       as writes_documents
    ) as x
) as t on true
cross join lateral (
    select
        exists (
            select
            from pg_catalog.pg_rewrite as r
            where r.ev_class = c.oid and r.ev_type = '2' and r.ev_enabled <> 'D'
        ) as has_rule,
        c.relrowsecurity and c.relforcerowsecurity as is_hidden,
        coalesce(t.has_trigger, false) as has_trigger,
        coalesce(t.has_watcher, false) as has_watcher,
        coalesce(t.writes_documents, false) as writes_documents,
        exists (
            select
            from pg_catalog.pg_constraint as k
            where k.conrelid = c.oid
                and k.contype in ('c', 'n')
                and not k.convalidated
                -- From PostgreSQL 18 on it may not even be enforced.
                and coalesce(pg_catalog.to_json(k) ->> 'conenforced', 'true') = 'true'
        ) as is_unchecked
) as u
where c.oid = any ($1::int8[]::oid[])
    and c.relkind = 'r'
    and (
        u.has_rule
        or u.is_hidden
        or u.has_trigger
        or u.has_watcher
        or u.writes_documents
        or u.is_unchecked
    )
order by c.oid
