-- Colorectal cancer screening. One row per patient and span of days that the rule reads out of one fact: part says whether
-- in it the patient is eligible, excluded, or covered by evidence. gap judges these spans on the as-of date.
-- Rule: USPSTF, Colorectal Cancer: Screening, final recommendation of 18 May 2021 (grade A for 50-75, B for 45-49),
-- https://www.uspreventiveservicestaskforce.org/uspstf/recommendation/colorectal-cancer-screening
-- Eligible: from the 45th to the day before the 76th birthday, while alive. A birth date known to the month or year makes
-- eligible only when surely of that age.
-- Excluded: colorectal cancer, ever; removal of the whole large bowel, ever (done, not ordered); hospice or palliative care.
-- Evidence covers from the day it was done: colonoscopy 10 years, flexible sigmoidoscopy and CT colonography 5 years, stool
-- DNA test 3 years, stool test for hidden blood 1 year: the day so many years later is the first without. A stool test
-- counts with its result only. A test known to the month or year covers what is sure: from the last day it can have been
-- done, as long as from the first. Without a date it is no evidence (reason Missing), nor with another status than done
-- (InvalidAttribute). Billed services are evidence like clinical ones.
-- Not read: findings that call for a shorter interval, family history, inflammatory bowel disease.
-- needs: run, patients, services, observations, conditions, hospice
-- value sets: colonoscopy, sigmoidoscopy, ct_colonography, fit_dna, fobt, colorectal_cancer, total_colectomy
-- measure: colorectal_screening | Colorectal cancer screening | 2021.1 | higher | preventive
WITH test AS (
    SELECT k.valueset, k.years, k.needs_result, k.shown
    FROM (VALUES
        ('colonoscopy', 10, FALSE, 'colonoscopy'),
        ('sigmoidoscopy', 5, FALSE, 'flexible sigmoidoscopy'),
        ('ct_colonography', 5, FALSE, 'CT colonography'),
        ('fit_dna', 3, TRUE, 'stool DNA test'),
        ('fobt', 1, TRUE, 'stool blood test')
    ) AS k(valueset, years, needs_result, shown)
), eligible AS (
    SELECT p.patient_id, p.bucket, plus_years(p.birth_hi, 45) AS from_on, earlier_day(plus_years(p.birth_lo, 76), p.dead_from) AS to_on
    FROM patients AS p
    CROSS JOIN run AS r
    WHERE plus_years(p.birth_hi, 45) <= r.as_of
), excluded AS (
    SELECT c.patient_id, c.bucket, c.present_from AS from_on, CAST(NULL AS DATE) AS to_on, 'Condition' AS resource, c.ent, c.present_from AS fact_on
    FROM conditions AS c
    WHERE c.valueset IN ('colorectal_cancer', 'total_colectomy')
    UNION ALL
    SELECT s.patient_id, s.bucket, s.on_hi, CAST(NULL AS DATE), s.resource, s.ent, CASE WHEN s.on_lo = s.on_hi THEN s.on_lo END
    FROM services AS s
    WHERE s.valueset IN ('colorectal_cancer', 'total_colectomy') AND s.resource <> 'ServiceRequest' AND s.done AND s.on_hi IS NOT NULL
    UNION ALL
    SELECT h.patient_id, h.bucket, h.from_on, h.to_on, h.resource, h.ent, h.fact_on
    FROM hospice AS h
), tested AS (
    SELECT s.patient_id, s.bucket, s.resource, s.ent, s.done, TRUE AS has_result, s.on_lo, s.on_hi, t.years, t.shown
    FROM services AS s
    JOIN test AS t ON t.valueset = s.valueset
    WHERE s.resource IN ('Procedure', 'DiagnosticReport', 'Claim')
    UNION ALL
    SELECT o.patient_id, o.bucket, 'Observation', o.ent, o.done, o.has_value OR NOT t.needs_result, o.on_lo, o.on_hi, t.years, t.shown
    FROM observations AS o
    JOIN test AS t ON t.valueset = o.valueset
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
SELECT t.patient_id, t.bucket, 'evidence', t.on_hi, plus_years(t.on_lo, t.years), CASE WHEN t.done AND t.has_result THEN plus_years(t.on_lo, t.years) END,
    t.done AND t.has_result AND t.on_lo IS NOT NULL,
    CASE WHEN NOT t.done THEN 'InvalidAttribute' WHEN t.on_lo IS NULL OR NOT t.has_result THEN 'Missing' ELSE 'DateInRange' END,
    t.resource, t.ent, CASE WHEN t.on_lo = t.on_hi THEN t.on_lo END, t.shown
FROM tested AS t
WHERE EXISTS (SELECT 1 FROM eligible AS e WHERE e.patient_id = t.patient_id)
