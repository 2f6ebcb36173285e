-- title: schemas and extensions
create extension vector;
create schema ml;
create schema staging;
create schema events;
-- The same numbers on every run.
select setseed(0.42);
