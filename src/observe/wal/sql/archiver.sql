-- The archiver since its counters were reset. Names of WAL files stay here.
select
    a.archived_count                                                as archived,
    a.last_archived_time                                            as last_archived,
    a.failed_count                                                  as failed,
    a.last_failed_time                                              as last_failed,
    a.stats_reset                                                   as counting_since
from pg_catalog.pg_stat_archiver as a
