-- title: ml.features: JSONB features, wide payloads
-- Flaws: columns in an order that pads every row; long keys, repeated in every document; four levels of nesting;
-- a payload just too wide for the row, that every inference reads back; an index for containment with jsonb_ops, whose
-- pending list may grow to 64 MB.
create table ml.features (
    is_active boolean not null default true,
    user_id bigint not null,
    shard smallint not null,
    event_time timestamptz not null,
    data jsonb not null,
    payload jsonb not null,
    primary key (user_id, event_time)
);
insert into ml.features (user_id, shard, event_time, data, payload)
select
    i,
    i % 16,
    timestamptz '2026-01-01' + i * interval '7 minutes',
    jsonb_build_object(
        'serviceIdentifier', 'svc-' || i % 40,
        'observationTimestamp', 1767225600 + i * 420,
        'customerSegment', (array['new', 'loyal', 'at risk', 'churned'])[1 + i % 4],
        'derivedFeatures', jsonb_build_object(
            'sessionBehaviour', jsonb_build_object('engagement', jsonb_build_object('dwellTimeSeconds', i % 600))
        )
    ),
    (
        select jsonb_agg(random())
        from generate_series(1, 200) as g
        where g + i > 0
    )
from generate_series(1, 15000) as i;
create index features_data_idx on ml.features using gin (data) with (gin_pending_list_limit = 65536);
