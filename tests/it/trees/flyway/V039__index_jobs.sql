SET lock_timeout = '2s';
SET statement_timeout = '1h';
create index concurrently if not exists jobs_state_idx on app.jobs (state) where state = 1;
