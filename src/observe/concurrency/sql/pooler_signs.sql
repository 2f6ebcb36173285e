-- Signs of a pooler in front of this database, by how many sessions show them: what it calls itself; an address behind the application's
-- name, which application_name_add_host of PgBouncer writes; the query for a password that its auth_query is; and DISCARD
-- ALL as the last statement, which a pooler runs between two clients of a session. The statements stay here.
select
    s.sign                                                          as sign,
    s.pooler                                                        as pooler,
    count(*)::int8                                                  as sessions
from pg_catalog.pg_stat_activity as a
cross join lateral (
    select
        'name'                                                      as sign,
        lower(pg_catalog.substring(a.application_name, '(?i)^(pgbouncer|pgcat|pgdog|odyssey|supavisor|pgpool)')) as pooler
    union all
    select
        'address_in_name',
        case when a.application_name ~ ' - [^ ]+:[0-9]+$' then 'pgbouncer' end
    union all
    select
        'auth_query',
        case
            when a.query ~* 'from +(pg_catalog[.])?(pg_shadow|pg_authid) +where +(usename|rolname) *= *[$]1'
                or a.query ~* 'pgbouncer[.](get_auth|user_lookup) *[(] *[$]1'
            then 'pgbouncer'
        end
    union all
    select
        'discard_all',
        case when a.state = 'idle' and a.query ~* '^ *discard +all *;? *$' then 'unknown' end
) as s
where a.backend_type = 'client backend'
    and a.pid <> pg_catalog.pg_backend_pid()
    and a.datname = pg_catalog.current_database()
    and s.pooler is not null
group by s.sign, s.pooler
order by s.sign, s.pooler
