-- Gaps of run $1, filtered: measure $2, status $3, due $4, site $5 ('(none)' not attributed), payer $6; '' is any.
-- $7 rows after the first $8; $7 NULL is all. Open before closed, overdue first; the order is total.
SELECT
    patient_id, measure, measure_version, grp, status, due, due_on, closed_by, reason,
    evidence_ent, evidence_type, evidence_on, evidence_value, opened_on, closed_on, site, pcp, payer
FROM pub.gap
WHERE run_id = $1
  AND ($2 = '' OR measure = $2)
  AND ($3 = '' OR status = $3)
  AND ($4 = '' OR due = $4)
  AND ($5 = '' OR COALESCE(site, '(none)') = $5)
  AND ($6 = '' OR COALESCE(payer, '(none)') = $6)
ORDER BY
    measure, grp,
    CASE status WHEN 'open' THEN 1 WHEN 'closed' THEN 2 ELSE 3 END,
    CASE due WHEN 'overdue' THEN 1 WHEN 'due' THEN 2 WHEN 'not-yet-due' THEN 3 ELSE 4 END,
    due_on NULLS LAST, patient_id
LIMIT CAST($7 AS BIGINT) OFFSET CAST($8 AS BIGINT)
