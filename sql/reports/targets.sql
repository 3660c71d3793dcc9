-- Targets of run $1, filtered: programme $2, site $3 ('(none)' not attributed), contact $4 ('yes' may be contacted, 'no' has a
-- recorded reason not to); '' is any. $5 rows after the first $6; $5 NULL is all. The order is total.
SELECT
    patient_id, programme, why, priority, due_on, channels, not_contact, language, site, pcp, next_visit_on
FROM pub.target
WHERE run_id = $1
  AND ($2 = '' OR programme = $2)
  AND ($3 = '' OR COALESCE(site, '(none)') = $3)
  AND ($4 = '' OR ($4 = 'yes') = (not_contact IS NULL))
ORDER BY programme, priority, due_on NULLS LAST, patient_id
LIMIT CAST($5 AS BIGINT) OFFSET CAST($6 AS BIGINT)
