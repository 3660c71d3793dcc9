-- The steps of the retention curve of run $1.
SELECT months, at_risk, lost, censored
FROM pub.retention_curve
WHERE run_id = $1
ORDER BY months
