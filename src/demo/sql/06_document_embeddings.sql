-- title: ml.document_embeddings: 768 dimensions, stored out of line
-- Flaws: vectors of 3 kB that would fit the row and are stored beside it; no index, so every search reads them all.
create table ml.document_embeddings (
    document_id bigint primary key,
    embedding vector(768) not null
);
insert into ml.document_embeddings
select (a.i - 1) * 100 + b.i, a.v + b.v
from base as a, base as b
where a.i <= 100;
insert into ml.document_embeddings
select 10000 + (a.i - 1) * 100 + b.i, a.v - b.v
from base as a, base as b
where a.i <= 10;
drop table base;
