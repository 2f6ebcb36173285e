-- Settings of pgvector, which are there once its library is loaded: the cast loads it.
select
    s.name                                                          as name,
    s.reset_val                                                     as reset_value,
    s.boot_val                                                      as boot_value,
    s.unit                                                          as unit,
    s.vartype                                                       as kind,
    s.context                                                       as context,
    s.source                                                        as source,
    s.sourcefile like '%postgresql.auto.conf'                       as set_by_alter_system,
    null::text                                                      as written,
    s.pending_restart                                               as pending_restart,
    coalesce(s.enumvals, '{}')                                      as choices
from pg_catalog.pg_settings as s
where '[1]'::public.vector is not null
    and (s.name like 'hnsw.%' or s.name like 'ivfflat.%')
order by s.name
