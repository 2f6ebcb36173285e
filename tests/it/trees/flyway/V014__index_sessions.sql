SET lock_timeout = '2s';
SET statement_timeout = '1h';
create index concurrently if not exists sessions_state_idx on app.sessions (state) where state = 1;
