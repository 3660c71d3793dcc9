INSERT INTO pub.current (as_of, run_id, seq)
SELECT CAST($1 AS DATE), $2, $3
WHERE NOT EXISTS (SELECT 1 FROM pub.current AS c WHERE c.as_of = CAST($1 AS DATE))
