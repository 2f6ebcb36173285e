-- title: ml.predictions: a narrow table with an index too many
-- Flaws: predictions are looked up by user, and no index serves that; one index begins with all of another.
create table ml.predictions (
    prediction_id bigint generated always as identity primary key,
    user_id bigint not null,
    created_at timestamptz not null,
    score real not null,
    model text not null,
    status text not null
);
insert into ml.predictions (user_id, created_at, score, model, status)
select
    1 + i % 15000,
    timestamptz '2026-01-01' + i * interval '1 minute',
    random(),
    'churn-v' || 1 + i % 3,
    (array['served', 'served', 'served', 'expired'])[1 + i % 4]
from generate_series(1, 100000) as i;
create index predictions_created_idx on ml.predictions (created_at);
create index predictions_created_model_idx on ml.predictions (created_at, model);
