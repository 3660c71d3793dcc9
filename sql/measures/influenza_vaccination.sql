-- Influenza vaccination of the season. One row per patient and span of days that the rule reads out of one fact: part says
-- whether in it the patient is eligible, excluded, or covered by evidence. gap judges these spans on the as-of date.
-- Rule: CDC, Advisory Committee on Immunization Practices, Prevention and Control of Seasonal Influenza with Vaccines,
-- MMWR Recommendations and Reports 2024;73(RR-5), https://www.cdc.gov/mmwr/volumes/73/rr/rr7305a1.htm: everyone from six
-- months of age each season, at best by the end of October.
-- Eligible: from the day at which six months are completed, while alive. Due by 31 October of the season.
-- Excluded: hospice or palliative care (our choice; the recommendation itself excludes nobody but for allergy, which is
-- for the clinician to judge).
-- Evidence: a vaccination covers from its day to the end of its season, 30 June. Known to the month or year it counts only
-- when it lies in one season for sure; without a date it is no evidence (reason Missing), nor with another status than
-- completed (InvalidAttribute). Second doses of small children are not asked for.
-- needs: run, patients, services, hospice
-- value sets: influenza_vaccine
-- measure: influenza_vaccination | Influenza vaccination | 2024.1 | higher | preventive
WITH eligible AS (
    SELECT p.patient_id, p.bucket, plus_months(p.birth_hi, 6) AS from_on, p.dead_from AS to_on,
        later_day(plus_months(p.birth_hi, 6), plus_days(plus_months(season_start(r.as_of), 4), -1)) AS due_on, r.as_of
    FROM patients AS p
    CROSS JOIN run AS r
), vaccination AS (
    SELECT s.patient_id, s.bucket, s.resource, s.ent, s.done, s.on_lo, s.on_hi, plus_years(season_start(s.on_lo), 1) AS to_on
    FROM services AS s
    WHERE s.valueset = 'influenza_vaccine' AND s.resource IN ('Immunization', 'Procedure', 'Claim')
)
SELECT e.patient_id, e.bucket, 'eligible' AS part, e.from_on, e.to_on, e.due_on, CAST(NULL AS BOOLEAN) AS met, CAST(NULL AS VARCHAR) AS reason,
    CAST(NULL AS VARCHAR) AS resource, CAST(NULL AS VARCHAR) AS ent, CAST(NULL AS DATE) AS fact_on, CAST(NULL AS VARCHAR) AS shown
FROM eligible AS e
WHERE e.from_on <= e.as_of AND (e.to_on IS NULL OR e.from_on < e.to_on)
UNION ALL
SELECT h.patient_id, h.bucket, 'excluded', h.from_on, h.to_on, CAST(NULL AS DATE), CAST(NULL AS BOOLEAN), 'Present', h.resource, h.ent, h.fact_on, CAST(NULL AS VARCHAR)
FROM hospice AS h
UNION ALL
SELECT v.patient_id, v.bucket, 'evidence', v.on_hi, v.to_on, CASE WHEN v.done THEN v.to_on END, v.done AND v.on_lo IS NOT NULL,
    CASE WHEN NOT v.done THEN 'InvalidAttribute' WHEN v.on_lo IS NULL THEN 'Missing' ELSE 'DateInRange' END,
    v.resource, v.ent, CASE WHEN v.on_lo = v.on_hi THEN v.on_lo END, 'influenza vaccination'
FROM vaccination AS v
