SET lock_timeout = '2s';
SET statement_timeout = '1h';
create index concurrently if not exists metrics_state_idx on app.metrics (state) where state = 1;
