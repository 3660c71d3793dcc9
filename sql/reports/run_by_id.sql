-- One published run by its id, whether or not it is the newest of its as-of date.
SELECT run_id, as_of, period_start, period_end, zone, COALESCE(inputs, '{}'), published_at
FROM pub.run
WHERE run_id = $1
ORDER BY published_seq DESC
LIMIT 1
