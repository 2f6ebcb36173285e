-- What a target's applications run, as far as somebody told: which keys of which documents, by calls. No literal is in it.
create table dbopt.workloads (
    target     text collate "C" primary key references dbopt.targets (name) on update cascade on delete cascade,
    ledger     jsonb       not null,
    updated_at timestamptz not null default now()
);
