SET lock_timeout = '2s';
SET statement_timeout = '1h';
alter table app.orders alter column state type integer;
alter table app.orders add constraint orders_state_check check (state >= 0) not valid;
alter table app.orders validate constraint orders_state_check;
alter table app.orders rename constraint orders_state_check to orders_state_valid;
alter table app.orders alter column body set storage external;
alter table app.orders set (fillfactor = 90);
