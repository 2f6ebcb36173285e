SET lock_timeout = '2s';
SET statement_timeout = '1h';
alter table app.payments alter column ref type varchar(60);
alter table app.payments add constraint payments_state_check check (state >= 0) not valid;
alter table app.payments validate constraint payments_state_check;
alter table app.payments rename constraint payments_state_check to payments_state_valid;
alter table app.payments alter column body set storage external;
alter table app.payments set (fillfactor = 90);
