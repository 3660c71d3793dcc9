-- Published rows of run $1 by table: one line for each table of models.Published, in its order.
SELECT 'patient' AS name, count(*) AS n FROM pub.patient WHERE run_id = $1
UNION ALL SELECT 'patient_month', count(*) FROM pub.patient_month WHERE run_id = $1
UNION ALL SELECT 'gap', count(*) FROM pub.gap WHERE run_id = $1
UNION ALL SELECT 'measure_site', count(*) FROM pub.measure_site WHERE run_id = $1
UNION ALL SELECT 'measure_status', count(*) FROM pub.measure_status WHERE run_id = $1
UNION ALL SELECT 'target', count(*) FROM pub.target WHERE run_id = $1
UNION ALL SELECT 'kpi', count(*) FROM pub.kpi WHERE run_id = $1
UNION ALL SELECT 'retention_cohort', count(*) FROM pub.retention_cohort WHERE run_id = $1
UNION ALL SELECT 'retention_curve', count(*) FROM pub.retention_curve WHERE run_id = $1
UNION ALL SELECT 'code_coverage', count(*) FROM pub.code_coverage WHERE run_id = $1
UNION ALL SELECT 'check_result', count(*) FROM pub.check_result WHERE run_id = $1
