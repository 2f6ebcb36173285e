-- Since when callers need a key. The row stays when the last key is revoked; only `dbopt keys reopen` deletes it.
create table dbopt.keys_required (
    only_row boolean     primary key default true check (only_row),
    since    timestamptz not null default now()
);
insert into dbopt.keys_required (since) select min(created_at) from dbopt.api_keys having count(*) > 0;
