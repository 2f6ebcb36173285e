SET lock_timeout = '2s';
SET statement_timeout = '1h';
create index scores_tenant_idx on app.scores (tenant);
alter table app.scores add constraint scores_state_check check (state >= 0) not valid;
alter table app.scores validate constraint scores_state_check;
alter table app.scores rename constraint scores_state_check to scores_state_valid;
alter table app.scores alter column body set storage external;
alter table app.scores set (fillfactor = 90);
