-- One row per span of days in which a patient is under hospice or palliative care and is left out of recall: a service
-- (visit, procedure, standing order or billed day) for the twelve months after it, a diagnosis while it is present.
-- Screening and tight control have nothing to offer there; the rules below exclude these patients, they do not close gaps.
-- Rule: ours; the United States Preventive Services Task Force bases screening on life expectancy in the same way.
-- Not known: a service whose day is unknown excludes nobody.
-- needs: services, conditions
-- value sets: hospice, palliative
SELECT s.patient_id, s.bucket, s.on_hi AS from_on, plus_years(s.on_lo, 1) AS to_on, s.resource, s.ent,
    CASE WHEN s.on_lo = s.on_hi THEN s.on_lo END AS fact_on
FROM services AS s
WHERE s.valueset IN ('hospice', 'palliative') AND s.done AND s.on_hi < plus_years(s.on_lo, 1)
UNION ALL
SELECT c.patient_id, c.bucket, c.present_from, c.present_to, 'Condition', c.ent, c.present_from
FROM conditions AS c
WHERE c.valueset IN ('hospice', 'palliative')
