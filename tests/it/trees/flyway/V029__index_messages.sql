SET lock_timeout = '2s';
SET statement_timeout = '1h';
create index concurrently if not exists messages_state_idx on app.messages (state) where state = 1;
