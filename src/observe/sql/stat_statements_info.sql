-- Since when statements are counted. The view came with release 1.9 of the extension, which 14 has; where the extension lives in
-- another schema, it is named here instead.
select
    i.stats_reset                                                   as counting_since
from public.pg_stat_statements_info as i
