SET lock_timeout = '2s';
SET statement_timeout = '1h';
create index concurrently if not exists devices_state_idx on app.devices (state) where state = 1;
