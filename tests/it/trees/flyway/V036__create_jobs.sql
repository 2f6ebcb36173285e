SET lock_timeout = '2s';
SET statement_timeout = '1h';
create schema if not exists app;
create table app.jobs (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    ref varchar(40) not null,
    state smallint not null default 0,
    price numeric(10,2),
    local_at timestamp(3),
    body text
);
comment on table app.jobs is 'One row for each of jobs';
create unique index jobs_ref_key on app.jobs (ref);
create table app.jobs_log (
    id bigint not null,
    day date not null,
    line text,
    primary key (id, day)
) partition by range (day);
create table app.jobs_log_2026 partition of app.jobs_log for values from ('2026-01-01') to ('2027-01-01');
create table app.jobs_log_2025 (id bigint not null, day date not null, line text);
create table app.jobs_log_2024 (id bigint not null, day date not null, line text);
