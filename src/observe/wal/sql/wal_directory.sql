-- What is in pg_wal, and how many segments wait for the archiver: shown to members of pg_monitor alone.
select
    (select coalesce(sum(w.size), 0)::int8 from pg_catalog.pg_ls_waldir() as w) as bytes,
    (select count(*) from pg_catalog.pg_ls_waldir())                as files,
    (
        select count(*)
        from pg_catalog.pg_ls_archive_statusdir() as a
        where a.name like '%.ready'
    )                                                               as ready
