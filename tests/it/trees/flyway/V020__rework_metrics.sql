SET lock_timeout = '2s';
SET statement_timeout = '1h';
alter table app.metrics add column total numeric generated always as (price * 2) stored;
alter table app.metrics add constraint metrics_state_check check (state >= 0) not valid;
alter table app.metrics validate constraint metrics_state_check;
alter table app.metrics rename constraint metrics_state_check to metrics_state_valid;
alter table app.metrics alter column body set storage external;
alter table app.metrics set (fillfactor = 90);
