-- Gaps that rest on something after the as-of date, which had not happened on it.
-- needs: gap
-- severity: error
SELECT g.patient_id, g.measure, g.status, g.as_of, g.opened_on, g.closed_on, g.evidence_on
FROM gap AS g
WHERE g.opened_on > g.as_of OR g.closed_on > g.as_of OR g.evidence_on > g.as_of OR (g.status = 'closed' AND g.due_on <= g.as_of)
