-- Every setting. `reset_value` is what a session begins with: the guard of this visit changes some of its own.
-- The file is shown to members of pg_read_all_settings alone.
select
    s.name                                                          as name,
    s.reset_val                                                     as reset_value,
    s.boot_val                                                      as boot_value,
    s.unit                                                          as unit,
    s.vartype                                                       as kind,
    s.context                                                       as context,
    s.source                                                        as source,
    s.sourcefile like '%postgresql.auto.conf'                       as set_by_alter_system,
    -- `written_settings` reads it, of those that ALTER SYSTEM set.
    null::text                                                      as written,
    s.pending_restart                                               as pending_restart,
    coalesce(s.enumvals, '{}')                                      as choices
from pg_catalog.pg_settings as s
where s.name not like 'dbopt.%'
order by s.name
