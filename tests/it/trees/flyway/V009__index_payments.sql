SET lock_timeout = '2s';
SET statement_timeout = '1h';
create index concurrently if not exists payments_state_idx on app.payments (state) where state = 1;
