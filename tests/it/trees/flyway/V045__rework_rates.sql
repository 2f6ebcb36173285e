SET lock_timeout = '2s';
SET statement_timeout = '1h';
alter table app.rates alter column local_at type timestamp(0);
alter table app.rates add constraint rates_state_check check (state >= 0) not valid;
alter table app.rates validate constraint rates_state_check;
alter table app.rates rename constraint rates_state_check to rates_state_valid;
alter table app.rates alter column body set storage external;
alter table app.rates set (fillfactor = 90);
