-- One row per patient: the spine that gaps, lists and KPIs hang on, as it stands on the as-of date.
-- needs: run, patients, visits, appointments, attribution, reach
-- publishes: patient
WITH seen AS (
    SELECT v.patient_id, max(v.visit_on) AS last_visit_on
    FROM visits AS v
    GROUP BY v.patient_id
), coming AS (
    SELECT a.patient_id, min(a.start_on) AS next_visit_on
    FROM appointments AS a
    CROSS JOIN run AS r
    WHERE a.start_on > r.as_of AND a.status = 'booked'
    GROUP BY a.patient_id
)
SELECT
    CAST(p.patient_id AS VARCHAR) AS patient_id,
    CAST(p.bucket AS SMALLINT) AS bucket,
    CAST(CASE WHEN year(p.birth_lo) = year(p.birth_hi) THEN age_on(p.birth_hi, r.as_of) END AS INTEGER) AS age,
    CAST(p.sex AS VARCHAR) AS sex,
    CAST(p.race AS VARCHAR) AS race,
    CAST(p.ethnicity AS VARCHAR) AS ethnicity,
    CAST(p.language AS VARCHAR) AS language,
    CAST(p.county AS VARCHAR) AS county,
    CAST(p.zip3 AS VARCHAR) AS zip3,
    CAST(a.site AS VARCHAR) AS site,
    CAST(a.pcp AS VARCHAR) AS pcp,
    CAST(a.payer AS VARCHAR) AS payer,
    CAST(s.last_visit_on AS DATE) AS last_visit_on,
    CAST(c.next_visit_on AS DATE) AS next_visit_on,
    CAST(coalesce(p.dead_from <= r.as_of, FALSE) AS BOOLEAN) AS deceased,
    CAST(h.can_sms AS BOOLEAN) AS can_sms,
    CAST(h.can_email AS BOOLEAN) AS can_email,
    CAST(h.can_voice AS BOOLEAN) AS can_voice,
    CAST(h.can_mail AS BOOLEAN) AS can_mail,
    CAST(h.can_call AS BOOLEAN) AS can_call
FROM patients AS p
CROSS JOIN run AS r
JOIN attribution AS a ON a.patient_id = p.patient_id AND a.point_on = r.as_of
JOIN reach AS h ON h.patient_id = p.patient_id
LEFT JOIN seen AS s ON s.patient_id = p.patient_id
LEFT JOIN coming AS c ON c.patient_id = p.patient_id
