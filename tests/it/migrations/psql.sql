\set ON_ERROR_STOP on
\connect warehouse
SET lock_timeout = '2s';
SET statement_timeout = '1min';
CREATE TABLE ml.models (
    id bigint NOT NULL,
    made_at timestamp with time zone NOT NULL,
    params jsonb COMPRESSION lz4 DEFAULT '{}'
);
COPY ml.models (id, made_at, params) FROM stdin;
1	2026-11-22 10:00:00+00	{"learning_rate": {"schedule": {"warmup": {"steps": [1]}}}}
2	2026-11-22 10:00:00+00	don't
\.
ALTER TABLE ONLY ml.models
    ADD CONSTRAINT models_pkey PRIMARY KEY (id);
\echo done
