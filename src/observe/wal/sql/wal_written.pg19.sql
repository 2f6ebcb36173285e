-- WAL written since the counters were reset. From 19 on, the bytes of full-page images are counted.
select
    w.wal_records                                                   as records,
    w.wal_fpi                                                       as full_pages,
    w.wal_bytes::int8                                               as bytes,
    w.wal_fpi_bytes::int8                                           as full_page_bytes,
    w.wal_buffers_full                                              as buffers_full,
    w.stats_reset                                                   as counting_since
from pg_catalog.pg_stat_wal as w
