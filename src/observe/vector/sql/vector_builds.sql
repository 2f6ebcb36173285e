-- Indexes that are being built. Our role is shown them all with pg_read_all_stats, else its own.
select distinct b.index_relid::int8 as index_oid
from pg_catalog.pg_stat_progress_create_index as b
where b.datname = pg_catalog.current_database() and b.index_relid is not null
order by 1
