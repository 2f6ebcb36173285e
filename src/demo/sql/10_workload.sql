-- title: queries of FastAPI and Mage
-- Inference reads the whole payload with its row.
select sum(hashtext(payload::text)), sum(shard) from ml.features;
select sum(hashtext(payload::text)), sum(shard) from ml.features;
select sum(hashtext(payload::text)), sum(shard) from ml.features;
select sum(hashtext(payload::text)), min(event_time) from ml.features where shard < 12;
select sum(hashtext(payload::text)), max(event_time) from ml.features where is_active;
select sum(hashtext(payload::text)) from ml.features where shard in (1, 3, 5, 7, 9, 11, 13, 15);
select sum(jsonb_array_length(payload)), max(shard) from ml.features;
select sum(jsonb_array_length(payload)), min(shard) from ml.features;
select avg(jsonb_array_length(payload)), max(user_id) from ml.features;
select max(jsonb_array_length(payload)), avg(user_id) from ml.features;
-- One key of the document in nearly every query.
select count(*) from ml.features where data ->> 'serviceIdentifier' = 'svc-7';
select count(*) from ml.features where data ->> 'serviceIdentifier' = 'svc-8' and is_active;
select count(*) from ml.features where data @> '{"customerSegment": "at risk"}';
select count(*) from ml.features where data @> '{"customerSegment": "new", "serviceIdentifier": "svc-4"}';
-- Predictions by user, without an index.
select max(score) from ml.predictions where user_id = 4711;
select max(score) from ml.predictions where user_id = 815 and status = 'served';
-- Similar users: by the distance the index serves, and by one it does not.
select user_id from ml.embeddings order by embedding <=> (select embedding from ml.embeddings where user_id = 7) limit 10;
select user_id from ml.embeddings order by embedding <-> (select embedding from ml.embeddings where user_id = 7) limit 10;
-- Similar documents, without an index.
select document_id from ml.document_embeddings
order by embedding <=> (select embedding from ml.document_embeddings where document_id = 7) limit 10;
select document_id from ml.document_embeddings
order by embedding <=> (select embedding from ml.document_embeddings where document_id = 8) limit 10;
-- Titles are listed, bodies are not.
select count(*) from ml.documents where title like 'Document 1%';
select body from ml.documents where document_id = 42;
-- A month of clicks, and one without the partition key.
select count(*) from events.clicks where event_time >= '2026-10-01' and event_time < '2026-11-01';
select count(*) from events.clicks where user_id = 99;
-- What arrives after the index was built waits in its pending list.
insert into ml.features (user_id, shard, event_time, data, payload)
select user_id + 1000000, shard, event_time, data, '[]' from ml.features where user_id <= 600;
