-- Of the relations in $1, those that publish updates which their replica identity does not allow.
select c.oid::int8                                                  as oid
from pg_catalog.pg_class as c
where c.oid = any ($1::int8[]::oid[])
    and c.relkind = 'r'
    and exists (
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
order by c.oid
