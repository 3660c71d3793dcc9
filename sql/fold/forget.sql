DELETE FROM fold_state WHERE name IN ('folded_k', 'rules', 'merges')
