-- The server, the database and our role, in one row. `reset_val` is what a setting was before the guard.
select
    split_part(split_part(pg_catalog.version(), ' on ', 2), ',', 1)         as platform,
    pg_catalog.now()                                                        as now,
    pg_catalog.pg_postmaster_start_time()                                   as started_at,
    coalesce(
        (
            select pg_catalog.pg_stat_get_db_stat_reset_time(d.oid)
            from pg_catalog.pg_database as d
            where d.datname = pg_catalog.current_database()
        ),
        -- A database whose counters were never reset counts since the cluster's did.
        pg_catalog.pg_stat_get_bgwriter_stat_reset_time()
    )                                                                       as counting_since,
    current_user                                                            as role,
    (
        select pg_catalog.json_build_object(
            'tier', case
                when r.rolsuper then 'superuser'
                -- A member that does not inherit is shown no more than others.
                when pg_catalog.pg_has_role('pg_monitor', 'usage') then 'monitor'
                else 'connect'
            end,
            'inherits', r.rolinherit,
            'reads_all_stats', r.rolsuper or pg_catalog.pg_has_role('pg_read_all_stats', 'usage'),
            'reads_all_data', r.rolsuper or pg_catalog.pg_has_role('pg_read_all_data', 'usage'),
            'creates_temporary_tables',
            pg_catalog.has_database_privilege(pg_catalog.current_database(), 'temp'),
            'reads_configuration',
            pg_catalog.has_table_privilege('pg_catalog.pg_file_settings', 'select')
            and pg_catalog.has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'execute')
        )
        from pg_catalog.pg_roles as r
        where r.rolname = current_user
    )                                                                       as privileges,
    (
        select coalesce(
            pg_catalog.json_agg(
                pg_catalog.json_build_object('name', e.extname, 'version', e.extversion)
                order by e.extname
            ),
            '[]'
        )
        from pg_catalog.pg_extension as e
    )                                                                       as extensions,
    (
        select pg_catalog.json_object_agg(s.name, s.reset_val order by s.name)
        from pg_catalog.pg_settings as s
        where s.name in (
            'autovacuum', 'autovacuum_naptime', 'autovacuum_vacuum_max_threshold',
            'autovacuum_vacuum_scale_factor', 'autovacuum_vacuum_threshold',
            'block_size', 'default_toast_compression', 'track_activity_query_size',
            'track_counts', 'track_io_timing'
        )
    )                                                                       as settings,
    (
        select s.enumvals
        from pg_catalog.pg_settings as s
        where s.name = 'default_toast_compression'
    )                                                                       as toast_compressions,
    -- Roles that write with another default than ours, here or in every database.
    (
        select coalesce(pg_catalog.json_agg(distinct split_part(o.setting, '=', 2)), '[]')
        from pg_catalog.pg_db_role_setting as s
        cross join lateral unnest(s.setconfig) as o (setting)
        where s.setrole <> 0
            and o.setting like 'default_toast_compression=%'
            and s.setdatabase in (
                0,
                (
                    select d.oid
                    from pg_catalog.pg_database as d
                    where d.datname = pg_catalog.current_database()
                )
            )
    )                                                                       as role_compressions
