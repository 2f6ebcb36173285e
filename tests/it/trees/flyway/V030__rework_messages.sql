SET lock_timeout = '2s';
SET statement_timeout = '1h';
alter table app.messages add column stamp timestamptz not null default clock_timestamp();
alter table app.messages add constraint messages_state_check check (state >= 0) not valid;
alter table app.messages validate constraint messages_state_check;
alter table app.messages rename constraint messages_state_check to messages_state_valid;
alter table app.messages alter column body set storage external;
alter table app.messages set (fillfactor = 90);
