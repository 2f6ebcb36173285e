-- title: ml.documents: wide, and healthy
-- No flaw: fifty times as much in TOAST as in the heap is what documents look like, and they are hardly ever read.
create table ml.documents (
    document_id bigint generated always as identity primary key,
    title text not null,
    body text not null
);
insert into ml.documents (title, body)
select
    'Document ' || i,
    (select repeat(string_agg(md5(g::text || i::text), ' '), 2) from generate_series(1, 90) as g)
from generate_series(1, 12000) as i;
