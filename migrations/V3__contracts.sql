-- What the documents of a column promise, and what a sample of them looked like: key paths and counts, no value.
create table dbopt.contracts (
    target        text collate "C" not null references dbopt.targets (name) on update cascade on delete cascade,
    table_schema  text collate "C" not null,
    table_name    text collate "C" not null,
    column_name   text collate "C" not null,
    schema        json        not null,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),
    -- The sample that new and vanished keys are told by, and since when a later one differs.
    sample        jsonb,
    differs_since timestamptz,
    -- The drift that was told by webhook already.
    told          jsonb       not null default '[]',
    primary key (target, table_schema, table_name, column_name)
);
