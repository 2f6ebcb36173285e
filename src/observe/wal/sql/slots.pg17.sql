-- Replication slots with the WAL and the transactions they hold back. From 17 on, with since when and why they are unused.
select
    s.slot_name                                                     as name,
    s.slot_type                                                     as kind,
    s.plugin                                                        as plugin,
    s.database                                                      as database,
    s.temporary                                                     as temporary,
    s.active                                                        as active,
    s.wal_status                                                    as wal_status,
    pg_catalog.pg_wal_lsn_diff(
        case
            when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
            else pg_catalog.pg_current_wal_lsn()
        end,
        s.restart_lsn
    )::int8                                                         as retained_bytes,
    s.safe_wal_size                                                 as safe_bytes,
    s.inactive_since                                                as inactive_since,
    s.invalidation_reason                                           as invalidation_reason,
    pg_catalog.age(s.xmin)::int8                                    as xmin_age,
    pg_catalog.age(s.catalog_xmin)::int8                            as catalog_xmin_age,
    coalesce(s.database <> pg_catalog.current_database(), false)    as elsewhere,
    s.two_phase                                                     as two_phase,
    s.failover                                                      as failover,
    s.synced                                                        as synced
from pg_catalog.pg_replication_slots as s
order by s.slot_name
limit 1000
