-- title: ml.embeddings: 384 dimensions, with an HNSW index
-- No flaw but one: the index serves cosine distance, and some queries order by Euclidean distance.
create table ml.embeddings (
    user_id bigint primary key,
    tenant int not null,
    embedding vector(384) not null
);
create temp table base as
select i, (select array_agg(random() - 0.5) from generate_series(1, 768) as g where g + i > 0)::vector(768) as v
from generate_series(1, 100) as i;
insert into ml.embeddings
select (a.i - 1) * 100 + b.i, b.i % 20, subvector(a.v, 1, 384) + subvector(b.v, 385, 384)
from base as a, base as b;
create index embeddings_hnsw_idx on ml.embeddings using hnsw (embedding vector_cosine_ops);
