-- The cohort matrix of run $1: one row per month of first visit and months since.
SELECT cohort, months, patients, retained
FROM pub.retention_cohort
WHERE run_id = $1
ORDER BY cohort, months
