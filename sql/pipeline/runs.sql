-- The published runs in order of publication.
SELECT run_id, inputs, published_seq, published_at FROM pub.run ORDER BY published_seq
