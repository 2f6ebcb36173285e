SET lock_timeout = '2s';
SET statement_timeout = '1h';
create index concurrently if not exists scores_state_idx on app.scores (state) where state = 1;
