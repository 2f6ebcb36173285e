SET lock_timeout = '2s';
SET statement_timeout = '1h';
alter table app.devices set unlogged;
alter table app.devices add constraint devices_state_check check (state >= 0) not valid;
alter table app.devices validate constraint devices_state_check;
alter table app.devices rename constraint devices_state_check to devices_state_valid;
alter table app.devices alter column body set storage external;
alter table app.devices set (fillfactor = 90);
