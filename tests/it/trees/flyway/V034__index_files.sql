SET lock_timeout = '2s';
SET statement_timeout = '1h';
create index concurrently if not exists files_state_idx on app.files (state) where state = 1;
