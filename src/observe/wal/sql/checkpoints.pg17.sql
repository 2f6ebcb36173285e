-- Checkpoints since the counters were reset, from a view of their own since 17. What backends wrote themselves stands in
-- pg_stat_io.
select
    c.num_timed                                                     as timed,
    c.num_requested                                                 as requested,
    null::int8                                                      as done,
    c.write_time                                                    as write_ms,
    c.sync_time                                                     as sync_ms,
    c.buffers_written                                               as buffers,
    (
        select coalesce(sum(i.writes), 0)::int8
        from pg_catalog.pg_stat_io as i
        where i.backend_type = 'client backend' and i.object = 'relation'
    )                                                               as backend_buffers,
    c.stats_reset                                                   as counting_since
from pg_catalog.pg_stat_checkpointer as c
