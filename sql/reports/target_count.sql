-- How many targets of run $1 fit the filter of targets.sql.
SELECT count(*)
FROM pub.target
WHERE run_id = $1
  AND ($2 = '' OR programme = $2)
  AND ($3 = '' OR COALESCE(site, '(none)') = $3)
  AND ($4 = '' OR ($4 = 'yes') = (not_contact IS NULL))
