SELECT check_name, severity, "rows" FROM pub.check_result WHERE run_id = $1 ORDER BY check_name
