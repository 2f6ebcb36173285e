-- The last four megabytes of the log that is written now. PostgreSQL 15 also writes it as JSON. As plain text it
-- names no database, so it is read only where there is no other one.
select
    pg_catalog.encode(
        pg_catalog.pg_read_binary_file(
            f.path, greatest(l.size - 4 * 1024 * 1024, 0), 4 * 1024 * 1024
        ),
        'base64'
    )                                                               as tail,
    l.size > 4 * 1024 * 1024                                        as begins_within
from (
    select coalesce(
        pg_catalog.pg_current_logfile('csvlog'),
        pg_catalog.pg_current_logfile('jsonlog'),
        case when (
            select count(*) = 1
            from pg_catalog.pg_database as d
            where d.datallowconn and not d.datistemplate and d.datname <> 'postgres'
                or d.datname = pg_catalog.current_database()
        ) then pg_catalog.pg_current_logfile('stderr') end
    )                                                               as path
) as f
join pg_catalog.pg_ls_logdir() as l
    on l.name = pg_catalog.regexp_replace(f.path, '^.*/', '')
