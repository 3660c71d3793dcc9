-- Persons with more than one row in the spine.
-- needs: patient
-- severity: error
SELECT p.patient_id, count(*) AS rows_found
FROM patient AS p
GROUP BY p.patient_id
HAVING count(*) > 1
