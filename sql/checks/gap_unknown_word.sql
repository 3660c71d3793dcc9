-- Gaps whose status, urgency, way of closing or reason is none of the agreed words.
-- needs: gap
-- severity: error
SELECT g.patient_id, g.measure, g.status, g.due, g.closed_by, g.reason
FROM gap AS g
WHERE g.status NOT IN ('open', 'closed')
    OR coalesce(g.due, 'due') NOT IN ('overdue', 'due', 'not-yet-due')
    OR coalesce(g.closed_by, 'care') NOT IN ('care', 'exclusion', 'exception')
    OR g.reason NOT IN ('NotFound', 'Missing', 'Present', 'InvalidAttribute', 'DateInRange', 'DateOutOfRange', 'ValueInRange', 'ValueOutOfRange', 'CountInRange', 'CountOutOfRange')
