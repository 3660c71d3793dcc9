-- Closed gaps that do not name the resource that closed them, and open ones that say how they were closed.
-- needs: gap
-- severity: error
SELECT g.patient_id, g.measure, g.status, g.closed_by, g.reason, g.evidence_ent
FROM gap AS g
WHERE (g.status = 'closed' AND (g.closed_by IS NULL OR g.evidence_ent IS NULL OR g.evidence_type IS NULL OR g.closed_on IS NULL))
    OR (g.status = 'open' AND (g.closed_by IS NOT NULL OR g.closed_on IS NOT NULL OR g.opened_on IS NULL OR g.due_on IS NULL))
