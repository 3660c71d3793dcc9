-- Measures of run $1: whether each ran and what its evidence rests on.
SELECT measure, COALESCE(title, measure), COALESCE(version, ''), direction, state, COALESCE(reason, ''), COALESCE(supply, 0), COALESCE(supply_note, ''), COALESCE(source, '')
FROM pub.measure_status
WHERE run_id = $1
ORDER BY measure
