-- One row per fact type and resource that has more than one current version: there should be none.
-- needs: run
SELECT 'patient' AS fact, key_text(c.ent) AS ent, count(*) AS versions FROM cur_patient AS c GROUP BY c.ent HAVING count(*) > 1
UNION ALL
SELECT 'encounter' AS fact, key_text(c.ent) AS ent, count(*) AS versions FROM cur_encounter AS c GROUP BY c.ent HAVING count(*) > 1
UNION ALL
SELECT 'appointment' AS fact, key_text(c.ent) AS ent, count(*) AS versions FROM cur_appointment AS c GROUP BY c.ent HAVING count(*) > 1
UNION ALL
SELECT 'condition' AS fact, key_text(c.ent) AS ent, count(*) AS versions FROM cur_condition AS c GROUP BY c.ent HAVING count(*) > 1
UNION ALL
SELECT 'observation' AS fact, key_text(c.ent) AS ent, count(*) AS versions FROM cur_observation AS c GROUP BY c.ent HAVING count(*) > 1
UNION ALL
SELECT 'procedure' AS fact, key_text(c.ent) AS ent, count(*) AS versions FROM cur_procedure AS c GROUP BY c.ent HAVING count(*) > 1
UNION ALL
SELECT 'immunization' AS fact, key_text(c.ent) AS ent, count(*) AS versions FROM cur_immunization AS c GROUP BY c.ent HAVING count(*) > 1
UNION ALL
SELECT 'diagnostic_report' AS fact, key_text(c.ent) AS ent, count(*) AS versions FROM cur_diagnostic_report AS c GROUP BY c.ent HAVING count(*) > 1
UNION ALL
SELECT 'service_request' AS fact, key_text(c.ent) AS ent, count(*) AS versions FROM cur_service_request AS c GROUP BY c.ent HAVING count(*) > 1
UNION ALL
SELECT 'coverage' AS fact, key_text(c.ent) AS ent, count(*) AS versions FROM cur_coverage AS c GROUP BY c.ent HAVING count(*) > 1
UNION ALL
SELECT 'claim' AS fact, key_text(c.ent) AS ent, count(*) AS versions FROM cur_claim AS c GROUP BY c.ent HAVING count(*) > 1
UNION ALL
SELECT 'consent' AS fact, key_text(c.ent) AS ent, count(*) AS versions FROM cur_consent AS c GROUP BY c.ent HAVING count(*) > 1
UNION ALL
SELECT 'engagement' AS fact, key_text(c.ent) AS ent, count(*) AS versions FROM cur_engagement AS c GROUP BY c.ent HAVING count(*) > 1
