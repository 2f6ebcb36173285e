-- Who owns the configuration, as far as the server shows it: settings and roles that only one service has, files that only
-- one tool writes. ALTER SYSTEM is refused there, or is undone by it.
select
    case
        when exists (select from pg_catalog.pg_roles where rolname = 'rds_superuser') then 'rds'
        when exists (select from pg_catalog.pg_roles where rolname = 'cloudsqlsuperuser') then 'cloud_sql'
        when exists (select from pg_catalog.pg_roles where rolname = 'alloydbsuperuser') then 'alloydb'
        when exists (select from pg_catalog.pg_roles where rolname = 'azure_pg_admin') then 'azure'
        when exists (select from pg_catalog.pg_roles where rolname = 'neon_superuser') then 'neon'
        when exists (select from pg_catalog.pg_roles where rolname = 'supabase_admin') then 'supabase'
        when exists (select from pg_catalog.pg_roles where rolname = 'avnadmin') then 'aiven'
        when s.archive_command like '/controller/manager wal-archive%' or s.cnpg then 'cloudnative_pg'
        when s.patroni then 'patroni'
        when s.allow_alter_system = 'off' then 'unknown'
    end                                                             as manager
from (
    select
        max(s.setting) filter (where s.name = 'archive_command')    as archive_command,
        max(s.setting) filter (where s.name = 'allow_alter_system') as allow_alter_system,
        coalesce(bool_or(s.sourcefile like '%postgresql.base.conf'), false)
        -- What Patroni passes on the command line, whatever our role is shown of files.
        or count(*) filter (
            where s.source = 'command line'
                and s.name in ('max_connections', 'max_prepared_transactions', 'max_locks_per_transaction', 'wal_level', 'track_commit_timestamp')
        ) = 5                                                       as patroni,
        coalesce(bool_or(s.sourcefile like '%/custom.conf' and s.name = 'cluster_name'), false) as cnpg
    from pg_catalog.pg_settings as s
) as s
