-- What the sessions of this database did since its counters were reset; times in milliseconds.
select
    s.sessions::int8                                                as sessions,
    s.session_time::float8                                          as session_ms,
    s.active_time::float8                                           as active_ms,
    s.idle_in_transaction_time::float8                              as idle_in_transaction_ms,
    s.sessions_abandoned::int8                                      as abandoned,
    s.sessions_fatal::int8                                          as fatal,
    s.sessions_killed::int8                                         as killed,
    (s.xact_commit + s.xact_rollback)::int8                         as transactions
from pg_catalog.pg_stat_database as s
where s.datname = pg_catalog.current_database()
