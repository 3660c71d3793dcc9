-- The newest run of the as-of date $1; of the newest as-of date when $1 is NULL. One row or none.
SELECT r.run_id, r.as_of, r.period_start, r.period_end, r.zone, COALESCE(r.inputs, '{}'), r.published_at
FROM pub.current AS c
JOIN pub.run AS r ON r.run_id = c.run_id
WHERE c.as_of = COALESCE(CAST($1 AS DATE), (SELECT max(as_of) FROM pub.current))
