SET lock_timeout = '2s';
SET statement_timeout = '1h';
cluster app.files using files_ref_key;
alter table app.files add constraint files_state_check check (state >= 0) not valid;
alter table app.files validate constraint files_state_check;
alter table app.files rename constraint files_state_check to files_state_valid;
alter table app.files alter column body set storage external;
alter table app.files set (fillfactor = 90);
