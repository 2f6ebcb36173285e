-- Which of what the server keeps of its workload can be had, and by our role: one row. A function that may not be called
-- fails the whole query, so what may be called is read first.
select
    (
        select n.nspname
        from pg_catalog.pg_extension as e
        join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
        where e.extname = 'pg_stat_statements'
    )                                                               as stat_statements_schema,
    (
        select n.nspname
        from pg_catalog.pg_extension as e
        join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
        where e.extname = 'pg_qualstats'
    )                                                               as qualstats_schema,
    -- With `auto`, an extension that needs identifiers has them computed.
    pg_catalog.current_setting('compute_query_id') <> 'off'         as computes_query_id,
    pg_catalog.current_setting('track_activities') = 'on'           as tracks_activities,
    pg_catalog.current_setting('logging_collector') = 'on'
        and pg_catalog.current_setting('log_destination') ~ '(stderr|csvlog|jsonlog)' as writes_log,
    -- What reading the log needs and our role may not call. Only some versions let pg_monitor find it.
    (
        select coalesce(pg_catalog.array_agg(f.name order by f.name), '{}')
        from (
            values
                ('pg_catalog.pg_current_logfile(pg_catalog.text)'),
                ('pg_catalog.pg_ls_logdir()'),
                ('pg_catalog.pg_read_binary_file(pg_catalog.text, bigint, bigint)')
        ) as f (name)
        where not pg_catalog.has_function_privilege(f.name, 'execute')
    )                                                               as log_denied
