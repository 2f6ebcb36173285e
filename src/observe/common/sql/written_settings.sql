-- What ALTER SYSTEM wrote, as it was written, whether it was loaded or not: the last line of a name counts. Shown to superusers,
-- and to those who were granted the view and its function.
select distinct on (f.name)
    f.name                                                          as name,
    f.setting                                                       as value
from pg_catalog.pg_file_settings as f
where f.name is not null
    and f.setting is not null
    and f.sourcefile like '%postgresql.auto.conf'
order by f.name, f.seqno desc
limit 1000
