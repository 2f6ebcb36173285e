-- Of the relations in $1, those that publish updates which their replica identity does not allow.
-- From PostgreSQL 15 on whole schemas can be published, and parts of tables.
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
                or exists (
                    select
                    from pg_catalog.pg_publication_namespace as n
                    where n.pnpubid = p.oid and n.pnnspid = c.relnamespace
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
                -- A row filter on other columns, or a list of columns without all of it.
                or exists (
                    select
                    from pg_catalog.pg_publication_rel as r
                    cross join lateral (
                        select
                            array(
                                select a.attname
                                from pg_catalog.pg_depend as d
                                join pg_catalog.pg_attribute as a
                                    on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
                                where d.classid = 'pg_catalog.pg_publication_rel'::pg_catalog.regclass
                                    and d.objid = r.oid
                                    and d.refobjid = r.prrelid
                                    and d.refobjsubid > 0
                            ) as used,
                            array(
                                select a.attname
                                from pg_catalog.pg_index as i
                                join pg_catalog.pg_attribute as a
                                    on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
                                where i.indrelid = c.oid
                                    and case c.relreplident
                                        when 'd' then i.indisprimary
                                        when 'i' then i.indisreplident
                                    end
                            ) as key
                    ) as k
                    where r.prpubid = p.oid
                        and (
                            r.prrelid = c.oid
                            or r.prrelid in (
                                select a.relid
                                from pg_catalog.pg_partition_ancestors(c.oid) as a
                            )
                        )
                        and (
                            r.prqual is not null and c.relreplident <> 'f' and not k.used <@ k.key
                            or r.prattrs is not null and (c.relreplident = 'f' or not k.key <@ k.used)
                        )
                )
                -- From PostgreSQL 18 on an identity of all columns may hold none that is generated.
                or c.relreplident = 'f'
                    and pg_catalog.current_setting('server_version_num')::int >= 180000
                    and exists (
                        select
                        from pg_catalog.pg_attribute as a
                        where a.attrelid = c.oid and a.attgenerated <> '' and not a.attisdropped
                    )
            )
    )
order by c.oid
