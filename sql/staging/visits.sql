-- One row per qualifying visit: a finished encounter of ambulatory, virtual or home class that began on a known day up to
-- the as-of date. It needs no code list. A visit whose day is not known does not count: unknown is not evidence.
-- needs: run, encounters
SELECT e.patient_id, e.bucket, e.start_on AS visit_on, e.site, e.clinician
FROM encounters AS e
CROSS JOIN run AS r
WHERE e.status = 'finished' AND e.class IN ('AMB', 'VR', 'HH') AND e.start_on <= r.as_of
