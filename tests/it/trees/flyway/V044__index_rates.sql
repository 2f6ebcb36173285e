SET lock_timeout = '2s';
SET statement_timeout = '1h';
create index concurrently if not exists rates_state_idx on app.rates (state) where state = 1;
