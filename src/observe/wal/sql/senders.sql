-- WAL senders: standbys and other consumers. No address, no user.
select
    s.pid::int8                                                     as pid,
    s.application_name                                              as application,
    s.state                                                         as state,
    s.sync_state                                                    as sync_state,
    pg_catalog.age(s.backend_xmin)::int8                            as xmin_age,
    pg_catalog.pg_wal_lsn_diff(s.sent_lsn, s.replay_lsn)::int8      as replay_lag_bytes
from pg_catalog.pg_stat_replication as s
order by s.pid
limit 200
