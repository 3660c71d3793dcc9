-- Patients older than 130 years or without any birth date: nobody can judge their age.
-- needs: patients, run
-- severity: warning
SELECT p.patient_id, p.birth_lo, p.birth_hi
FROM patients AS p
CROSS JOIN run AS r
WHERE p.birth_lo IS NULL OR (age_on(p.birth_hi, r.as_of) > 130 AND p.dead_from IS NULL)
