-- title: statistics
vacuum analyze ml.features;
vacuum analyze ml.predictions;
vacuum analyze ml.documents;
vacuum analyze ml.embeddings;
vacuum analyze ml.document_embeddings;
analyze staging.sessions;
analyze staging.images;
analyze staging.features_raw;
analyze events.clicks;
