SET lock_timeout = '2s';
SET statement_timeout = '1h';
alter table app.sessions add column serial_no bigserial;
alter table app.sessions add constraint sessions_state_check check (state >= 0) not valid;
alter table app.sessions validate constraint sessions_state_check;
alter table app.sessions rename constraint sessions_state_check to sessions_state_valid;
alter table app.sessions alter column body set storage external;
alter table app.sessions set (fillfactor = 90);
