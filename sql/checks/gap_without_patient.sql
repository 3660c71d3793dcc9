-- Gaps of somebody who is not in the spine, or who is dead.
-- needs: gap, patient
-- severity: error
SELECT g.patient_id, g.measure, g.status
FROM gap AS g
LEFT JOIN patient AS p ON p.patient_id = g.patient_id
WHERE p.patient_id IS NULL OR p.deceased
