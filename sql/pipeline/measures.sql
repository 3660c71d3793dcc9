-- What became of each measure in run $1.
SELECT measure, title, state, coalesce(reason, '') AS reason FROM pub.measure_status WHERE run_id = $1 ORDER BY measure
