SET lock_timeout = '2s';
SET statement_timeout = '1h';
create index concurrently if not exists orders_state_idx on app.orders (state) where state = 1;
