-- Targets that are there twice, that name a dead person as somebody to contact, or that give neither a channel nor a
-- reason not to contact.
-- needs: target, patient
-- severity: error
SELECT t.patient_id, t.programme, count(*) AS rows_found
FROM target AS t
LEFT JOIN patient AS p ON p.patient_id = t.patient_id
GROUP BY t.patient_id, t.programme
HAVING count(*) > 1 OR count(p.patient_id) < count(*) OR bool_or(p.deceased AND t.not_contact IS NULL) OR bool_or((t.channels = '') <> (t.not_contact IS NOT NULL))
