-- WAL senders: standbys and other consumers. No address, no user.
select
    s.pid::int8                                                     as pid,
    s.application_name                                              as application,
    s.state                                                         as state,
    s.sync_state                                                    as sync_state,
    -- One that streams nothing yet has a snapshot of its own, which stands among the transactions.
    case when s.state <> 'startup' then pg_catalog.age(s.backend_xmin) end::int8 as xmin_age,
    pg_catalog.pg_wal_lsn_diff(s.sent_lsn, s.replay_lsn)::int8      as replay_lag_bytes,
    -- Who streams by a logical slot, receives WAL and replays none, or copies a table or the cluster is none.
    (s.state is null or s.state in ('catchup', 'streaming') and s.replay_lsn is not null)
    and not exists (
        select
        from pg_catalog.pg_replication_slots as r
        where r.active_pid = s.pid and r.slot_type = 'logical'
    )                                                               as is_standby
from pg_catalog.pg_stat_replication as s
order by s.pid
limit 200
