-- title: staging: what Mage loads
-- Flaws: a staging table that is logged and has no primary key, written again and again; sessions whose TOAST table
-- is not vacuumed; images that are compressed in vain.
create table staging.sessions (session_id bigint, state text not null)
    with (autovacuum_enabled = false, toast.autovacuum_enabled = false);
insert into staging.sessions
select i, (select repeat(string_agg(md5(g::text || i::text), ' '), 2) from generate_series(1, 90) as g)
from generate_series(1, 12000) as i;
update staging.sessions set state = state || 'x';
create table staging.images (image_id bigint primary key, thumbnail bytea not null);
insert into staging.images
select i, decode((select string_agg(md5(g::text || i::text), '') from generate_series(1, 180) as g), 'hex')
from generate_series(1, 12000) as i;
create table staging.features_raw (line bigint, loaded_at timestamptz not null default now(), document json not null);
insert into staging.features_raw (line, document)
select i, json_build_object('serviceIdentifier', 'svc-' || i % 40, 'value', i)
from generate_series(1, 60000) as i;
delete from staging.features_raw where line % 3 = 0;
