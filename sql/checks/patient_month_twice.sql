-- Patient months that are there twice.
-- needs: patient_month
-- severity: error
SELECT m.patient_id, m.month, count(*) AS rows_found
FROM patient_month AS m
GROUP BY m.patient_id, m.month
HAVING count(*) > 1
