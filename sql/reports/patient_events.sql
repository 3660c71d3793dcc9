-- What is known of one patient, newest first: visits, bookings, diagnoses, results, procedures, vaccines, medicines, claims
-- and messages, over all merged records. Codes stand for themselves; words for them are in the site's value sets. Times are
-- UTC; with day_only the source gave no clock time and the day is one of the calendar.
WITH me AS (
    SELECT s.pid, coalesce(p.survivor, s.pid) AS person
    FROM subject AS s LEFT JOIN person AS p ON p.pid = s.pid
    WHERE s.token = CAST($1 AS UUID)
), mine AS (
    SELECT 'visit' AS kind, e.period_sl AS happened_at, e.period_off IS NULL AS day_only, e.status, e.class AS what, replace(CAST(e.ent AS VARCHAR), '-', '') AS ent FROM cur_encounter AS e JOIN me ON e.pid = me.person
    UNION ALL
    SELECT 'appointment', a.start_lo, a.start_off IS NULL, a.status, array_to_string(a.service_type, ' '), replace(CAST(a.ent AS VARCHAR), '-', '') FROM cur_appointment AS a JOIN me ON a.pid = me.person
    UNION ALL
    SELECT 'condition', coalesce(c.onset_sl, c.recorded_lo), CASE WHEN c.onset_sl IS NULL THEN c.recorded_off IS NULL ELSE c.onset_off IS NULL END, array_to_string(c.clinical_status, ' '), array_to_string(c.code, ' '), replace(CAST(c.ent AS VARCHAR), '-', '') FROM cur_condition AS c JOIN me ON c.pid = me.person
    UNION ALL
    SELECT 'observation', o.effective_sl, o.effective_off IS NULL, o.status, array_to_string(o.code, ' ') || coalesce(' = ' || CAST(o.value AS VARCHAR) || coalesce(' ' || o.value_unit, ''), ''), replace(CAST(o.ent AS VARCHAR), '-', '')
    FROM cur_observation AS o JOIN me ON o.pid = me.person
    UNION ALL
    SELECT 'procedure', p.performed_sl, p.performed_off IS NULL, p.status, array_to_string(p.code, ' '), replace(CAST(p.ent AS VARCHAR), '-', '') FROM cur_procedure AS p JOIN me ON p.pid = me.person
    UNION ALL
    SELECT 'immunization', i.occurrence_lo, i.occurrence_off IS NULL, i.status, array_to_string(i.code, ' '), replace(CAST(i.ent AS VARCHAR), '-', '') FROM cur_immunization AS i JOIN me ON i.pid = me.person
    UNION ALL
    SELECT 'medication', m.authored_lo, m.authored_off IS NULL, m.status, array_to_string(m.code, ' '), replace(CAST(m.ent AS VARCHAR), '-', '') FROM cur_medication_request AS m JOIN me ON m.pid = me.person
    UNION ALL
    SELECT 'report', d.effective_sl, d.effective_off IS NULL, d.status, array_to_string(d.code, ' '), replace(CAST(d.ent AS VARCHAR), '-', '') FROM cur_diagnostic_report AS d JOIN me ON d.pid = me.person
    UNION ALL
    SELECT 'message', g.at_lo, g.at_off IS NULL, g.verb, coalesce(g.channel, ''), replace(CAST(g.ent AS VARCHAR), '-', '') FROM cur_engagement AS g JOIN me ON g.pid = me.person
    UNION ALL
    SELECT 'claim', l.service_period_sl, l.service_period_off IS NULL, l.status, coalesce('paid ' || CAST(CAST(l.paid AS DECIMAL(18,2)) AS VARCHAR), 'billed ' || CAST(CAST(l.billed AS DECIMAL(18,2)) AS VARCHAR), ''), replace(CAST(l.ent AS VARCHAR), '-', '') FROM cur_claim AS l JOIN me ON l.pid = me.person
)
SELECT kind, happened_at, day_only, coalesce(status, '') AS status, coalesce(what, '') AS what, ent, count(*) OVER () AS total
FROM mine
ORDER BY happened_at DESC NULLS LAST, kind, ent
LIMIT $2
