-- Targets as they are registered. A DSN is sealed, or it is elsewhere.
create table dbopt.targets (
    name            text collate "C" primary key check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    dsn_kind        text        not null check (dsn_kind in ('stored', 'env', 'file')),
    dsn_reference   text,
    dsn_sealed      bytea,
    lab_sealed      bytea,
    replicas_sealed bytea[]     not null default '{}',
    labels          jsonb       not null default '{}',
    policy          jsonb       not null default '{}',
    model_version   text        not null,
    revision        bigint      not null,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    check ((dsn_kind = 'stored') = (dsn_sealed is not null)),
    check ((dsn_kind = 'stored') = (dsn_reference is null))
);

-- API keys. A token has 256 random bits, so a fast hash of it cannot be searched.
create table dbopt.api_keys (
    id           text collate "C" primary key,
    name         text        not null,
    hash         bytea       not null unique check (length(hash) = 32),
    scopes       text[]      not null,
    created_at   timestamptz not null default now(),
    last_used_at timestamptz
);
