-- Gaps that are there twice: a patient has one row per measure and group.
-- needs: gap
-- severity: error
SELECT g.patient_id, g.measure, g.grp, count(*) AS rows_found
FROM gap AS g
GROUP BY g.patient_id, g.measure, g.grp
HAVING count(*) > 1
