-- One row per service and value set that knows its code: procedures, vaccinations, reports, billed services, kinds of
-- visit and orders. on_lo and on_hi are the first and last day it may have been done, the same when the day is known, NULL
-- when the source gives no date; a service that cannot have been done by the as-of date is left out. A procedure or
-- report is dated by its end, a billed service and a visit by its start. done says that its status is one of a service
-- that was given (of an order: of one that stands).
-- needs: run, cutoff, people, coded
WITH dated AS (
    SELECT c.resource, c.valueset, f.pid, f.ent, f.status, f.status = 'completed' AS done,
        CASE WHEN f.performed_el < TIMESTAMP '9999-12-31' THEN f.performed_el WHEN f.performed_sl > TIMESTAMP '0001-01-02' THEN f.performed_sl END AS at_lo,
        CASE WHEN f.performed_el < TIMESTAMP '9999-12-31' THEN f.performed_eh WHEN f.performed_sl > TIMESTAMP '0001-01-02' THEN f.performed_sh END AS at_hi,
        f.performed_off AS off
    FROM coded AS c
    JOIN cur_procedure AS f ON f.k = c.k
    WHERE c.resource = 'Procedure'
    UNION ALL
    SELECT c.resource, c.valueset, f.pid, f.ent, f.status, f.status = 'completed', f.occurrence_lo, f.occurrence_hi, f.occurrence_off
    FROM coded AS c
    JOIN cur_immunization AS f ON f.k = c.k
    WHERE c.resource = 'Immunization'
    UNION ALL
    SELECT c.resource, c.valueset, f.pid, f.ent, f.status, f.status IN ('final', 'amended', 'corrected', 'appended'),
        CASE WHEN f.effective_el < TIMESTAMP '9999-12-31' THEN f.effective_el WHEN f.effective_sl > TIMESTAMP '0001-01-02' THEN f.effective_sl END,
        CASE WHEN f.effective_el < TIMESTAMP '9999-12-31' THEN f.effective_eh WHEN f.effective_sl > TIMESTAMP '0001-01-02' THEN f.effective_sh END,
        f.effective_off
    FROM coded AS c
    JOIN cur_diagnostic_report AS f ON f.k = c.k
    WHERE c.resource = 'DiagnosticReport'
    UNION ALL
    SELECT c.resource, c.valueset, f.pid, f.ent, f.status, coalesce(f.status, 'active') NOT IN ('cancelled', 'denied', 'draft') AND coalesce(f.use, 'claim') = 'claim',
        CASE WHEN f.service_period_sl > TIMESTAMP '0001-01-02' THEN f.service_period_sl END,
        CASE WHEN f.service_period_sl > TIMESTAMP '0001-01-02' THEN f.service_period_sh END,
        f.service_period_off
    FROM coded AS c
    JOIN cur_claim AS f ON f.k = c.k
    WHERE c.resource = 'Claim'
    UNION ALL
    SELECT c.resource, c.valueset, f.pid, f.ent, f.status, f.status = 'finished',
        CASE WHEN f.period_sl > TIMESTAMP '0001-01-02' THEN f.period_sl END,
        CASE WHEN f.period_sl > TIMESTAMP '0001-01-02' THEN f.period_sh END,
        f.period_off
    FROM coded AS c
    JOIN cur_encounter AS f ON f.k = c.k
    WHERE c.resource = 'Encounter'
    UNION ALL
    SELECT c.resource, c.valueset, f.pid, f.ent, f.status,
        f.status IN ('active', 'completed') AND f.intent IN ('order', 'original-order', 'reflex-order', 'filler-order', 'instance-order') AND NOT coalesce(f.not_done, FALSE),
        f.authored_lo, f.authored_hi, f.authored_off
    FROM coded AS c
    JOIN cur_service_request AS f ON f.k = c.k
    WHERE c.resource = 'ServiceRequest'
), local AS (
    SELECT d.*, local_day(d.at_lo, d.off, r.zone) AS on_lo, CASE WHEN d.at_hi <> d.at_lo THEN local_day(d.at_hi, d.off, r.zone) END AS last_on
    FROM dated AS d
    CROSS JOIN run AS r
    CROSS JOIN cutoff AS u
    WHERE coalesce(d.status, '') <> 'entered-in-error' AND (d.at_lo IS NULL OR d.at_lo < CASE WHEN d.off IS NULL THEN u.date_end ELSE u.instant_end END)
)
SELECT s.patient_id, s.bucket, d.valueset, d.resource, key_text(d.ent) AS ent, d.status,
    coalesce(d.done, FALSE) AS done, d.on_lo, coalesce(d.last_on, d.on_lo) AS on_hi
FROM local AS d
JOIN people AS s ON s.pid = d.pid
