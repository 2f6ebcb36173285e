-- Checkpoints since the counters were reset. Those that were skipped, because nothing had been written, count as well.
select
    b.checkpoints_timed                                             as timed,
    b.checkpoints_req                                               as requested,
    null::int8                                                      as done,
    b.checkpoint_write_time                                         as write_ms,
    b.checkpoint_sync_time                                          as sync_ms,
    b.buffers_checkpoint                                            as buffers,
    b.buffers_backend                                               as backend_buffers,
    b.stats_reset                                                   as counting_since
from pg_catalog.pg_stat_bgwriter as b
