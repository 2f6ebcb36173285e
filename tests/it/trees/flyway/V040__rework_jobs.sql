SET lock_timeout = '2s';
SET statement_timeout = '1h';
alter table app.jobs alter column price type double precision;
alter table app.jobs add constraint jobs_state_check check (state >= 0) not valid;
alter table app.jobs validate constraint jobs_state_check;
alter table app.jobs rename constraint jobs_state_check to jobs_state_valid;
alter table app.jobs alter column body set storage external;
alter table app.jobs set (fillfactor = 90);
