-- One row per patient with a qualifying visit: first and last one, and the day on which the patient counts as lost, which
-- is the first on which eighteen months had passed without a visit. NULL: never up to the as-of date, or died before.
-- needs: run, visits, patients
WITH day_seen AS (
    SELECT DISTINCT v.patient_id, v.visit_on
    FROM visits AS v
), followed AS (
    SELECT d.patient_id, d.visit_on, lead(d.visit_on) OVER (PARTITION BY d.patient_id ORDER BY d.visit_on ASC NULLS LAST) AS next_on
    FROM day_seen AS d
), lost AS (
    SELECT f.patient_id, min(plus_months(f.visit_on, 18)) AS lost_on
    FROM followed AS f
    CROSS JOIN run AS r
    WHERE plus_months(f.visit_on, 18) <= r.as_of AND (f.next_on IS NULL OR f.next_on > plus_months(f.visit_on, 18))
    GROUP BY f.patient_id
), ends AS (
    SELECT d.patient_id, min(d.visit_on) AS first_on, max(d.visit_on) AS last_on
    FROM day_seen AS d
    GROUP BY d.patient_id
)
SELECT e.patient_id, p.bucket, e.first_on, e.last_on, CASE WHEN p.dead_from <= l.lost_on THEN NULL ELSE l.lost_on END AS lost_on, p.dead_from
FROM ends AS e
JOIN patients AS p ON p.patient_id = e.patient_id
LEFT JOIN lost AS l ON l.patient_id = e.patient_id
