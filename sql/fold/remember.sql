INSERT INTO fold_state (name, value) VALUES ('folded_k', CAST(CAST($1 AS BIGINT) AS VARCHAR)), ('rules', $2), ('merges', $3)
