-- What the fold remembers: the greatest row key folded and the rules it was folded by (NULL before the first fold), and
-- what is to be said of merges.
SELECT CAST(max(value) FILTER (WHERE name = 'folded_k') AS BIGINT) AS folded_k,
       coalesce(max(value) FILTER (WHERE name = 'rules'), '') AS rules,
       coalesce(max(value) FILTER (WHERE name = 'merges'), '{}') AS merges
FROM fold_state
