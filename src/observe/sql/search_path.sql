-- The database, and where names without a schema are looked for there, before our guard changed it.
select
    pg_catalog.current_database()                                   as database,
    s.reset_val                                                     as path
from pg_catalog.pg_settings as s
where s.name = 'search_path'
