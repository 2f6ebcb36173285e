-- title: events.clicks: partitioned by month
-- Flaws: no partition for the months to come, so rows pile up in the default one; a GIN index that no query uses.
create table events.clicks (
    event_time timestamptz not null,
    user_id bigint not null,
    data jsonb not null
) partition by range (event_time);
create table events.clicks_2026_09 partition of events.clicks
    for values from ('2026-09-01') to ('2026-10-01');
create table events.clicks_2026_10 partition of events.clicks
    for values from ('2026-10-01') to ('2026-11-01');
create table events.clicks_2026_11 partition of events.clicks
    for values from ('2026-11-01') to ('2026-12-01');
create table events.clicks_default partition of events.clicks default;
insert into events.clicks
select
    timestamptz '2026-09-01' + i * interval '2 minutes',
    1 + i % 15000,
    jsonb_build_object('page', '/p/' || i % 200, 'ms', i % 900)
from generate_series(1, 80000) as i;
create index clicks_data_idx on events.clicks using gin (data jsonb_path_ops);
create index clicks_time_idx on events.clicks (event_time);
