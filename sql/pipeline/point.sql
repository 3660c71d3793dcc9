-- Readers of the as-of date see run $2 from now on, unless a later publication holds the pointer (a rebuild publishes
-- old runs again).
UPDATE pub.current SET run_id = $2, seq = $3 WHERE as_of = CAST($1 AS DATE) AND seq < $3
