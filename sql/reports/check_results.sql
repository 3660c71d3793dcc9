-- Data checks of run $1 that found something.
SELECT check_name, severity, rows
FROM pub.check_result
WHERE run_id = $1
ORDER BY severity, check_name
