INSERT INTO pub.run (run_id, as_of, period_start, period_end, zone, inputs, published_seq, published_at)
VALUES ($1, CAST($2 AS DATE), CAST($3 AS DATE), CAST($4 AS DATE), $5, $6, $7, $8)
