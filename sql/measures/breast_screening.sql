-- Breast cancer screening. One row per patient and span of days that the rule reads out of one fact: part says whether in
-- it the patient is eligible, excluded, or covered by evidence. gap judges these spans on the as-of date.
-- Rule: USPSTF, Breast Cancer: Screening, final recommendation of 30 April 2024 (grade B: every second year from 40 to 74),
-- https://www.uspreventiveservicestaskforce.org/uspstf/recommendation/breast-cancer-screening
-- Eligible: persons of female sex at birth (where that is not recorded, of female administrative gender) from the 40th to
-- the day before the 75th birthday, while alive. A birth date known to the month or year makes eligible only when surely
-- of that age.
-- Excluded: both breasts removed, shown at once or for the right and the left apart (done, not ordered); hospice or palliative care.
-- Evidence: a mammogram covers two years from its day; the same day two years later is the first without. Known to the
-- month or year it covers what is sure; without a date it is no evidence (reason Missing), nor with another status than
-- done (InvalidAttribute).
-- needs: run, patients, services, observations, conditions, hospice
-- value sets: mammography, mastectomy_bilateral, mastectomy_right, mastectomy_left
-- measure: breast_screening | Breast cancer screening | 2024.1 | higher | preventive
WITH eligible AS (
    SELECT p.patient_id, p.bucket, plus_years(p.birth_hi, 40) AS from_on, earlier_day(plus_years(p.birth_lo, 75), p.dead_from) AS to_on
    FROM patients AS p
    CROSS JOIN run AS r
    WHERE plus_years(p.birth_hi, 40) <= r.as_of
        AND CASE WHEN p.birth_sex IN ('F', 'M') THEN p.birth_sex = 'F' ELSE p.sex = 'female' END
), removal AS (
    SELECT c.patient_id, c.bucket, c.valueset, 'Condition' AS resource, c.ent, c.present_from AS from_on, c.present_from AS fact_on
    FROM conditions AS c
    WHERE c.valueset IN ('mastectomy_bilateral', 'mastectomy_right', 'mastectomy_left')
    UNION ALL
    SELECT s.patient_id, s.bucket, s.valueset, s.resource, s.ent, s.on_hi, CASE WHEN s.on_lo = s.on_hi THEN s.on_lo END
    FROM services AS s
    WHERE s.valueset IN ('mastectomy_bilateral', 'mastectomy_right', 'mastectomy_left') AND s.resource <> 'ServiceRequest' AND s.done AND s.on_hi IS NOT NULL
), side AS (
    SELECT m.patient_id, m.bucket, m.valueset, m.resource, m.ent, m.from_on, m.fact_on,
        row_number() OVER (PARTITION BY m.patient_id, m.valueset ORDER BY m.from_on ASC NULLS LAST, m.resource ASC NULLS LAST, m.ent ASC NULLS LAST) AS nth
    FROM removal AS m
), excluded AS (
    SELECT b.patient_id, b.bucket, b.from_on, CAST(NULL AS DATE) AS to_on, b.resource, b.ent, b.fact_on
    FROM side AS b
    WHERE b.valueset = 'mastectomy_bilateral' AND b.nth = 1
    UNION ALL
    SELECT a.patient_id, a.bucket, later_day(a.from_on, b.from_on), CAST(NULL AS DATE),
        CASE WHEN a.from_on > b.from_on THEN a.resource ELSE b.resource END,
        CASE WHEN a.from_on > b.from_on THEN a.ent ELSE b.ent END,
        CASE WHEN a.from_on > b.from_on THEN a.fact_on ELSE b.fact_on END
    FROM side AS a
    JOIN side AS b ON b.patient_id = a.patient_id
    WHERE a.valueset = 'mastectomy_right' AND a.nth = 1 AND b.valueset = 'mastectomy_left' AND b.nth = 1
    UNION ALL
    SELECT h.patient_id, h.bucket, h.from_on, h.to_on, h.resource, h.ent, h.fact_on
    FROM hospice AS h
), mammogram AS (
    SELECT s.patient_id, s.bucket, s.resource, s.ent, s.done, s.on_lo, s.on_hi
    FROM services AS s
    WHERE s.valueset = 'mammography' AND s.resource IN ('Procedure', 'DiagnosticReport', 'Claim')
    UNION ALL
    SELECT o.patient_id, o.bucket, 'Observation', o.ent, o.done, o.on_lo, o.on_hi
    FROM observations AS o
    WHERE o.valueset = 'mammography'
)
SELECT e.patient_id, e.bucket, 'eligible' AS part, e.from_on, e.to_on, e.from_on AS due_on, CAST(NULL AS BOOLEAN) AS met, CAST(NULL AS VARCHAR) AS reason,
    CAST(NULL AS VARCHAR) AS resource, CAST(NULL AS VARCHAR) AS ent, CAST(NULL AS DATE) AS fact_on, CAST(NULL AS VARCHAR) AS shown
FROM eligible AS e
WHERE e.from_on < e.to_on
UNION ALL
SELECT x.patient_id, x.bucket, 'excluded', x.from_on, x.to_on, CAST(NULL AS DATE), CAST(NULL AS BOOLEAN), 'Present', x.resource, x.ent, x.fact_on, CAST(NULL AS VARCHAR)
FROM excluded AS x
WHERE EXISTS (SELECT 1 FROM eligible AS e WHERE e.patient_id = x.patient_id)
UNION ALL
SELECT m.patient_id, m.bucket, 'evidence', m.on_hi, plus_years(m.on_lo, 2), CASE WHEN m.done THEN plus_years(m.on_lo, 2) END, m.done AND m.on_lo IS NOT NULL,
    CASE WHEN NOT m.done THEN 'InvalidAttribute' WHEN m.on_lo IS NULL THEN 'Missing' ELSE 'DateInRange' END,
    m.resource, m.ent, CASE WHEN m.on_lo = m.on_hi THEN m.on_lo END, 'mammogram'
FROM mammogram AS m
WHERE EXISTS (SELECT 1 FROM eligible AS e WHERE e.patient_id = m.patient_id)
