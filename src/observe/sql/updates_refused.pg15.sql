-- Of the relations in $1, those that refuse every UPDATE, or turn it into something else, and why.
-- From PostgreSQL 15 on whole schemas can be published.
select
    c.oid::int8                                                     as oid,
    case
        when u.has_rule then 'a rule rewrites its updates'
        else 'it publishes updates and has no replica identity'
    end                                                             as why
from pg_catalog.pg_class as c
cross join lateral (
    select exists (
        select
        from pg_catalog.pg_rewrite as r
        where r.ev_class = c.oid and r.ev_type = '2' and r.ev_enabled <> 'D'
    ) as has_rule
) as u
where c.oid = any ($1::int8[]::oid[])
    and c.relkind = 'r'
    and (
        u.has_rule
        or c.relreplident <> 'f'
            and not exists (
                select
                from pg_catalog.pg_index as i
                where i.indrelid = c.oid
                    and case c.relreplident
                        when 'd' then i.indisprimary
                        when 'i' then i.indisreplident
                    end
            )
            and exists (
                select
                from pg_catalog.pg_publication as p
                where p.pubupdate
                    and (
                        p.puballtables and c.relpersistence = 'p'
                        or exists (
                            select
                            from pg_catalog.pg_publication_namespace as n
                            where n.pnpubid = p.oid and n.pnnspid = c.relnamespace
                        )
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
            )
    )
order by c.oid
