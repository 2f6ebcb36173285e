-- Of the relations in $1, those that refuse every UPDATE, or may turn it into something else, and why.
select
    c.oid::int8                                                     as oid,
    case
        when u.has_rule then 'a rule rewrites its updates'
        when u.has_trigger then 'an UPDATE trigger may change or refuse its rows'
        when u.is_unchecked then 'a constraint that is NOT VALID may refuse its rows'
        else 'it publishes updates and its replica identity does not allow them'
    end                                                             as why
from pg_catalog.pg_class as c
cross join lateral (
    select
        exists (
            select
            from pg_catalog.pg_rewrite as r
            where r.ev_class = c.oid and r.ev_type = '2' and r.ev_enabled <> 'D'
        ) as has_rule,
        -- What a function does is read off its text: a row changed, an error raised, a row withheld. In another
        -- language it may do any of these, and the server's own that suppresses updates which change nothing
        -- withholds the undo of ours. One that comes only where a column changed lets ours through.
        exists (
            select
            from pg_catalog.pg_trigger as g
            join pg_catalog.pg_proc as f on f.oid = g.tgfoid
            join pg_catalog.pg_language as l on l.oid = f.prolang
            cross join lateral (
                select
                    '\(?\mold\.(\*|"[^"]+"|[\w$]+) IS DISTINCT FROM new\.\1|\(?\mnew\.(\*|"[^"]+"|[\w$]+) IS DISTINCT FROM old\.\2'
                                                                        as change,
                    substring(pg_catalog.pg_get_triggerdef(g.oid) from ' WHEN \((.*)\) EXECUTE ')
                                                                        as condition
            ) as w
            where g.tgrelid = c.oid
                and g.tgenabled in ('O', 'A')
                and g.tgtype & 16 <> 0
                -- A change and whatever else, or one change or another.
                and not (
                    g.tgqual is not null
                    and w.condition ~ w.change
                    and (
                        pg_catalog.regexp_replace(w.condition, w.change, '', 'g') !~ '\m(OR|NOT)\M'
                        or pg_catalog.regexp_replace(w.condition, w.change, '', 'g') ~ '^([() ]|\mOR\M)*$'
                    )
                )
                and case l.lanname
                    when 'plpgsql' then
                        f.prosrc ~* '\mraise\M(?!\s+(debug|log|info|notice|warning)\M)'
                        or g.tgtype & 3 = 3 and f.prosrc ~* '\mnew\s*\.\s*("[^"]+"|\w+)(\s*\.\s*\w+|\s*\[[^]]*\])*\s*:?=|\mreturn\M(?!\s+new\s*;)|\minto\s+(strict\s+)?new\M|\mnew\s*:?='
                    else g.tgtype & 3 = 3
                end
                and (
                    g.tgattr = ''
                    or exists (
                        select
                        from pg_catalog.pg_attribute as a
                        where a.attrelid = c.oid
                            -- What computes a generated column anew is an update of any column below it.
                            and (a.attnum = any (g.tgattr) and a.attlen = -1 or a.attgenerated = 's')
                    )
                )
        ) as has_trigger,
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
        or u.has_trigger
        or u.is_unchecked
        or exists (
            select
            from pg_catalog.pg_publication as p
            where p.pubupdate
                and (
                    p.puballtables and c.relpersistence = 'p'
                    or exists (
                        select
                        from pg_catalog.pg_publication_rel as r
                        where r.prpubid = p.oid
                            and (
                                r.prrelid = c.oid
                                or r.prrelid in (
                                    select a.relid
                                    from pg_catalog.pg_partition_ancestors(c.oid) as a
                                )
                            )
                    )
                )
                and (
                    -- Without an identity, or with that of a deferrable key.
                    c.relreplident <> 'f'
                        and not exists (
                            select
                            from pg_catalog.pg_index as i
                            where i.indrelid = c.oid
                                and case c.relreplident
                                    when 'd' then i.indisprimary and i.indimmediate
                                    when 'i' then i.indisreplident
                                end
                        )
                )
        )
    )
order by c.oid
