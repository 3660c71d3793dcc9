-- How many gaps of run $1 fit the filter of gaps.sql.
SELECT count(*)
FROM pub.gap
WHERE run_id = $1
  AND ($2 = '' OR measure = $2)
  AND ($3 = '' OR status = $3)
  AND ($4 = '' OR due = $4)
  AND ($5 = '' OR COALESCE(site, '(none)') = $5)
  AND ($6 = '' OR COALESCE(payer, '(none)') = $6)
